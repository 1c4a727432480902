"""What the engine holds of a jam from start to stop."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from fmvae_core.jam import records
from fmvae_core.jam.conversation import Conversation
from fmvae_core.jam.journal import JournalWriter
from fmvae_core.jam.rules import How
from fmvae_core.live.jam_line import JamLine


@dataclass
class Take:
    """A jam from start to stop."""

    line: JamLine
    conversation: Conversation
    journal: JournalWriter | None = None
    counts: Counter[How] = field(default_factory=Counter)
    turns: int = 0
    """How many turns have been written to the journal."""

    def note(self, seconds: float, record: type[records.Record], **fields: Any) -> None:
        """Write a record of what happened at a time to the journal, if there is one."""
        if self.journal is not None:
            self.journal.write(record(time=seconds, wall=time.time(), **fields))
