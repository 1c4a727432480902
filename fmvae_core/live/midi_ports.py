"""MIDI ports by name: what comes in, stamped at once; ports that vanish and return.

RtMidi tells nobody that a port has vanished (python-rtmidi issue 98) and its time stamps cannot be
relied on (issues 83 and 204). So events are stamped with the engine's clock as they come, and a
thread compares the ports that are there, which `fmvae_core.live.midi_list` tells, with those that
are wanted.
"""

from __future__ import annotations

import ctypes
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fmvae_core.live.midi_list import Place, PortList
from fmvae_core.live.midi_poll import MidiPoll

log = logging.getLogger(__name__)

VIRTUAL_PORT = "Flatjam (virtual)"
"""A port of our own that other programs connect to, where the system has such ports."""

_CLIENT = "Flatjam"
_NOTE_OFF, _NOTE_ON = 0x80, 0x90
_RESTART_SECONDS = 0.5

Direction = Literal["in", "out"]


@dataclass(frozen=True, slots=True)
class MidiEvent:
    """A MIDI message.

    Parameters
    ----------
    time
        When it came, in seconds of the engine's monotonic clock.
    port
        Name of the port it came from.
    data
        The bytes of the message, status first.
    """

    time: float
    port: str
    data: tuple[int, ...]


@dataclass(frozen=True)
class MidiState:
    """The ports that are there, those that are wanted, and those of them that are open.

    ``is_known`` is false until they have been looked for. ``input_interfaces`` has the interface of
    each of ``inputs``, such as ALSA; of the first that has it, where a name is in several.
    """

    is_known: bool = False
    inputs: tuple[str, ...] = ()
    input_interfaces: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    wanted_inputs: tuple[str, ...] = ()
    wanted_output: str = ""
    open_inputs: tuple[str, ...] = ()
    is_output_open: bool = False

    @property
    def missing(self) -> tuple[str, ...]:
        """What is wanted and not there."""
        missing = [name for name in self.wanted_inputs if name not in self.open_inputs]
        if self.wanted_output and not self.is_output_open:
            missing.append(self.wanted_output)
        return tuple(missing)


@dataclass(slots=True)
class _Open:
    """A port that is open, and where it leads (``None``: a virtual one)."""

    port: Any
    api: int
    place: Place | None


def find_port(name: str, ports: Sequence[str]) -> str | None:
    """Return the port that a user means: by its whole name, or by a part of it, in any case."""
    if name in ports:
        return name
    return next((port for port in ports if name.lower() in port.lower()), None)


