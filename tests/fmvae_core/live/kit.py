"""A kit: a process of its own that plays on a JACK MIDI port; and one who hears the machine's."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import rtmidi

from fmvae_core.live.midi_poll import MidiPoll

# Each line of its input is a time (monotonic; 0 is at once) and the bytes of a message.
_KIT = """
import sys, time, rtmidi
from fmvae_core.live.priority import raise_priority
raise_priority()
out = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, "kit")
target = sys.argv[1]
if target:
    out.open_port(next(i for i, name in enumerate(out.get_ports()) if target in name), "pads")
else:
    out.open_virtual_port("pads")
print("ready", flush=True)
for line in sys.stdin:
    at, *data = line.split()
    time.sleep(max(0.0, float(at) - time.monotonic()))
    out.send_message([int(part) for part in data])
    print(time.monotonic(), flush=True)
out.delete()
"""


class Kit:
    """Plays on ``kit:pads``, or on a port of its own that is connected to another.

    Parameters
    ----------
    target
        Part of the name of the port to connect to.
    """

    def __init__(self, target: str = "") -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _KIT, target],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def send(self, *data: int, at: float = 0.0) -> None:
        assert self._process.stdin is not None
        print(at, *data, file=self._process.stdin, flush=True)

    def sent(self, count: int) -> list[float]:
        """Return when the next messages were sent (monotonic), waiting for them."""
        assert self._process.stdout is not None
        return [float(self._process.stdout.readline()) for _ in range(count)]

    def unplug(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


@contextmanager
def plugged(target: str = "") -> Iterator[Kit]:
    kit = Kit(target)
    try:
        yield kit
    finally:
        kit.unplug()


class Listener:
    """Hears what the machine plays to its MIDI port."""

    def __init__(self) -> None:
        self.heard: list[tuple[float, list[int]]] = []
        """Time (monotonic) and bytes of each message."""
        self._port = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, "listener")
        self._port.open_port(self._port.get_ports().index("Flatjam:out"), "in")
        # No callback: to close a port waits for it, and it for the interpreter.
        self._poll = MidiPoll(lambda name, data: self.heard.append((time.monotonic(), data)))
        self._poll.add(self._port, "listener")

    def starts(self) -> Counter[tuple[int, int]]:
        return Counter((m[1], m[2]) for _, m in self.heard if m[0] & 0xF0 == 0x90)

    def sounding(self) -> set[int]:
        """Pitches of which not every note that began has ended."""
        on: Counter[int] = Counter()
        for _, (status, pitch, velocity) in self.heard.copy():
            on[pitch] += 1 if status & 0xF0 == 0x90 and velocity else -1
        return {pitch for pitch, count in on.items() if count}

    def close(self) -> None:
        self._poll.remove(self._port)
        self._port.delete()
