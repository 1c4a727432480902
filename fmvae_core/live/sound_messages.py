"""What the engine understands and tells of how the players sound, and where they are heard."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from fmvae_core.ipc import Message
from fmvae_core.live.fields import Level, Output, Pan, Program

Player = Literal["human", "machine"]


class SamplerState(BaseModel):
    """How a player's drums sound, as in `SetSampler`; no ``soundfont`` is that of all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sounds: bool = True
    level: Level = 1.0
    pan: Pan = 0.0
    kit: Program = 0
    soundfont: str | None = None
    reverb: Level = 0.0
    follow: Level = 0.0


class Outputs(BaseModel):
    """Where the click and the players are heard."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    click: Output = Output()
    human: Output = Output()
    machine: Output = Output()


class SetSampler(Message):
    """How a player's drums sound; ``None`` leaves a thing as it is.

    Parameters
    ----------
    sounds
        Off for a human whose kit has its own sound.
    kit
        Program of a drum kit.
    soundfont
        File of the player's own SoundFont; empty for that of all.
    reverb
        How much of the sound goes into the reverb.
    follow
        How far the level goes with how hard the human played last; the machine's only.
    """

    kind: Literal["set_sampler"] = "set_sampler"
    player: Player
    sounds: bool | None = None
    level: Level | None = None
    pan: Pan | None = None
    kit: Program | None = None
    soundfont: str | None = None
    reverb: Level | None = None
    follow: Level | None = None


class SetOutputs(Message):
    """Where the click and the players are heard; ``None`` leaves a thing as it is."""

    kind: Literal["set_outputs"] = "set_outputs"
    click: Output | None = None
    human: Output | None = None
    machine: Output | None = None


SoundCommand = SetSampler | SetOutputs
