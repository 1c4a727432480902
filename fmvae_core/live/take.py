"""What the engine holds of a jam from start to stop."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from fmvae_core.jam import records
from fmvae_core.jam.conversation import Conversation
from fmvae_core.jam.journal import JournalWriter
from fmvae_core.jam.rules import How, State
from fmvae_core.jam.rules import Jam as Rules
from fmvae_core.live.jam_line import JamLine
from fmvae_core.live.jam_messages import JamState


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


def jam_state(take: Take | None, rules: Rules, now: float, can_answer: bool) -> JamState:
    """Return what clients are told of where a jam is at a time; without a take it is idle."""
    state, bar, beat, fell, tempo = State.IDLE, 1, 1, now, 0.0
    if take is not None:
        at = max(0.0, take.line.beat(now))
        state = rules.state(at)
        bar, beat = rules.bar_and_beat(at)
        fell, tempo = take.line.time(float(int(at))), take.line.tempo
    counts = take.counts if take is not None else Counter[How]()
    return JamState(
        state=state,
        bar=bar,
        beat=beat,
        bars=rules.settings.bars,
        tempo=tempo,
        time=fell,
        can_answer=can_answer,
        finals=counts[How.FINAL],
        prepared=counts[How.PREPARED],
        held=counts[How.HELD],
        repeated=counts[How.REPEATED],
        silent=counts[How.SILENT],
        take=None if take is None or take.journal is None else take.journal.path,
    )
