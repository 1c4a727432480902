"""What MIDI means: a kit's hits and chokes, a keyboard's keys, and the controls of the jam."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Protocol

from fmvae_core.jam.pads import Hit, Key, Pads
from fmvae_core.jam.rules import Plays
from fmvae_core.live.control_messages import Assignment, ControlsState, Setting, Switch, Target
from fmvae_core.live.controls import Controls, Turned, Worked
from fmvae_core.live.midi_ports import MidiEvent
from fmvae_core.music.drums import DEFAULT_DRUM_MAP, DrumMap, drum_map

_NOTE_OFF, _NOTE_ON, _PRESSURE, _CONTROLLER, _SYSTEM = 0x80, 0x90, 0xA0, 0xB0, 0xF0


class Listener(Protocol):
    """Is told what the human does."""

    def hit(self, hit: Hit, port: str) -> None:
        """Take a hit of a port's."""

    def key(self, key: Key, port: str) -> None:
        """Take a key of a port's that goes down or is let go."""

    def choke(self, pitch: int) -> None:
        """Take that a cymbal was grabbed; its pitch is that of Table 4."""

    def control(self, name: Switch, seconds: float) -> None:
        """Take that a switch, ``start_stop``, ``tap``, ``keep`` or ``anchor``, was worked."""

    def turn(self, setting: Setting, value: float) -> None:
        """Take that a control has changed a setting."""

    def learnt(self) -> None:
        """Take that a control was learnt."""

    def system(self, event: MidiEvent) -> None:
        """Take a message of a clock's."""


class MidiInput:
    """Turns MIDI events into hits or keys, and controls.

    Parameters
    ----------
    listener
        Told of each, on the thread that the event came on.
    on_activity
        Called with every event first, but for those of clocks.
    value_of
        Tells where a setting stands.
    """

    def __init__(
        self,
        listener: Listener,
        on_activity: Callable[[MidiEvent], None],
        value_of: Callable[[Setting], float],
    ) -> None:
        self._listener = listener
        self._on_activity = on_activity
        self._lock = threading.Lock()
        self._kit: DrumMap = drum_map(DEFAULT_DRUM_MAP)
        self._pedal_decides = False
        self._plays: Plays = "drums"
        self._pads: dict[str, Pads] = {}
        self._controls = Controls(value_of)

    @property
    def kit(self) -> DrumMap:
        """The kit that plays."""
        return self._kit

    def set_kit(self, kit: DrumMap | None, pedal_decides: bool | None) -> None:
        """Choose what the kit's pitches mean; ``None`` leaves a thing as it is."""
        with self._lock:
            self._kit = kit or self._kit
            if pedal_decides is not None:
                self._pedal_decides = pedal_decides
            self._pads.clear()

    def set_plays(self, plays: Plays) -> None:
        """Take what comes in as a kit's hits, or as a keyboard's keys."""
        with self._lock:
            self._plays = plays

    def assign(self, assignments: Iterable[Assignment]) -> None:
        """Let these be all controls."""
        with self._lock:
            self._controls.assign(assignments)

    def learn(self, target: Target | None, is_relative: bool) -> None:
        """Take the next control that is moved as that of a target; ``None`` ends the waiting."""
        with self._lock:
            self._controls.learn(target, is_relative)

    @property
    def controls(self) -> ControlsState:
        """Which control does what."""
        with self._lock:
            return ControlsState(
                assignments=self._controls.assignments, learning=self._controls.learning
            )

    def receive(self, event: MidiEvent) -> None:
        """Take an event of a port."""
        if event.data[0] >= _SYSTEM:
            self._listener.system(event)
            return
        self._on_activity(event)
        if len(event.data) != 3:
            return
        status, first, second = event.data
        status &= 0xF0
        with self._lock:
            was_learning = self._controls.learning
            hit, choked, worked = self._understand(event, status, first, second)
            has_learnt = self._controls.learning != was_learning
        if has_learnt:
            self._listener.learnt()
        if isinstance(worked, Worked):
            self._listener.control(worked.switch, event.time)
        elif worked is not None:
            self._listener.turn(worked.setting, worked.value)
        if isinstance(hit, Key):
            self._listener.key(hit, event.port)
        elif hit is not None:
            self._listener.hit(hit, event.port)
        if choked is not None:
            self._listener.choke(choked)

    def _understand(
        self, event: MidiEvent, status: int, first: int, second: int
    ) -> tuple[Hit | Key | None, int | None, Worked | Turned | None]:
        if self._plays == "melody" and (status == _NOTE_OFF or (status == _NOTE_ON and not second)):
            return Key(event.time, first, 0), None, None
        pads = self._pads.get(event.port)
        if pads is None:
            pads = self._pads[event.port] = Pads(self._kit, self._pedal_decides)
        if status == _NOTE_ON and second:
            is_control, switch = self._controls.note(event.time, first)
            if is_control:
                return None, None, switch
            if self._plays == "melody":
                return Key(event.time, first, second), None, None
            return pads.note_on(event.time, first, second), None, None
        if status == _PRESSURE:
            return None, pads.choke(first, second), None
        if status == _CONTROLLER:
            pads.control(first, second)
            worked = self._controls.controller(event.time, event.port, first, second)
            return None, None, worked
        return None, None, None
