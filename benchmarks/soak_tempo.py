"""A long jam at one tempo and what went wrong in it; `benchmarks.soak` runs one for each tempo.

Groove test performances, with their human timing, are played through a real JACK MIDI port by a
process of its own, in continuous mode, so that human and machine play all the time. What the engine
heard is compared with when the kit really sent it, and what came out of its MIDI port with what it
said it plays. Its journal is then put through rules and model once more.
"""

from __future__ import annotations

import csv
import io
import math
import os
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from benchmarks.answers import answer_waits
from fmvae_core.data.groove import GrooveFiles
from fmvae_core.files import resource
from fmvae_core.jam.check import answer_differences, differences
from fmvae_core.jam.journal import Journal, read_journal
from fmvae_core.jam.messages import Answer, AnswerRequest
from fmvae_core.jam.records import End, MidiEvent
from fmvae_core.jam.rules import Mode, Settings, State
from fmvae_core.live.jam_messages import (
    HumanPhrase,
    JamState,
    MachinePhrase,
    MidiPortsState,
    SetMidi,
    StartJam,
    StopJam,
)
from fmvae_core.live.measure import EngineProcess, Summary
from fmvae_core.live.messages import EngineState
from fmvae_core.live.midi_ports import VIRTUAL_PORT, Direction
from fmvae_core.models.bundle import Bundle
from fmvae_core.music.drums import DRUMS, drum_map
from fmvae_core.music.midi_file import read_midi
from fmvae_core.music.phrase import STEPS_PER_BEAT, Phrase
from tests.fmvae_core.inference.processes import WorkerProcess
from tests.fmvae_core.live.jack import JackServer, wait_until
from tests.fmvae_core.live.kit import Kit, Listener

BARS = 2
TURN = 4.0 * BARS  # beats
COUNT_IN = 4.0
HALF_STEP = 0.125
BOUNDARY = 0.005  # seconds from a boundary of cells within which the next cell is as good
EARLY = 0.005  # seconds before its place from which on a note of the machine's is that one
LATE = 0.020  # seconds after it at which a note counts as late
LOST = 0.150  # the same at which it counts as cut: the engine leaves out what is so late
ECHO = 0.020  # seconds within which a pad is not hit twice: the engine takes that for ringing
AHEAD = 2  # turns that the kit is told of in advance
SETTLED = 0.25  # share of the jam after which memory is to grow no more


@dataclass
class Figures:
    """What went wrong in a jam: from ``late`` on all should be 0, and growth below 0.01.

    Parameters
    ----------
    tempo, minutes
        Of the jam.
    load
        Mean length of the system's queue of processes in the last minute, at each turn: the least,
        the mean and the most of it.
    hits, answers, prepared
        How many the human has played, and the machine; and which of these were prepared ones.
    answer_ms_p50, answer_ms_p99
        From the close of the human's window to the final answer's being queued.
    undelivered
        Messages that JACK did not hand on: of a period that a client missed on a busy machine it
        never gets the messages. The journal has those that reached the engine and that left it.
    late_ms_p99, late_ms_max
        How long after its place a note of the machine's came out of the port.
    rss_growth, worker_rss_growth
        The share by which the resident memory of engine and model worker grew from a quarter of
        the jam to its end.
    replayed, replay_differences
        How many answers of the journal were given again, and what came out otherwise.
    """

    tempo: float
    minutes: float = 0.0
    load: tuple[float, ...] = ()
    hits: int = 0
    answers: int = 0
    prepared: int = 0
    answer_ms_p50: float = 0.0
    answer_ms_p99: float = 0.0
    undelivered: int = 0
    late_ms_p99: float = 0.0
    late_ms_max: float = 0.0
    late: int = 0
    cut: int = 0
    stuck: int = 0
    lost: int = 0
    doubled: int = 0
    misplaced: int = 0
    rss_growth: float = 0.0
    worker_rss_growth: float = 0.0
    replayed: int = 0
    replay_differences: int = 0
    wrong: list[str] = field(default_factory=list)
    """What is counted above, in words."""


