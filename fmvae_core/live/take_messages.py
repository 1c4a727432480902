"""What the engine understands and tells of takes that are heard again."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from fmvae_core.ipc import Message


class PlayTake(Message):
    """Play a take from a beat on; what plays, also another take, ends. A jam ends, too.

    Parameters
    ----------
    path
        Its journal.
    beat
        Of the take; 0 is where its count-in begins.
    number
        Comes back in each position, so that what is told of an earlier start is not taken for this.
    """

    kind: Literal["play_take"] = "play_take"
    path: Path
    beat: float = 0.0
    number: int = 0


class StopTake(Message):
    """Stop the take that is played."""

    kind: Literal["stop_take"] = "stop_take"


class TakePosition(Message):
    """Where the take is that is played; about 30 times a second, and once it has ended.

    ``number`` is that of `PlayTake`.
    """

    kind: Literal["take_position"] = "take_position"
    number: int
    beat: float
    is_playing: bool
