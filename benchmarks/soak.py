"""A long jam with a drummer who is a process of its own: ``python -m benchmarks.soak``.

Groove test performances, with their human timing, are played through a real JACK MIDI port in
continuous mode, so that human and machine play all the time. What the engine heard is compared with
when the kit really sent it, and what came out of its MIDI port with what it said it plays. The
figures go to ``build/soak.json``.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from fmvae_core.data.groove import GrooveFiles
from fmvae_core.files import replacing, resource
from fmvae_core.jam.messages import Answer, AnswerRequest
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
from fmvae_core.live.midi_ports import VIRTUAL_PORT
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
LATE = 0.020  # seconds after its place at which a note of the machine's counts as late
ECHO = 0.020  # seconds within which a pad is not hit twice: the engine takes that for ringing


@dataclass
class Figures:
    """What went wrong in a soak: from ``late`` on all should be 0, and the last below 0.01.

    ``rss_growth`` is the share by which the engine's resident memory grew, at the worst tempo, from
    a quarter of the jam to its end.
    """

    minutes: float = 0.0
    hits: int = 0
    answers: int = 0
    prepared: int = 0
    late: int = 0
    cut: int = 0
    stuck: int = 0
    lost: int = 0
    doubled: int = 0
    misplaced: int = 0
    rss_growth: float = 0.0


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


def rss(pid: int) -> int:
    """Return the resident memory of a process in pages."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1])


def play(
    kit: Kit, phrases: Iterator[Phrase], zero: float, beat: float, turns: int, pid: int
) -> tuple[list[tuple[float, int]], int]:
    """Play some turns; return when each hit was sent, its pitch of Table 4, and early memory."""
    memory = 0
    categories = drum_map("roland-td-11").categories
    played: list[tuple[float, int]] = []
    waiting: list[int] = []
    last: dict[int, float] = {}
    end = zero + (COUNT_IN + turns * TURN - HALF_STEP) * beat - BOUNDARY
    for turn in range(turns):
        if turn <= 1 + turns // 4:
            memory = rss(pid)
        pitches = []
        for note in next(phrases).notes:
            at = zero + (COUNT_IN + turn * TURN + note.onset) * beat
            if note.pitch not in categories or at >= end:
                continue
            if at - last.get(note.pitch, -math.inf) < ECHO:
                continue
            last[note.pitch] = at
            kit.send(0x99, note.pitch, note.velocity, at=at)
            pitches.append(DRUMS[categories[note.pitch]].pitch)
        played += zip(kit.sent(len(waiting)), waiting, strict=True)
        waiting = pitches
    played += zip(kit.sent(len(waiting)), waiting, strict=True)
    return played, memory