def performances(data: Path) -> Iterator[Phrase]:
    """Yield two bars after two bars of the test performances, over and over."""
    files = GrooveFiles(data)
    rows = csv.DictReader(io.StringIO(files.read("info.csv").decode()))
    names = [
        row["midi_filename"]
        for row in rows
        if (row["split"], row["time_signature"]) == ("test", "4-4")
    ]
    while True:
        for name in names:
            performance = read_midi(io.BytesIO(files.read(name)))
            for bar in range(0, performance.bars - BARS + 1, BARS):
                yield performance.phrase(bar, BARS)


@dataclass
class Watch:
    """What is looked at during a jam: memory of some processes, and the machine's load."""

    pids: tuple[int, ...]
    settled: tuple[int, ...] = ()
    loads: list[float] = field(default_factory=list)

    def memory(self) -> tuple[int, ...]:
        """Return the resident memory of each process, in pages."""
        return tuple(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.pids)

    def look(self, share: float) -> None:
        """Look, at some share of the jam."""
        self.loads.append(os.getloadavg()[0])
        if share <= SETTLED or not self.settled:
            self.settled = self.memory()

    def growth(self) -> tuple[float, ...]:
        """Return by which share the memory of each process has grown since it had settled."""
        return tuple(b / a - 1.0 for a, b in zip(self.settled, self.memory(), strict=True))


def play(
    kit: Kit, phrases: Sequence[Phrase], zero: float, beat: float, watch: Watch
) -> list[tuple[float, int]]:
    """Play phrases; return when each hit was sent, and its pitch of Table 4.

    Two turns are with the kit at any time, so that it plays on whatever holds this process up.
    """
    categories = drum_map("roland-td-11").categories
    played: list[tuple[float, int]] = []
    waiting: deque[list[int]] = deque()
    last: dict[int, float] = {}
    turns = len(phrases)
    end = zero + (COUNT_IN + turns * TURN - HALF_STEP) * beat - BOUNDARY
    for turn, phrase in enumerate(phrases):
        pitches = []
        for note in phrase.notes:
            at = zero + (COUNT_IN + turn * TURN + note.onset) * beat
            if note.pitch not in categories or at >= end:
                continue
            if at - last.get(note.pitch, -math.inf) < ECHO:
                continue
            last[note.pitch] = at
            kit.send(0x99, note.pitch, note.velocity, at=at)
            pitches.append(DRUMS[categories[note.pitch]].pitch)
        waiting.append(pitches)
        if len(waiting) > AHEAD:
            played += _sent(kit, waiting.popleft())
            watch.look((turn - AHEAD) / turns)
    while waiting:
        played += _sent(kit, waiting.popleft())
    return played


def _sent(kit: Kit, pitches: list[int]) -> Iterator[tuple[float, int]]:
    """Wait until hits have been sent, and tell when."""
    return zip(kit.sent(len(pitches)), pitches, strict=True)


def messages(journal: Journal, direction: Direction, *, starts: bool) -> dict[int, list[float]]:
    """Return when the journal has starts, or ends, of notes that came or went, by their pitch."""
    found: dict[int, list[float]] = defaultdict(list)
    for record in journal.records:
        if isinstance(record, MidiEvent) and record.direction == direction:
            status, pitch, velocity = (*record.data, 0, 0)[:3]
            is_start = status & 0xF0 == 0x90 and velocity > 0
            is_end = status & 0xE0 == 0x80 and not is_start
            if is_start if starts else is_end:
                found[pitch].append(record.time)
    return found


