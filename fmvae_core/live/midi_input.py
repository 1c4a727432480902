"""What a kit's MIDI means: hits, the choking of cymbals, and the controls of the jam."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from fmvae_core.jam.pads import DOUBLE_TRIGGER_SECONDS, Hit, Pads
from fmvae_core.live.jam_messages import Control
from fmvae_core.live.midi_ports import MidiEvent
from fmvae_core.music.drums import DEFAULT_DRUM_MAP, DrumMap, drum_map

_NOTE_OFF, _NOTE_ON, _PRESSURE, _CONTROLLER = 0x80, 0x90, 0xA0, 0xB0

START_STOP_SECONDS = 0.3
"""A start-stop control that is worked again this soon was worked once: nobody stops that soon."""

_MIDDLE = 64  # a controller that passes it upwards is a pedal that is pressed


class Listener(Protocol):
    """Is told what the human does."""

    def hit(self, hit: Hit) -> None:
        """Take a hit."""

    def choke(self, pitch: int) -> None:
        """Take that a cymbal was grabbed; its pitch is that of Table 4."""

    def control(self, name: str, seconds: float) -> None:
        """Take that a control, ``start_stop``, ``tap`` or ``keep``, was worked."""


class MidiInput:
    """Turns MIDI events into hits and controls.

    Parameters
    ----------
    listener
        Told of each, on the thread that the event came on.
    on_activity
        Called with every event first.
    """

    def __init__(self, listener: Listener, on_activity: Callable[[MidiEvent], None]) -> None:
        self._listener = listener
        self._on_activity = on_activity
        self._lock = threading.Lock()
        self._kit: DrumMap = drum_map(DEFAULT_DRUM_MAP)
        self._pedal_decides = False
        self._pads: dict[str, Pads] = {}
        self._controls: dict[str, Control] = {}
        self._worked: dict[str, float] = {}
        self._values: dict[tuple[str, int], int] = {}

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

    def set_control(self, name: str, control: Control) -> None:
        """Let a note or a controller be a control."""
        with self._lock:
            self._controls[name] = control

    def receive(self, event: MidiEvent) -> None:
        """Take an event of a port."""
        self._on_activity(event)
        if len(event.data) != 3:
            return
        status, first, second = event.data
        status &= 0xF0
        with self._lock:
            hit, choked, worked = self._understand(event, status, first, second)
        if worked is not None:
            self._listener.control(worked, event.time)
        if hit is not None:
            self._listener.hit(hit)
        if choked is not None:
            self._listener.choke(choked)

    def _understand(
        self, event: MidiEvent, status: int, first: int, second: int
    ) -> tuple[Hit | None, int | None, str | None]:
        pads = self._pads.get(event.port)
        if pads is None:
            pads = self._pads[event.port] = Pads(self._kit, self._pedal_decides)
        if status == _NOTE_ON and second:
            for name, control in self._controls.items():
                if control == Control(type="note", number=first):
                    return None, None, self._work(name, event.time)
            return pads.note_on(event.time, first, second), None, None
        if status == _PRESSURE:
            return None, pads.choke(first, second), None
        if status == _CONTROLLER:
            pads.control(first, second)
            before = self._values.get((event.port, first), 0)
            self._values[event.port, first] = second
            if before < _MIDDLE <= second:
                for name, control in self._controls.items():
                    if control == Control(type="cc", number=first):
                        return None, None, self._work(name, event.time)
        return None, None, None

    def _work(self, name: str, seconds: float) -> str | None:
        """Return the control, or ``None`` for the echo of a pad or pedal that rings."""
        echo = START_STOP_SECONDS if name == "start_stop" else DOUBLE_TRIGGER_SECONDS
        last = self._worked.get(name)
        if last is not None and seconds - last < echo:
            return None
        self._worked[name] = seconds
        return name