class MidiPorts:
    """Keeps the wanted ports open, as long as they are there.

    Parameters
    ----------
    on_event
        Called with each event, on a thread of its port's; it must return soon.
    on_change
        Called, on this object's thread, after `state` has changed.
    now
        The engine's clock.

    Notes
    -----
    No port is looked for before the first `choose`.
    """

    def __init__(
        self,
        on_event: Callable[[MidiEvent], None],
        on_change: Callable[[], None] = lambda: None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_event = on_event
        self._on_change = on_change
        self._now = now
        self._lock = threading.Lock()  # for what is wanted, the state and the open output
        self._sending = threading.Lock()  # taken before the other
        self._wanted_inputs: tuple[str, ...] = ()
        self._wanted_output = ""
        self._state = MidiState()
        self._inputs: dict[str, list[_Open]] = {}
        self._outputs: list[_Open] = []
        self._sounding: set[tuple[int, int]] = set()  # channel and pitch, on the outputs
        self._poll = MidiPoll(self._receive)
        self._list: PortList | None = None
        self._lister: subprocess.Popen[str] | None = None
        self._has_lost_jack = threading.Event()
        self._had_lost_jack = False
        self._kick = threading.Event()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> MidiState:
        """The ports that are there, and those that are open."""
        with self._lock:
            return self._state

    def choose(self, inputs: Sequence[str] | None = None, output: str | None = None) -> None:
        """Open these ports, now or as soon as they are there; ``None`` leaves a choice as it is.

        Parameters
        ----------
        inputs
            Names, or parts of names, of ports to listen to; `VIRTUAL_PORT` for one of our own.
        output
            The same for the port to play to; empty for none.
        """
        with self._lock:
            if inputs is not None:
                self._wanted_inputs = tuple(dict.fromkeys(name for name in inputs if name))
            if output is not None:
                self._wanted_output = output
        self._kick.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="midi-ports", daemon=True)
            self._thread.start()

    def send(self, data: Sequence[int]) -> None:
        """Send a message to the output, if it is open."""
        with self._sending:  # a port is not deleted meanwhile; nobody else waits for a slow one
            with self._lock:
                outputs = self._outputs
                is_note = len(data) == 3 and data[0] & 0xE0 == _NOTE_OFF  # its start or its end
                if outputs and is_note:
                    key = data[0] & 0x0F, data[1]
                    if data[0] & 0xF0 == _NOTE_ON and data[2]:
                        self._sounding.add(key)
                    else:
                        self._sounding.discard(key)
            for output in outputs:
                output.port.send_message(list(data))

    def close(self) -> None:
        """Let go of all ports."""
        self._closed.set()
        self._kick.set()
        with self._lock:
            if self._lister is not None:
                self._lister.kill()
        if self._thread is not None:
            self._thread.join(5.0)

    # --- the thread -------------------------------------------------------------------------------

    def _run(self) -> None:
        # Else asking for a JACK server that does not run starts one, or waits for six seconds.
        os.environ.setdefault("JACK_NO_START_SERVER", "1")
        threading.Thread(target=self._list_ports, name="midi-list", daemon=True).start()
        while not self._closed.is_set():
            self._kick.wait()
            self._kick.clear()
            ports = self._list
            if ports is not None and not self._closed.is_set():
                self._look(ports)
        for name in list(self._inputs):
            self._close_input(name)
        self._close_output()

    def _list_ports(self) -> None:
        """Read what the listing process tells; run another when it has ended."""
        while not self._closed.is_set():
            lister = subprocess.Popen(
                [sys.executable, "-m", "fmvae_core.live.midi_list"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # complaints of libraries, at every look
                text=True,
            )
            with self._lock:
                self._lister = lister
                if self._closed.is_set():
                    lister.kill()
            assert lister.stdin is not None
            assert lister.stdout is not None
            with lister.stdin, lister.stdout:
                for line in lister.stdout:
                    ports = PortList.parse(line)
                    if ports.has_lost_jack:
                        self._has_lost_jack.set()
                        ports = PortList()
                    self._list = ports
                    self._kick.set()
            lister.wait()
            self._closed.wait(_RESTART_SECONDS)

    def _look(self, ports: PortList) -> None:
        with self._lock:
            inputs, output = self._wanted_inputs, self._wanted_output
        if self._has_lost_jack.is_set():
            self._has_lost_jack.clear()
            self._abandon_jack()
            ports = PortList()
        sources, sinks = ports.inputs, ports.outputs
        for name in list(self._inputs):
            if name not in inputs or not _are_there(self._inputs[name], sources):
                self._close_input(name)
        for name in inputs:
            if name not in self._inputs:
                opened = self._open(name, "in", ports)
                if opened:
                    self._inputs[name] = opened
        if self._outputs and (
            output != self._state.wanted_output or not _are_there(self._outputs, sinks)
        ):
            self._close_output()
        if output and not self._outputs:
            opened = self._open(output, "out", ports)
            self._end_notes(opened)
            with self._lock:
                self._outputs = opened
                if opened:
                    self._sounding.clear()
        interfaces = {place.name: place.api for place in reversed(sources)}
        inputs_there = tuple(dict.fromkeys(place.name for place in sources))
        state = MidiState(
            is_known=True,
            inputs=inputs_there,
            input_interfaces=tuple(_interface(interfaces[name]) for name in inputs_there),
            outputs=tuple(dict.fromkeys(place.name for place in sinks)),
            wanted_inputs=inputs,
            wanted_output=output,
            open_inputs=tuple(name for name in inputs if name in self._inputs),
            is_output_open=bool(self._outputs),
        )
        with self._lock:
            changed, self._state = state != self._state, state
        if changed:
            self._on_change()

    def _abandon_jack(self) -> None:
        """Give up, without closing it, all that belongs to a server: that would crash us."""
        import rtmidi

        jack = rtmidi.API_UNIX_JACK
        dead = []
        for name, opened in list(self._inputs.items()):
            if any(each.api == jack for each in opened):
                dead += [each.port for each in self._inputs.pop(name)]
        with self._lock:
            if any(each.api == jack for each in self._outputs):
                dead += [each.port for each in self._outputs]
                self._outputs = []
        if dead:
            log.warning("the JACK server is gone, and its MIDI ports with it")
            self._had_lost_jack = True
        for port in dead:
            self._poll.remove(port)
            _abandon(port)

    def _open(self, name: str, direction: Direction, ports: PortList) -> list[_Open]:
        """Open the port of a name, or our own in every interface that can have one."""
        import rtmidi

        if name == VIRTUAL_PORT:
            has_own = (rtmidi.API_LINUX_ALSA, rtmidi.API_UNIX_JACK, rtmidi.API_MACOSX_CORE)
            wanted: list[tuple[int, Place | None]] = [
                (api, None) for api in ports.apis if api in has_own
            ]
        else:
            places = ports.inputs if direction == "in" else ports.outputs
            found = find_port(name, [place.name for place in places])
            wanted = [(place.api, place) for place in places if place.name == found]
            del wanted[1:]
        opened = []
        for api, place in wanted:
            port = None
            try:
                port = _make(api, direction, _CLIENT if place is None else f"{_CLIENT} {direction}")
                if direction == "in":
                    port.ignore_types(timing=False)  # clocks are heard, the rest stays as it is
                    self._poll.add(port, name if place is None else place.name)
                if place is None:
                    port.open_virtual_port(direction)
                else:
                    port.open_port(port.get_ports().index(place.full_name), direction)
            except (OSError, ValueError) as error:  # it has vanished, or somebody else has it
                log.warning("cannot open the MIDI port %s: %s", name, error)
                if port is not None:
                    self._delete(port, api)
                continue
            log.info("opened the MIDI port %s", name if place is None else place.full_name)
            opened.append(_Open(port, api, place))
        return opened

    def _receive(self, port: str, data: list[int]) -> None:
        self._on_event(MidiEvent(self._now(), port, tuple(data)))

    def _close_input(self, name: str) -> None:
        for each in self._inputs.pop(name):
            self._delete(each.port, each.api)

    def _close_output(self) -> None:
        with self._lock:
            closing, self._outputs = self._outputs, []
        with self._sending:
            self._end_notes(closing)
            for each in closing:
                self._delete(each.port, each.api)

    def _end_notes(self, outputs: list[_Open]) -> None:
        """End what sounds; a port that has vanished does not hear it, so it is told once more."""
        with self._lock:
            sounding = sorted(self._sounding)
        for each in outputs:
            try:
                for channel, pitch in sounding:
                    each.port.send_message([_NOTE_OFF | channel, pitch, 0])
            except (OSError, ValueError) as error:  # it has vanished
                log.warning("cannot end what sounds: %s", error)

    def _delete(self, port: Any, api: int) -> None:
        import rtmidi

        self._poll.remove(port)
        if api == rtmidi.API_UNIX_JACK and self._had_lost_jack:
            # The JACK library has not got over the loss: ending a client could still crash us.
            port.close_port()
            _abandon(port)
        else:
            port.delete()


def _abandon(port: Any) -> None:
    """Let a port of a server that has died be: it is never deleted."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(port))


def _are_there(opened: list[_Open], places: Sequence[Place]) -> bool:
    return all(each.place is None or each.place in places for each in opened)


def _interface(api: int) -> str:
    import rtmidi

    return str(rtmidi.get_api_display_name(api))


def _make(api: int, direction: Direction, client: str) -> Any:
    import rtmidi

    return (rtmidi.MidiIn if direction == "in" else rtmidi.MidiOut)(api, client)
