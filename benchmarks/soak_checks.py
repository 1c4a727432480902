"""What went wrong in a soak: its figures, and how they come from what was sent, heard and written.

What the engine heard is compared with when the kit really sent it, and what came out of its MIDI
port with what it said it plays. Its journal is then put through rules and model once more.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.answers import answer_waits
from fmvae_core.jam.check import answer_differences, differences
from fmvae_core.jam.journal import Journal
from fmvae_core.jam.records import MidiEvent
from fmvae_core.live.jam_messages import HumanPhrase, MachinePhrase
from fmvae_core.live.measure import Summary
from fmvae_core.live.midi_ports import Direction
from fmvae_core.models.bundle import Bundle
from fmvae_core.music.drums import DRUMS, drum_map
from fmvae_core.music.phrase import STEPS_PER_BEAT

BARS = 2
TURN = 4.0 * BARS  # beats
COUNT_IN = 4.0
HALF_STEP = 0.125
BOUNDARY = 0.005  # seconds from a boundary of cells within which the next cell is as good
EARLY = 0.005  # seconds before its place from which on a note of the machine's is that one
LATE = 0.020  # seconds after it at which a note counts as late
LOST = 0.150  # the same at which it counts as cut: the engine leaves out what is so late
HANDED_ON = 0.040  # seconds that JACK takes at most from one of its clients to the next


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


def messages(journal: Journal, direction: Direction, *, starts: bool) -> dict[int, list[float]]:
    """Return when the journal has starts, or ends, of notes that came or went, by their pitch."""
    return by_pitch(
        (
            (record.time, record.data)
            for record in journal.records
            if isinstance(record, MidiEvent) and record.direction == direction
        ),
        starts=starts,
    )


def by_pitch(
    messages: Iterable[tuple[float, Sequence[int]]], *, starts: bool
) -> dict[int, list[float]]:
    """Return when notes started, or ended, by their pitch."""
    found: dict[int, list[float]] = defaultdict(list)
    for at, data in messages:
        status, pitch, velocity = (*data, 0, 0)[:3]
        is_start = status & 0xF0 == 0x90 and velocity > 0
        if is_start if starts else status & 0xE0 == 0x80 and not is_start:
            found[pitch].append(at)
    return found


def paired(
    meant: Iterable[float], came: Iterable[float], patience: float
) -> tuple[list[tuple[float, float | None]], list[float]]:
    """Find for each time the one that belongs to it, from a little before to `patience` after.

    Returns
    -------
    pairs
        Each of ``meant``, and what came for it.
    others
        What came for none.
    """
    waiting = deque(sorted(came))
    pairs: list[tuple[float, float | None]] = []
    others: list[float] = []
    for place in sorted(meant):
        while waiting and waiting[0] < place - EARLY:
            others.append(waiting.popleft())
        is_there = bool(waiting) and waiting[0] - place <= patience
        pairs.append((place, waiting.popleft() if is_there else None))
    return pairs, [*others, *waiting]


def check_human(
    phrases: list[HumanPhrase],
    played: list[tuple[float, int]],
    journal: Journal,
    zero: float,
    beat: float,
    figures: Figures,
) -> None:
    """Compare what the engine heard with what the kit sent and JACK handed on."""
    heard = [
        (COUNT_IN + phrase.turn * TURN + note.onset, note.pitch)
        for phrase in phrases
        for note in phrase.phrase.notes
    ]
    figures.hits += len(played)
    categories = drum_map("roland-td-11").categories
    arrived: dict[int, list[float]] = defaultdict(list)
    for pitch, times in messages(journal, "in", starts=True).items():
        arrived[DRUMS[categories[pitch]].pitch] += times
    for drum in DRUMS:
        pairs, others = paired(
            (at for at, pitch in played if pitch == drum.pitch), arrived[drum.pitch], HANDED_ON
        )
        sent = [(at - zero) / beat for at, there in pairs if there is not None]
        came = sorted(at for at, pitch in heard if pitch == drum.pitch)
        figures.undelivered += len(pairs) - len(sent)
        figures.lost += max(0, len(sent) - len(came))
        figures.doubled += len(others) + max(0, len(came) - len(sent))
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
    """Compare what the machine said it plays with what it sent, and that with what was heard."""
    sent = messages(journal, "out", starts=True)
    ends = messages(journal, "out", starts=False)
    heard, ended = by_pitch(out, starts=True), by_pitch(out, starts=False)
    stop = zero + (COUNT_IN + last_turn * TURN) * beat - 0.001  # the last answer was stopped
    meant: dict[int, list[float]] = defaultdict(list)
    for answer in answers:
        if answer.turn < last_turn:
            start = zero + (COUNT_IN + answer.turn * TURN) * beat
            for note in answer.phrase.notes:
                meant[note.pitch].append(start + note.onset * beat)
    delays: list[float] = []
    for pitch in sorted({*sent, *meant, *heard}):
        played, others = paired(meant[pitch], sent[pitch], LOST)
        figures.doubled += sum(at < stop for at in others)
        starts, strange = paired(sent[pitch], heard[pitch], HANDED_ON)
        figures.doubled += len(strange)
        lost_starts = sum(there is None for _, there in starts)
        lost_ends = sum(there is None for _, there in paired(ends[pitch], ended[pitch], LOST)[0])
        figures.undelivered += lost_starts + lost_ends
        # Ends at the stop are not in the journal, but they are heard.
        sounding = len(heard[pitch]) + lost_starts - len(ended[pitch]) - lost_ends
        figures.stuck += abs(sounding)
        arrival = dict(starts)
        for place, at in played:
            where = f"pitch {pitch} at beat {(place - zero) / beat:.3f}"
            if at is None:
                figures.cut += 1
                figures.wrong.append(f"{where} is missing")
                continue
            there = arrival[at]
            delay = 1000.0 * ((at if there is None else there) - place)
            delays.append(delay)
            if delay > 1000.0 * LATE:
                figures.late += 1
                figures.wrong.append(f"{where} {delay:.1f} ms late")
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
