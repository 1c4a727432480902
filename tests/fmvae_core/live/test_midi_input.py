"""What a kit's messages mean."""

from __future__ import annotations

from fmvae_core.jam.pads import Hit, Key
from fmvae_core.live.control_messages import (
    Assignment,
    Control,
    ControlsState,
    Setting,
    Switch,
)
from fmvae_core.live.midi_input import MidiInput
from fmvae_core.live.midi_ports import MidiEvent
from fmvae_core.live.tap import TapTempo
from fmvae_core.music.drums import DRUMS, drum_map


def _note(number: int) -> Control:
    return Control(type="note", number=number)


def _cc(number: int) -> Control:
    return Control(type="cc", number=number)


class Human:
    def __init__(self) -> None:
        self.done: list[object] = []
        self.events: list[MidiEvent] = []
        self.input = MidiInput(self, self.events.append, lambda setting: 0.0)

    def hit(self, hit: Hit, port: str) -> None:
        self.done.append((DRUMS[hit.drum].key, hit.velocity))

    def key(self, key: Key, port: str) -> None:
        self.done.append((key.pitch, key.velocity))

    def choke(self, pitch: int) -> None:
        self.done.append(f"choke {pitch}")

    def control(self, name: Switch, seconds: float) -> None:
        self.done.append(name)

    def turn(self, setting: Setting, value: float) -> None:
        self.done.append((setting, value))

    def learnt(self) -> None:
        self.done.append(self.input.controls)

    def system(self, event: MidiEvent) -> None:
        self.done.append(event.data)

    def assign(self, **controls: Control) -> None:
        self.input.assign(
            Assignment.model_validate({"target": target, "control": control})
            for target, control in controls.items()
        )

    def send(self, *data: int, at: float = 1.0, port: str = "kit") -> None:
        self.input.receive(MidiEvent(at, port, data))


def test_hits_chokes_and_what_is_neither() -> None:
    human = Human()
    human.send(0x99, 38, 90)
    human.send(0x89, 38, 64)
    human.send(0x99, 38, 0)
    human.send(0x91, 36, 80)  # any channel
    human.send(0xA9, 55, 127)
    human.send(0xA9, 55, 0)
    human.send(0xB9, 4, 90)  # the hi-hat's pedal
    human.send(0xC9, 3)
    human.send(0x99, 99, 90)  # no pad of this kit
    assert human.done == [("snare", 90), ("bass", 80), "choke 49"]
    assert len(human.events) == 9


def test_a_pad_that_rings_is_hit_once_but_two_kits_do_not_disturb_one_another() -> None:
    human = Human()
    human.send(0x99, 38, 90, at=1.000)
    human.send(0x99, 38, 40, at=1.005)
    human.send(0x99, 38, 70, at=1.006, port="other")
    human.send(0x99, 38, 80, at=1.050)
    assert human.done == [("snare", 90), ("snare", 70), ("snare", 80)]


def test_the_kit_can_be_changed() -> None:
    human = Human()
    human.send(0x99, 48, 90)
    human.input.set_kit(drum_map("general-midi"), None)
    human.send(0x99, 48, 90, at=2.0)
    human.input.set_kit(None, True)
    assert human.input.kit.key == "general-midi"
    human.send(0xB9, 4, 127)
    human.send(0x99, 46, 90, at=3.0)
    assert human.done == [("high_tom", 90), ("low_mid_tom", 90), ("closed_hi_hat", 90)]


def test_controls_are_no_hits_and_a_pedal_counts_once() -> None:
    human = Human()
    human.assign(start_stop=_cc(64), tap=_note(37))
    human.send(0x99, 37, 50)
    for at, value in enumerate((0, 30, 100, 127, 90, 10, 70)):
        human.send(0xB0, 64, value, at=float(at))
    assert human.done == ["tap", "start_stop", "start_stop"]


def test_a_control_that_rings_is_worked_once() -> None:
    human = Human()
    human.assign(start_stop=_note(37), tap=_note(38))
    for at in (1.000, 1.010, 1.250, 1.400):
        human.send(0x99, 37, 90, at=at)
    for at in (2.000, 2.010, 2.250):
        human.send(0x99, 38, 90, at=at)
    assert human.done == ["start_stop", "start_stop", "tap", "tap"]


def test_a_knob_is_learnt_and_then_turns_its_setting() -> None:
    human = Human()
    human.input.learn("adventure", is_relative=False)
    human.send(0xB0, 21, 0)
    human.send(0xB0, 21, 9)
    assignment = Assignment(target="adventure", control=_cc(21))
    assert human.done == [ControlsState(assignments=(assignment,))]
    human.send(0xB0, 21, 0)
    human.send(0xB0, 21, 127)
    assert human.done[1:] == [("adventure", 0.0), ("adventure", 32.0)]


def test_what_clocks_send_is_handed_on_and_is_no_activity() -> None:
    human = Human()
    human.send(0xF8)
    human.send(0xF2, 8, 0)
    assert human.done == [(0xF8,), (0xF2, 8, 0)]
    assert human.events == []


def test_a_tempo_is_tapped() -> None:
    tap = TapTempo()
    assert tap.tap(10.0) is None
    assert round(tap.tap(10.5) or 0) == 120
    for seconds in (11.0, 11.62, 12.0, 12.5):
        tempo = tap.tap(seconds)
    assert round(tempo or 0) == 120
    assert tap.tap(20.0) is None, "a new tempo begins"
    assert round(tap.tap(20.05) or 0) == 400, "no faster than the engine goes"


def test_a_keyboard_presses_keys_and_lets_them_go() -> None:
    human = Human()
    human.assign(start_stop=_note(21))
    human.input.set_plays("melody")
    human.send(0x90, 60, 80)
    human.send(0x91, 64, 70)  # on another channel
    human.send(0x80, 60, 40)
    human.send(0x91, 64, 0)  # a note-on that is a note-off
    human.send(0x90, 21, 90)  # the key that starts the jam
    assert human.done == [(60, 80), (64, 70), (60, 0), (64, 0), "start_stop"]
    human.input.set_plays("drums")
    human.send(0x90, 38, 90)
    human.send(0x80, 38, 0)
    assert human.done[5:] == [("snare", 90)]
