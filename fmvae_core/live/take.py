"""What the engine remembers of a jam from start to stop."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from fmvae_core.jam import records
from fmvae_core.jam.journal import JournalWriter
from fmvae_core.jam.messages import MOST_RECENT, Answer, Point
from fmvae_core.jam.rules import How
from fmvae_core.jam.window import Window
from fmvae_core.live.jam_line import JamLine
from fmvae_core.music.phrase import Phrase

_MOST_SEEDS = 2**32


@dataclass
class Take:
    """A jam from start to stop."""

    line: JamLine
    seed: int
    windows: dict[int, Window] = field(default_factory=dict)  # by turn
    answers: dict[int, Answer] = field(default_factory=dict)  # by request
    recent: deque[Phrase] = field(default_factory=lambda: deque(maxlen=MOST_RECENT))
    before: Point | None = None
    bundle: str = ""  # whose model answers
    counts: Counter[How] = field(default_factory=Counter)
    journal: JournalWriter | None = None

    def seed_of(self, turn: int) -> int:
        """Return the seed of the answers for a turn: one for all of them, another for the next."""
        return (self.seed + 7919 * turn) % _MOST_SEEDS

    def note(self, seconds: float, record: type[records.Record], **fields: Any) -> None:
        """Write a record of what happened at a time to the journal, if there is one."""
        if self.journal is not None:
            self.journal.write(record(time=seconds, wall=time.time(), **fields))
