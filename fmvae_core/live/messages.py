"""What the engine understands and what it tells.

Beats are quarter notes. Times are seconds of the engine's monotonic clock. Levels are 0 to 1.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from fmvae_core.ipc import Message
from fmvae_core.jam.messages import Answer, AnswerRequest
from fmvae_core.live.control_messages import (
    AnchorChosen,
    ControlsState,
    LearnControl,
    OscState,
    SetOsc,
    SettingChanged,
)
from fmvae_core.live.fields import Level, Program
from fmvae_core.live.fields import Tempo as Tempo  # also the other processes' messages have tempos
from fmvae_core.live.jam_messages import JamCommand, JamEvent
from fmvae_core.live.sound_messages import Outputs, SamplerState, SoundCommand
from fmvae_core.live.sync_messages import (
    CalibrationState,
    SetSync,
    StartCalibration,
    StopCalibration,
    SyncState,
)
from fmvae_core.live.take_messages import PlayTake, StopTake, TakePosition
from fmvae_core.music.phrase import Phrase

# --- to the engine ------------------------------------------------------------------------------


class SetPhrase(Message):
    """Put a phrase into the loop. What lies beyond the queue comes from it; older ones are ignored.

    ``revision`` grows with every phrase that one source sends; ``source`` names it.
    """

    kind: Literal["set_phrase"] = "set_phrase"
    phrase: Phrase
    revision: int
    source: str = "window"


class Play(Message):
    """Start the transport from the phrase's beginning."""

    kind: Literal["play"] = "play"


class Stop(Message):
    """Stop the transport; sounding notes end."""

    kind: Literal["stop"] = "stop"


class Panic(Message):
    """Silence everything, what is queued too, within one audio period, and stop."""

    kind: Literal["panic"] = "panic"


class SetTransport(Message):
    """Change what is given; ``None`` leaves a thing as it is. Melodies sound on ``instrument``."""

    kind: Literal["set_transport"] = "set_transport"
    tempo: Tempo | None = None
    loop: bool | None = None
    metronome: bool | None = None
    metronome_level: Level | None = None
    volume: Level | None = None
    instrument: Program | None = None


class SetSound(Message):
    """Choose a SoundFont file or audio driver (``None`` leaves it, ``""`` lets the engine pick)."""

    kind: Literal["set_sound"] = "set_sound"
    soundfont: str | None = None
    driver: str | None = None


class Quit(Message):
    """End the engine."""

    kind: Literal["quit"] = "quit"


EngineCommand = Annotated[
    SetPhrase
    | Play
    | Stop
    | Panic
    | SetTransport
    | SetSound
    | Quit
    | SoundCommand
    | JamCommand
    | LearnControl
    | SetOsc
    | SetSync
    | StartCalibration
    | StopCalibration
    | PlayTake
    | StopTake
    | Answer,
    Field(discriminator="kind"),
]
ENGINE_COMMANDS: TypeAdapter[EngineCommand] = TypeAdapter(EngineCommand)


# --- from the engine ----------------------------------------------------------------------------


class Problem(Message):
    """Something is missing or broken: what, and what to do about it, in words for the user."""

    kind: Literal["problem"] = "problem"
    code: Literal[
        "no_fluidsynth",
        "no_soundfont",
        "bad_soundfont",
        "bad_human_soundfont",
        "bad_machine_soundfont",
        "no_audio",
        "audio_lost",
        "no_output",
    ]
    text: str
    remedy: str


class EngineState(Message):
    """All a window shows of the engine but the position. Sent on connecting and at each change.

    ``human`` and ``machine`` are how the players sound, ``outputs`` where they are to be heard, and
    ``pairs`` how many pairs of outputs the driver can have.
    """

    kind: Literal["engine_state"] = "engine_state"
    playing: bool
    tempo: float
    loop: bool
    metronome: bool
    metronome_level: float
    volume: float
    instrument: Program = 0
    soundfont: str | None
    soundfonts: tuple[str, ...]
    driver: str | None
    drivers: tuple[str, ...]
    sample_rate: int
    human: SamplerState = SamplerState()
    machine: SamplerState = SamplerState()
    outputs: Outputs = Outputs()
    pairs: int = 1
    problems: tuple[Problem, ...] = ()


class Position(Message):
    """Where the playhead is, about 30 times a second while playing.

    ``beat`` counts from the phrase's start; ``lateness_ms`` is how late the scheduler woke at worst
    since the last one.
    """

    kind: Literal["position"] = "position"
    time: float
    beat: float
    beats: int
    revision: int
    source: str
    lateness_ms: float = 0.0


class Swapped(Message):
    """A phrase took its place at the scheduler.

    ``time`` is when; ``first_new_time`` is when the first note that comes from it will sound.
    """

    kind: Literal["swapped"] = "swapped"
    revision: int
    source: str
    time: float
    first_new_time: float | None


EngineEvent = Annotated[
    EngineState
    | Position
    | Swapped
    | JamEvent
    | ControlsState
    | SettingChanged
    | AnchorChosen
    | OscState
    | SyncState
    | CalibrationState
    | TakePosition
    | AnswerRequest,
    Field(discriminator="kind"),
]
ENGINE_EVENTS: TypeAdapter[EngineEvent] = TypeAdapter(EngineEvent)
