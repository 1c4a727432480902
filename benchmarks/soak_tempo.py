"""A long jam at one tempo and what went wrong in it; `benchmarks.soak` runs one for each tempo.

Groove test performances, with their human timing, are played through a real JACK MIDI port by a
process of its own, in continuous mode, so that human and machine play all the time.
`benchmarks.soak_checks` then compares what was sent, heard and written.
"""

from __future__ import annotations

import csv
import io
import math
import os
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from benchmarks.soak_checks import (
    BARS,
    BOUNDARY,
    COUNT_IN,
    HALF_STEP,
    TURN,
    Figures,
    check_human,
    check_journal,
    check_machine,
)
from fmvae_core.data.groove import GrooveFiles
from fmvae_core.files import resource
from fmvae_core.jam.journal import read_journal
from fmvae_core.jam.messages import Answer, AnswerRequest
from fmvae_core.jam.records import End
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
from fmvae_core.live.measure import EngineProcess
from fmvae_core.live.messages import EngineState
from fmvae_core.live.midi_ports import VIRTUAL_PORT
from fmvae_core.music.drums import DRUMS, drum_map
from fmvae_core.music.midi_file import read_midi
from fmvae_core.music.phrase import Phrase
from tests.fmvae_core.inference.processes import WorkerProcess
from tests.fmvae_core.live.jack import JackServer, wait_until
from tests.fmvae_core.live.kit import Kit, Listener

ECHO = 0.020  # seconds within which a pad is not hit twice: the engine takes that for ringing
AHEAD = 2  # turns that the kit is told of in advance
SETTLED = 0.25  # share of the jam after which memory is to grow no more


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
