"""The units of the engine's messages."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

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
