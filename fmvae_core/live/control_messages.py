"""What the engine understands and tells of knobs, pedals and pads that steer a jam."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from fmvae_core.ipc import Message
from fmvae_core.jam.messages import LONGEST_MOMENTUM, MOST_CHANGED_HITS
from fmvae_core.live.fields import SevenBits

Switch = Literal["start_stop", "tap", "keep", "anchor"]
"""Something that is done at once."""

Setting = Literal[
    "adventure",
    "pull",
    "momentum",
    "no_repeat",
    "ask:density",
    "ask:velocity",
    "ask:offset",
    "tempo",
    "level:human",
    "level:machine",
    "level:click",
    "level:master",
]
"""Something that has a value."""

Target = Switch | Setting

SWITCHES: frozenset[str] = frozenset(get_args(Switch))

ON_OFF: frozenset[Setting] = frozenset({"no_repeat"})
"""Settings that are on, 1, or off, 0: a controller that passes the middle changes them."""


@dataclass(frozen=True)
class Range:
    """How far a setting goes by knob or OSC, both ends included."""

    low: float
    high: float

    def held(self, value: float) -> float:
        """Return the value of the range that is nearest to a value."""
        return min(max(value, self.low), self.high)


_LEVEL = Range(0.0, 1.0)
RANGES: dict[Setting, Range] = {
    "adventure": Range(0.0, MOST_CHANGED_HITS),
    "pull": Range(0.0, 1.0),
    "momentum": Range(0.0, LONGEST_MOMENTUM),
    "no_repeat": Range(0.0, 1.0),
    "ask:density": Range(-24.0, 24.0),
    "ask:velocity": Range(-48.0 / 127.0, 48.0 / 127.0),
    "ask:offset": Range(-0.6, 0.6),
    "tempo": Range(40.0, 240.0),
    "level:human": _LEVEL,
    "level:machine": _LEVEL,
    "level:click": _LEVEL,
    "level:master": _LEVEL,
}
"""In the units of `fmvae_core.jam.messages.Partner`, beats a minute, and levels."""


class Control(BaseModel):
    """A note or a controller, of any channel."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["note", "cc"]
    number: SevenBits


class Assignment(BaseModel):
    """What a control does.

    A switch is worked by a note, or by a controller whose value passes the middle on its way up. A
    setting follows a controller; a note does nothing to it.

    Parameters
    ----------
    target
        Switch or setting.
    control
        The note or controller.
    is_relative
        Whether the controller sends steps (1 to 63 up, 127 down to 65 down) instead of its place.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    target: Target
    control: Control
    is_relative: bool = False


class LearnControl(Message):
    """Let the next control that is moved be that of a target; ``None`` ends the waiting."""

    kind: Literal["learn_control"] = "learn_control"
    target: Target | None
    is_relative: bool = False


class ControlsState(Message):
    """Which control does what, and for which target one is waited for."""

    kind: Literal["controls_state"] = "controls_state"
    assignments: tuple[Assignment, ...] = ()
    learning: Target | None = None


class SettingChanged(Message):
    """A control, OSC or another program has changed a setting: sliders are to follow."""

    kind: Literal["setting_changed"] = "setting_changed"
    setting: Setting
    value: FiniteFloat


class AnchorChosen(Message):
    """A control or OSC has chosen what answers are pulled to, among those of `SetJam`."""

    kind: Literal["anchor_chosen"] = "anchor_chosen"
    name: str


class SetOsc(Message):
    """Be steered by OSC, and tell where the jam is; ``None`` leaves a thing as it is.

    Parameters
    ----------
    port
        UDP port to listen to; 0 for none. Only this machine is heard, and the peer.
    peer
        ``HOST:PORT`` that is told of state, bar and beat; empty for none.
    """

    kind: Literal["set_osc"] = "set_osc"
    port: int | None = Field(default=None, ge=0, le=65535)
    peer: str | None = None


class OscState(Message):
    """What is listened to and told; how many datagrams were taken, and refused."""

    kind: Literal["osc_state"] = "osc_state"
    port: int = 0
    peer: str = ""
    taken: int = 0
    refused: int = 0
