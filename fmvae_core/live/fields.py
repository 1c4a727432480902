"""The units of the engine's messages."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from fmvae_core.music.phrase import MAX_TEMPO, MIN_TEMPO

Level = Annotated[float, Field(ge=0.0, le=1.0)]
Pan = Annotated[float, Field(ge=-1.0, le=1.0)]
"""-1 is left, 1 is right."""
Program = Annotated[int, Field(ge=0, le=127)]
"""A General MIDI instrument or a drum kit, from 0."""
Tempo = Annotated[float, Field(ge=MIN_TEMPO, le=MAX_TEMPO)]
"""Beats a minute."""
Latency = Annotated[float, Field(ge=-0.5, le=0.5)]
"""Seconds; below zero where the human is early."""
Velocity = Annotated[int, Field(ge=1, le=127)]
"""Of MIDI."""
SevenBits = Annotated[int, Field(ge=0, le=127)]
"""A MIDI note or controller."""


PAIRS = 4
"""How many stereo pairs of outputs there are, at most."""


class Output(BaseModel):
    """Where something is heard.

    Parameters
    ----------
    pair
        Pair of outputs, from 1. Only JACK has more than one; elsewhere all is heard on that one.
    side
        Both sides of the pair; or the left or right alone, where there is neither pan nor reverb.
        FluidSynth lets a trace of a note's first millisecond through to the other side.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pair: int = Field(default=1, ge=1, le=PAIRS)
    side: Literal["both", "left", "right"] = "both"