def check_human(
    phrases: list[HumanPhrase],
    played: list[tuple[float, int]],
    journal: Journal,
    zero: float,
    beat: float,
    figures: Figures,
) -> None:
    """Compare what the engine heard with what the kit sent."""
    heard = [
        (COUNT_IN + phrase.turn * TURN + note.onset, note.pitch)
        for phrase in phrases
        for note in phrase.phrase.notes
    ]
    figures.hits += len(played)
    categories = drum_map("roland-td-11").categories
    arrived: Counter[int] = Counter()
    for pitch, times in messages(journal, "in", starts=True).items():
        arrived[DRUMS[categories[pitch]].pitch] += len(times)
    for drum in DRUMS:
        sent = sorted((at - zero) / beat for at, pitch in played if pitch == drum.pitch)
        came = sorted(at for at, pitch in heard if pitch == drum.pitch)
        figures.undelivered += max(0, len(sent) - arrived[drum.pitch])
        figures.lost += max(0, min(len(sent), arrived[drum.pitch]) - len(came))
        figures.doubled += max(0, len(came) - len(sent))
        if len(sent) == len(came):
            for meant, there in zip(sent, came, strict=True):
                place = meant * STEPS_PER_BEAT + 0.5
                off = abs(place - round(place)) * beat / STEPS_PER_BEAT
                cells = math.floor(place), math.floor(there * STEPS_PER_BEAT + 0.5)
                if (off > BOUNDARY and cells[0] != cells[1]) or abs(cells[0] - cells[1]) > 1:
                    figures.misplaced += 1
                    figures.wrong.append(
                        f"{drum.name} at beat {meant:.3f} was heard at {there:.3f}"
                    )


def check_machine(
    answers: list[MachinePhrase],
    last_turn: int,
    out: list[tuple[float, list[int]]],
    journal: Journal,
    zero: float,
    beat: float,
    figures: Figures,
) -> None:
    """Compare what came out of the port with what the machine said it plays."""
    sent_starts = messages(journal, "out", starts=True)
    sent_ends = messages(journal, "out", starts=False)
    sounding: Counter[int] = Counter()
    ended: Counter[int] = Counter()
    for _, (status, pitch, velocity) in out:
        is_start = status & 0xF0 == 0x90 and velocity
        sounding[pitch] += 1 if is_start else -1
        ended[pitch] += 0 if is_start else 1
    for pitch, count in sounding.items():
        undelivered = max(0, len(sent_ends[pitch]) - ended[pitch])
        figures.undelivered += undelivered
        figures.stuck += max(0, count - undelivered)
    end = zero + (COUNT_IN + last_turn * TURN) * beat - 0.001  # the last answer was stopped
    starts: dict[int, list[float]] = defaultdict(list)
    for at, (status, pitch, velocity) in out:
        if status & 0xF0 == 0x90 and velocity:
            starts[pitch].append(at)
    meant: dict[int, list[float]] = defaultdict(list)
    for answer in answers:
        if answer.turn < last_turn:
            start = zero + (COUNT_IN + answer.turn * TURN) * beat
            for note in answer.phrase.notes:
                meant[note.pitch].append(start + note.onset * beat)
    delays: list[float] = []
    for pitch in sorted({*starts, *meant}):
        came = deque(sorted(starts[pitch]))
        for place in sorted(meant[pitch]):
            while came and came[0] < place - EARLY:
                figures.doubled += 1
                figures.wrong.append(f"pitch {pitch} came at beat {(came.popleft() - zero) / beat}")
            delay = came[0] - place if came else math.inf
            if delay > LOST:
                at = (place - zero) / beat
                if any(abs(sent - place) < LOST for sent in sent_starts[pitch]):
                    figures.undelivered += 1
                else:
                    figures.cut += 1
                    figures.wrong.append(f"pitch {pitch} at beat {at:.3f} is missing")
                continue
            came.popleft()
            delays.append(1000.0 * delay)
            if delay > LATE:
                figures.late += 1
                at = (place - zero) / beat
                figures.wrong.append(f"pitch {pitch} at beat {at:.3f} {delays[-1]:.1f} ms late")
        figures.doubled += sum(at < end for at in came)
    if delays:
        summary = Summary.of(delays)
        figures.late_ms_p99, figures.late_ms_max = summary.p99, summary.max


