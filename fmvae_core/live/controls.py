"""What knobs, pedals and pads do: switches, and settings that are picked up where they stand. Pure.

A knob whose place is not that of its setting does nothing until it has come there (soft takeover),
so that no setting jumps when a knob is touched, nor after a mouse has moved it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fmvae_core.jam.pads import DOUBLE_TRIGGER_SECONDS, FOOT_CONTROLLER
from fmvae_core.live.control_messages import (
    ON_OFF,
    RANGES,
    SWITCHES,
    Assignment,
    Control,
    Setting,
    Switch,
    Target,
)

START_STOP_SECONDS = 0.3
"""A start-stop control that is worked again this soon was worked once: nobody stops that soon."""

_MIDDLE = 64  # a controller that passes it upwards is a pedal that is pressed
_MOVED = 4  # steps by which a knob has to move to be learnt: a resting one may tremble
_NEAR = 2.5 / 127.0  # share of the range within which a knob counts as being at its setting


@dataclass(frozen=True, slots=True)
class Worked:
    """A switch was worked."""

    switch: Switch


@dataclass(frozen=True, slots=True)
class Turned:
    """A knob has changed a setting."""

    setting: Setting
    value: float


@dataclass
class _Knob:
    """Where a knob was, and what it last gave its setting (none while it has no hold of it)."""

    place: float | None = None
    gave: float | None = None


class Controls:
    """Which control does what.

    Parameters
    ----------
    value_of
        Tells where a setting stands.
    """

    def __init__(self, value_of: Callable[[Setting], float]) -> None:
        self._value_of = value_of
        self._by_control: dict[Control, Assignment] = {}
        self._learning: Target | None = None
        self._learns_relative = False
        self._first_seen: dict[int, int] = {}  # controller to its value when learning began
        self._values: dict[tuple[str, int], int] = {}  # port and controller to its last value
        self._knobs: dict[tuple[str, int], _Knob] = {}
        self._worked: dict[Target, float] = {}

    @property
    def assignments(self) -> tuple[Assignment, ...]:
        """Which control does what."""
        return tuple(self._by_control.values())

    @property
    def learning(self) -> Target | None:
        """For which target a control is waited for."""
        return self._learning

    def assign(self, assignments: Iterable[Assignment]) -> None:
        """Let these be all; where two share a control, the later one holds."""
        self._by_control = {each.control: each for each in assignments}
        self._knobs.clear()

    def learn(self, target: Target | None, is_relative: bool = False) -> None:
        """Take the next control that is moved as that of a target; ``None`` ends the waiting."""
        self._learning = target
        self._learns_relative = is_relative
        self._first_seen.clear()

    # --- what comes in ----------------------------------------------------------------------------

    def note(self, seconds: float, pitch: int) -> tuple[bool, Worked | None]:
        """Take a note-on; return whether it is a control's, and what was worked, if anything."""
        control = Control(type="note", number=pitch)
        if self._learning is not None and self._learning in SWITCHES:
            self._take(control)
            return True, None
        assignment = self._by_control.get(control)
        target = None if assignment is None else assignment.target
        if target == "start_stop" or target == "tap" or target == "keep" or target == "anchor":
            return True, self._switch(target, seconds)
        return False, None

    def controller(
        self, seconds: float, port: str, number: int, value: int
    ) -> Worked | Turned | None:
        """Take a controller's value, and return what was worked, if anything."""
        before = self._values.get((port, number), 0)
        self._values[port, number] = value
        control = Control(type="cc", number=number)
        if self._learning is not None:
            if self._is_meant(self._learning, number, value):
                self._take(control)
            return None
        assignment = self._by_control.get(control)
        if assignment is None:
            return None
        target = assignment.target
        if target == "start_stop" or target == "tap" or target == "keep" or target == "anchor":
            return self._switch(target, seconds) if before < _MIDDLE <= value else None
        if target in ON_OFF:
            has_passed = (before < _MIDDLE) != (value < _MIDDLE)
            return Turned(target, float(value >= _MIDDLE)) if has_passed else None
        moved = self._step if assignment.is_relative else self._pick_up
        new = moved(target, self._knobs.setdefault((port, number), _Knob()), value)
        return None if new is None else Turned(target, new)

    # --- learning ---------------------------------------------------------------------------------

    def _is_meant(self, target: Target, number: int, value: int) -> bool:
        if number == FOOT_CONTROLLER:  # the hi-hat's pedal speaks all the time
            return False
        if target in SWITCHES:
            return value >= _MIDDLE
        first = self._first_seen.setdefault(number, value)
        return self._learns_relative or abs(value - first) >= _MOVED

    def _take(self, control: Control) -> None:
        target = self._learning
        assert target is not None
        others = [each for each in self._by_control.values() if each.target != target]
        is_relative = self._learns_relative and target not in SWITCHES
        new = Assignment(target=target, control=control, is_relative=is_relative)
        self.assign([*others, new])
        self._learning = None

    # --- what it does -----------------------------------------------------------------------------

    def _switch(self, target: Switch, seconds: float) -> Worked | None:
        """Return what was worked, or ``None`` for the echo of a pad or pedal that rings."""
        echo = START_STOP_SECONDS if target == "start_stop" else DOUBLE_TRIGGER_SECONDS
        last = self._worked.get(target)
        if last is not None and seconds - last < echo:
            return None
        self._worked[target] = seconds
        return Worked(target)

    def _pick_up(self, setting: Setting, knob: _Knob, value: int) -> float | None:
        """Return the value that a knob gives its setting; none while it has no hold of it."""
        reach = RANGES[setting]
        span = reach.high - reach.low
        stands = (self._value_of(setting) - reach.low) / span
        place = _place(value, has_middle=reach.low < 0.0)
        before, knob.place = knob.place, place
        if knob.gave is not None and abs(knob.gave - stands) > _NEAR:
            knob.gave = None  # somebody else has moved it meanwhile
        has_passed = before is not None and (before - stands) * (place - stands) <= 0.0
        if knob.gave is None and not has_passed and abs(place - stands) > _NEAR:
            return None
        knob.gave = place
        return reach.low + span * place

    def _step(self, setting: Setting, knob: _Knob, value: int) -> float | None:
        """Return a setting's value after the steps of a knob without ends."""
        steps = value if value < _MIDDLE else value - 128
        reach = RANGES[setting]
        stands = self._value_of(setting)
        new = reach.held(stands + steps * (reach.high - reach.low) / 127.0)
        return None if new == stands else new


def _place(value: int, has_middle: bool) -> float:
    """Return how far a knob is turned, 0 to 1; where zero lies in the middle, 64 is exactly it."""
    if not has_middle:
        return value / 127.0
    return max(0.0, 0.5 + (value - 64) / 126.0)
