"""How long the final answers of a take took, from its journal."""

from __future__ import annotations

from fmvae_core.jam.journal import Journal
from fmvae_core.jam.records import Answered, Asked, Played, TurnSet
from fmvae_core.jam.rules import How
from fmvae_core.jam.window import HALF_STEP
from fmvae_core.music.phrase import BEATS_PER_BAR


def answer_waits(journal: Journal) -> list[float]:
    """Return the seconds from the close of each window to its final answer's being queued.

    An answer that came too late to be played counts until it came. The take has to be of one tempo
    throughout, so fast that half a step is no longer than the queue to the synth (125 bpm and
    more): at others an answer that is there waits for its place in the queue.
    """
    per_beat = 60.0 / journal.head.tempo
    ends = {
        record.turn: record.start + record.bars * BEATS_PER_BAR
        for record in journal.records
        if isinstance(record, TurnSet)
    }
    closes: dict[int, float] = {}  # by number of the request
    waits: dict[int, float] = {}
    for record in journal.records:
        if isinstance(record, Asked) and record.request.is_final and record.turn is not None:
            late = (record.beat - (ends[record.turn] - HALF_STEP)) * per_beat
            closes[record.request.number] = record.time - late
        elif isinstance(record, Answered) and record.answer.number in closes:
            waits[record.answer.number] = record.time - closes[record.answer.number]
        elif isinstance(record, Played) and record.how is How.FINAL and record.number in closes:
            waits[record.number] = record.time - closes[record.number]
    return list(waits.values())