def check_human(
    phrases: list[HumanPhrase],
    played: list[tuple[float, int]],
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
    for drum in DRUMS:
        sent = sorted((at - zero) / beat for at, pitch in played if pitch == drum.pitch)
        came = sorted(at for at, pitch in heard if pitch == drum.pitch)
        figures.lost += max(0, len(sent) - len(came))
        figures.doubled += max(0, len(came) - len(sent))
        if len(sent) == len(came):
            for meant, there in zip(sent, came, strict=True):
                place = meant * STEPS_PER_BEAT + 0.5
                off = abs(place - round(place)) * beat / STEPS_PER_BEAT
                if off > BOUNDARY and math.floor(place) != math.floor(there * STEPS_PER_BEAT + 0.5):
                    figures.misplaced += 1


def check_machine(
    answers: list[MachinePhrase],
    last_turn: int,
    out: list[tuple[float, list[int]]],
    zero: float,
    beat: float,
    figures: Figures,
) -> None:
    """Compare what came out of the port with what the machine said it plays."""
    sounding: Counter[int] = Counter()
    for _, (status, pitch, velocity) in out:
        sounding[pitch] += 1 if status & 0xF0 == 0x90 and velocity else -1
    figures.stuck += sum(abs(count) for count in sounding.values())
    end = zero + (COUNT_IN + last_turn * TURN) * beat - 0.001  # the last answer was stopped
    for pitch in {pitch for _, (_, pitch, _) in out}:
        came = sorted(
            at
            for at, (status, p, v) in out
            if p == pitch and status & 0xF0 == 0x90 and v and at < end
        )
        meant = sorted(
            zero + (COUNT_IN + answer.turn * TURN + note.onset) * beat
            for answer in answers
            for note in answer.phrase.notes
            if note.pitch == pitch and answer.turn < last_turn
        )
        figures.cut += max(0, len(meant) - len(came))
        if len(meant) == len(came):
            figures.late += sum(b - a > LATE for a, b in zip(meant, came, strict=True))


def soak(tempo: float, minutes: float, data: Path, figures: Figures) -> None:
    """Jam at a tempo for some minutes and add what went wrong to the figures."""
    beat = 60.0 / tempo
    turns = max(2, math.ceil(minutes * 60.0 / (TURN * beat)))
    with JackServer() as server:
        os.environ["JACK_DEFAULT_SERVER"] = server.name
        kit = Kit()
        with (
            EngineProcess({**os.environ, **server.environment}) as engine,
            WorkerProcess(resource("models", "drums-2bar"), engine=engine.endpoint) as worker,
        ):
            client = engine.client
            worker.wait_until_open()
            worker.connection.send(
                AnswerRequest(number=0, phrase=Phrase((), BARS), is_final=True, seed=0)
            )
            worker.mail.wait_for(Answer)
            client.send(SetMidi(inputs=("kit",), output=VIRTUAL_PORT))
            client.wait_for(MidiPortsState, lambda p: bool(p.open_inputs) and bool(p.output))
            listener = Listener()
            settings = Settings(mode=Mode.CONTINUOUS, bars=BARS)
            client.send(StartJam(tempo=tempo, settings=settings))
            state = client.wait_for(JamState, lambda s: s.state is State.COUNT_IN)
            zero = state.time - (state.beat - 1) * beat
            pid = engine.process.pid
            played, before = play(kit, performances(data), zero, beat, turns, pid)
            client.wait_for(HumanPhrase, lambda p: p.turn == turns - 1)
            client.wait_for(MachinePhrase, lambda p: p.turn == turns)
            mark = client.mark()
            client.wait_for(JamState, lambda s: s.bar == BARS and s.beat == 4, since=mark)
            end = client.wait_for(JamState, newest=True)
            client.send(StopJam())
            client.wait_for(JamState, lambda s: s.state is State.IDLE, since=mark)
            figures.rss_growth = max(figures.rss_growth, rss(pid) / before - 1.0)
            with suppress(AssertionError):  # then it is stuck, which is told
                wait_until(lambda: not listener.sounding(), "ended, every note", 2.0)
            listener.close()
            check_human(client.all(HumanPhrase), played, zero, beat, figures)
            check_machine(client.all(MachinePhrase), turns, listener.heard, zero, beat, figures)
            figures.answers += end.finals + end.prepared
            figures.prepared += end.prepared
            figures.minutes += turns * TURN * beat / 60.0
        kit.unplug()


def main() -> None:
    """Soak at each tempo and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0, help="at each tempo")
    parser.add_argument("--tempos", type=float, nargs="+", default=[90.0, 140.0, 200.0])
    options = parser.parse_args()
    data = os.environ.get("FLATJAM_DATA")
    if not data:
        parser.error("FLATJAM_DATA has to name a folder with the Groove zip")
    figures = Figures()
    for tempo in options.tempos:
        soak(tempo, options.minutes, Path(data), figures)
        print(f"{tempo:g} bpm: {figures}", flush=True)
    with replacing(Path("build") / "soak.json") as scratch:
        scratch.write_text(json.dumps(asdict(figures), indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
