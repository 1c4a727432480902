"""``python -m fmvae_core.live.midi_list``: tells which MIDI ports there are, twice a second.

A process of its own, because looking is not harmless: a new client of a sound server keeps the
interpreter busy for a tenth of a second, and one whose server has died can crash its process. It
writes a line of JSON at each look, and ends with its standard input.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fmvae_core.live.priority import lower_priority

LOOK_SECONDS = 0.5

_LOOKS_PER_PROBE = 4  # a new client of JACK disturbs its graph a little: not at every look
_PROBES = 3  # that have to say that JACK is gone: a new client may be refused
_PROBE_SECONDS = 0.1  # between them
_LAST_PROBES = 10  # of another process, which has the last word
_LAST_SECONDS = 10.0  # that it may take
_LAST_WORD = "--knows-our-ports"
_CLIENT = "Flatjam list"
_OWN_NAMES = re.compile(r"^(Flatjam|RtMidi)", re.IGNORECASE)
_OUR_PORTS = re.compile(r"^Flatjam")
_ALSA_SEQUENCER = Path("/dev/snd/seq")
_ALSA_NUMBERS = re.compile(r" \d+:\d+$")  # they change when a device is plugged in again


@dataclass(frozen=True, slots=True)
class Place:
    """A port of the system: its interface, its full name there, and its name for the user."""

    api: int
    full_name: str
    name: str


@dataclass(frozen=True)
class PortList:
    """What there was at a look.

    Parameters
    ----------
    inputs, outputs
        Ports that one can listen to, and play to.
    apis
        The interfaces that are there.
    has_lost_jack
        Whether the JACK server of the looks before has died; the last look of a process.
    """

    inputs: tuple[Place, ...] = ()
    outputs: tuple[Place, ...] = ()
    apis: tuple[int, ...] = ()
    has_lost_jack: bool = False

    @classmethod
    def parse(cls, line: str) -> PortList:
        """Return what a line says."""
        table = json.loads(line)
        inputs, outputs = (
            tuple(Place(*place) for place in table[key]) for key in ("inputs", "outputs")
        )
        return cls(inputs, outputs, tuple(table["apis"]), table["has_lost_jack"])

    def line(self) -> str:
        """Return what `parse` reads."""
        inputs, outputs = (
            [[place.api, place.full_name, place.name] for place in places]
            for places in (self.inputs, self.outputs)
        )
        table = {"inputs": inputs, "outputs": outputs, "apis": self.apis}
        return json.dumps(table | {"has_lost_jack": self.has_lost_jack})


class Lister:
    """Lists ports, with one client a direction and interface that it keeps."""

    def __init__(self) -> None:
        import rtmidi

        self._rtmidi = rtmidi
        self._probes: dict[tuple[int, bool], Any] = {}
        self._looks = 0
        self._before: set[Place] = set()

    def look(self) -> PortList:
        """Return what is there now."""
        inputs, outputs = self._places(True), self._places(False)
        self._looks += 1
        apis = tuple(api for api, is_input in self._probes if is_input)
        before, self._before = self._before, {*inputs, *outputs}
        # Nobody may close a port that has vanished with its server.
        has_lost_jack = self._has_lost_jack(must_know=not before <= self._before)
        return PortList(inputs, outputs, apis, has_lost_jack)

    def _places(self, is_input: bool) -> tuple[Place, ...]:
        places = []
        for api in self._rtmidi.get_compiled_api():
            if (api, is_input) not in self._probes:
                # Some interfaces that are not there complain on standard error at each attempt.
                probe = None if self._looks % _LOOKS_PER_PROBE else self._probe(api, is_input)
                if probe is None:
                    continue
                self._probes[api, is_input] = probe
            for full_name in self._probes[api, is_input].get_ports():
                if not _OWN_NAMES.match(full_name):
                    name = full_name
                    if api == self._rtmidi.API_LINUX_ALSA:
                        name = _ALSA_NUMBERS.sub("", full_name)
                    places.append(Place(api, full_name, name))
        return tuple(places)

    def _probe(self, api: int, is_input: bool) -> Any:
        """Return a client that lists ports, or ``None`` where an interface is not there."""
        if api == self._rtmidi.API_LINUX_ALSA and not _ALSA_SEQUENCER.exists():
            return None
        try:
            probe = (self._rtmidi.MidiIn if is_input else self._rtmidi.MidiOut)(api, _CLIENT)
            probe.get_ports()  # some interfaces connect only now
        except (OSError, self._rtmidi.RtMidiError):
            return None
        return probe

    def _has_lost_jack(self, must_know: bool) -> bool:
        # Clients of a dead server list what they have always listed, or nothing, also when another
        # server has come: only a new client knows.
        jack = self._rtmidi.API_UNIX_JACK
        known = self._probes.get((jack, True))
        if known is None or (self._looks % _LOOKS_PER_PROBE and not must_know):
            return False
        for number in range(_PROBES):
            if number:
                time.sleep(_PROBE_SECONDS)
            fresh = self._probe(jack, True)
            if fresh is None:
                continue
            names = fresh.get_ports()
            fresh.delete()
            if sorted(names) == sorted(known.get_ports()):  # else one may have come in between
                return False
        return True

    def sees_our_ports(self) -> bool:
        """Return whether there is a JACK server that knows ports of Flatjam's."""
        jack = self._rtmidi.API_UNIX_JACK
        for _ in range(_LAST_PROBES):
            probes = [self._probe(jack, is_input) for is_input in (True, False)]
            names = [name for probe in probes if probe for name in probe.get_ports()]
            if any(_OUR_PORTS.match(name) for name in names):
                return True
            if all(probes):
                return False
            time.sleep(_PROBE_SECONDS)
        return False


def of_one_interface(
    inputs: Sequence[str], interfaces: Sequence[str]
) -> tuple[str, tuple[str, ...]]:
    """Return the first interface that has a port of a kit's, and all such ports of it.

    A kit may be there once more in another interface, and each hit would come twice.

    Parameters
    ----------
    inputs, interfaces
        As in `fmvae_core.live.jam_messages.MidiPortsState`.
    """
    kits = [
        (interface, name)
        for interface, name in zip(interfaces, inputs, strict=True)
        if "Midi Through" not in name
    ]
    if not kits:
        return "", ()
    first = kits[0][0]
    return first, tuple(name for interface, name in kits if interface == first)


def knows_our_ports() -> bool:
    """Return whether the JACK server still knows our ports, as a new process sees it.

    Servers refuse new clients now and then, some three in a row. Who takes one for dead in the
    middle of a jam lets go of ports that work.
    """
    try:
        look = subprocess.run(
            [sys.executable, "-m", "fmvae_core.live.midi_list", _LAST_WORD],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_LAST_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return look.returncode == 0


def main() -> None:
    """Tell what is there until standard input ends, or the JACK server has died."""
    lower_priority()  # the engine's, which has started us
    # Else asking for a JACK server that does not run starts one, or waits for six seconds.
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    if _LAST_WORD in sys.argv:
        os._exit(0 if Lister().sees_our_ports() else 1)
    ended = threading.Event()

    def wait_for_end() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait_for_end, daemon=True).start()
    lister = Lister()
    while True:
        ports = lister.look()
        if ports.has_lost_jack and knows_our_ports():
            ports = replace(ports, has_lost_jack=False)
        print(ports.line(), flush=True)
        if ports.has_lost_jack or ended.wait(LOOK_SECONDS):
            os._exit(0)  # without deleting clients, which a dead server does not survive


if __name__ == "__main__":
    main()
