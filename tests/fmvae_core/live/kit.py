"""A kit: a process of its own that plays on a JACK MIDI port; and one who hears the machine's."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

# Each line of its input is a time (monotonic; 0 is at once) and the bytes of a message.
_KIT = """
import sys, time, rtmidi
from fmvae_core.live.priority import TIMER, raise_priority
raise_priority(TIMER)
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

# Each line of its output is a time (monotonic) and the bytes of a message.
_LISTENER = """
import select, sys, time, rtmidi
from fmvae_core.live.priority import TIMER, raise_priority
raise_priority(TIMER)
port = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, "listener")
port.open_port(port.get_ports().index("Flatjam:out"), "in")
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0.001)[0]:  # until its input ends
    while (message := port.get_message()) is not None:
        print(time.monotonic(), *message[0], flush=True)
port.delete()
"""


def _ready(script: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a script, and return its process once it has its ports."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


class Kit:
    """Plays on ``kit:pads``, or on a port of its own that is connected to another.

    Parameters
    ----------
    target
        Part of the name of the port to connect to.
    """

    def __init__(self, target: str = "") -> None:
        self._process = _ready(_KIT, target)

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
    """Hears what the machine plays to its MIDI port.

    In a process of its own, so that nothing that the test does makes a note seem late.
    """

    def __init__(self) -> None:
        self.heard: list[tuple[float, list[int]]] = []
        """Time (monotonic) and bytes of each message."""
        self._process = _ready(_LISTENER)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            at, *data = line.split()
            self.heard.append((float(at), [int(part) for part in data]))

    def starts(self) -> Counter[tuple[int, int]]:
        return Counter((m[1], m[2]) for _, m in self.heard if m[0] & 0xF0 == 0x90)

    def sounding(self) -> set[int]:
        """Pitches of which not every note that began has ended."""
        on: Counter[int] = Counter()
        for _, (status, pitch, velocity) in self.heard.copy():
            on[pitch] += 1 if status & 0xF0 == 0x90 and velocity else -1
        return {pitch for pitch, count in on.items() if count}

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._thread.join()
        self._process.stdout.close()
