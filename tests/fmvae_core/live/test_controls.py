"""What knobs, pedals and pads do."""

from __future__ import annotations

import pytest

from fmvae_core.jam.pads import FOOT_CONTROLLER
from fmvae_core.live.control_messages import RANGES, Assignment, Control, Setting, Switch, Target
from fmvae_core.live.controls import Controls, Turned, Worked

KNOB = 21


class Desk:
    """Settings that follow their controls."""

    def __init__(self, target: Target = "adventure", is_relative: bool = False) -> None:
        self.values: dict[Setting, float] = dict.fromkeys(RANGES, 0.0)
        self.controls = Controls(lambda setting: self.values[setting])
        control = Control(type="cc", number=KNOB)
        self.controls.assign([Assignment(target=target, control=control, is_relative=is_relative)])

    def turn(self, *values: int, number: int = KNOB, port: str = "knobs") -> list[float]:
        told = []
        for value in values:
            worked = self.controls.controller(0.0, port, number, value)
            if isinstance(worked, Turned):
                self.values[worked.setting] = worked.value
                told.append(round(worked.value, 3))
        return told


def test_a_knob_takes_hold_once_it_has_come_to_its_setting() -> None:
    desk = Desk()
    desk.values["adventure"] = 16.0
    assert desk.turn(10, 30, 50) == [], "not yet there"
    assert desk.turn(70) == [17.638], "it has passed"
    assert desk.turn(127, 0) == [32.0, 0.0]
    desk.values["adventure"] = 20.0  # a mouse
    assert desk.turn(1, 5) == []
    assert desk.turn(79) == [19.906], "near enough"


def test_one_port_does_not_pick_up_for_another() -> None:
    desk = Desk("level:human")
    desk.values["level:human"] = 0.5
    assert desk.turn(0, port="a") == []
    assert desk.turn(127, port="b") == []
    assert desk.turn(64, port="a") == [0.504]


def test_a_knob_whose_zero_is_in_the_middle_finds_it() -> None:
    desk = Desk("ask:density")
    assert desk.turn(64) == [0.0]
    assert desk.turn(127, 1, 0) == [24.0, -24.0, -24.0]


def test_what_is_on_or_off_goes_with_a_button_and_is_never_picked_up() -> None:
    desk = Desk("no_repeat")
    desk.values["no_repeat"] = 1.0
    assert desk.turn(127, 127) == [1.0]
    assert desk.turn(0, 30) == [0.0]
    assert desk.turn(64) == [1.0]


def test_a_knob_without_ends_sends_steps() -> None:
    desk = Desk("pull", is_relative=True)
    assert desk.turn(127) == [], "at its end already"
    assert desk.turn(1, 2, 127) == [0.008, 0.024, 0.016]
    assert desk.turn(63, 63, 63) == [0.512, 1.0]


def test_a_control_is_learnt_and_takes_the_place_of_the_one_before() -> None:
    desk = Desk()
    desk.controls.learn("adventure")
    desk.turn(0, 64, number=FOOT_CONTROLLER)
    assert desk.turn(50, 51, 52, number=30) == []
    assert desk.controls.learning == "adventure", "a knob that trembles is not meant"
    assert desk.controls.note(0.0, 38) == (False, None), "a pad has no place"
    desk.turn(54, number=30)
    assert desk.controls.learning is None
    control = Control(type="cc", number=30)
    assert desk.controls.assignments == (Assignment(target="adventure", control=control),)
    assert desk.turn(1) == []
    assert desk.turn(0, number=30) == [0.0]


@pytest.mark.parametrize("target", ["start_stop", "tap", "keep"])
def test_pad_and_pedal_are_learnt_as_switches(target: Switch) -> None:
    desk = Desk()
    desk.controls.learn(target)
    assert desk.controls.note(0.0, 37) == (True, None), "it does nothing yet"
    assert desk.controls.note(1.0, 37) == (True, Worked(target))
    desk.controls.learn(target)
    desk.turn(0, 30, 100, number=64)
    assert desk.controls.note(2.0, 37) == (False, None), "a pad again"
    desk.turn(0, number=64)
    assert desk.controls.controller(3.0, "knobs", 64, 127) == Worked(target)
    assert len(desk.controls.assignments) == 2


def test_learning_can_be_given_up() -> None:
    desk = Desk()
    desk.controls.learn("pull")
    desk.controls.learn(None)
    assert desk.turn(0, 127) == [0.0, 32.0]
    assert {each.target for each in desk.controls.assignments} == {"adventure"}