def check_journal(journal: Journal, bundle: Path, figures: Figures) -> None:
    """Put a take through rules and model once more, and see how long its answers took."""
    from fmvae_core.inference.networks import Networks  # only now: torch would take memory
    from fmvae_core.inference.partner import MachinePlayer

    opened = Bundle.open(bundle)
    machine = MachinePlayer(opened, Networks(opened))
    told = list(differences(journal))
    again = list(answer_differences(journal, opened.sha256, machine.answer))
    told += [each for each in again if each is not None]
    figures.replayed = len(again)
    figures.replay_differences = len(told)
    figures.wrong += told
    waits = answer_waits(journal)
    if waits:
        summary = Summary.of(1000.0 * wait for wait in waits)
        figures.answer_ms_p50, figures.answer_ms_p99 = summary.p50, summary.p99


def soak(tempo: float, minutes: float, data: Path, take: Path) -> Figures:
    """Jam at a tempo for some minutes, and return what went wrong.

    Parameters
    ----------
    tempo
        Beats a minute.
    minutes
        At least two turns are played in any case.
    data
        Folder that the Groove zip is in.
    take
        Where the journal goes; it must not exist.
    """
    figures = Figures(tempo)
    bundle = resource("models", "drums-2bar")
    beat = 60.0 / tempo
    turns = max(2, math.ceil(minutes * 60.0 / (TURN * beat)))
    phrases = list(islice(performances(data), turns))  # to read them takes long
    with JackServer() as server:
        os.environ["JACK_DEFAULT_SERVER"] = server.name
        kit = Kit()
        with (
            EngineProcess({**os.environ, **server.environment}) as engine,
            WorkerProcess(bundle, engine=engine.endpoint) as worker,
        ):
            client = engine.client
            client.wait_for(EngineState, lambda state: state.driver == "jack")
            worker.wait_until_open()
            worker.connection.send(
                AnswerRequest(number=0, phrase=Phrase((), BARS), is_final=True, seed=0)
            )
            worker.mail.wait_for(Answer)
            client.send(SetMidi(inputs=("kit",), output=VIRTUAL_PORT))
            client.wait_for(MidiPortsState, lambda p: bool(p.open_inputs) and bool(p.output))
            listener = Listener()
            settings = Settings(mode=Mode.CONTINUOUS, bars=BARS)
            client.send(StartJam(tempo=tempo, settings=settings, journal=take))
            state = client.wait_for(JamState, lambda s: s.state is State.COUNT_IN)
            zero = state.time - (state.beat - 1) * beat
            watch = Watch((engine.process.pid, worker.process.pid))
            played = play(kit, phrases, zero, beat, watch)
            client.wait_for(HumanPhrase, lambda p: p.turn == turns - 1)
            client.wait_for(MachinePhrase, lambda p: p.turn == turns)
            mark = client.mark()
            client.wait_for(JamState, lambda s: s.bar == BARS and s.beat == 4, since=mark)
            end = client.wait_for(JamState, newest=True)
            client.send(StopJam())
            client.wait_for(JamState, lambda s: s.state is State.IDLE, since=mark)
            figures.rss_growth, figures.worker_rss_growth = watch.growth()
            with suppress(AssertionError):  # then it is stuck, which is told
                wait_until(lambda: not listener.sounding(), "ended, every note", 2.0)
            listener.close()
            wait_until(lambda: isinstance(read_journal(take).records[-1], End), "ended, the take")
        kit.unplug()
    journal = read_journal(take)
    check_human(client.all(HumanPhrase), played, journal, zero, beat, figures)
    check_machine(client.all(MachinePhrase), turns, listener.heard, journal, zero, beat, figures)
    check_journal(journal, bundle, figures)
    figures.answers = end.finals + end.prepared
    figures.prepared = end.prepared
    figures.minutes = turns * TURN * beat / 60.0
    figures.load = min(watch.loads), sum(watch.loads) / len(watch.loads), max(watch.loads)
    return figures
