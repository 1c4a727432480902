"""Takes messages from the queues of RtMidi's ports.

RtMidi can call back instead, but with JACK it does so in the server's own cycle: a callback into
Python waits for the interpreter there, the cycle is missed, and its notes are lost or heard twice.
And anywhere, to close a port waits for its callback, which waits for the interpreter, for ever.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from fmvae_core.live.priority import TIMER, raise_priority

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.0005


class MidiPoll:
    """Looks into the queues of ports two thousand times a second, while there are any.

    Parameters
    ----------
    on_message
        Called on this object's thread with a port's name and the bytes of each of its messages.
    """

    def __init__(self, on_message: Callable[[str, list[int]], None]) -> None:
        self._on_message = on_message
        self._lock = threading.Lock()  # held while a port is looked into: none is deleted meanwhile
        self._ports: list[tuple[Any, str]] = []
        self._some = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, port: Any, name: str) -> None:
        """Begin to look into a port's queue."""
        with self._lock:
            self._ports.append((port, name))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="midi-poll", daemon=True)
                self._thread.start()
        self._some.set()

    def remove(self, port: Any) -> None:
        """Look into a port no more."""
        with self._lock:
            self._ports = [each for each in self._ports if each[0] is not port]
            if not self._ports:
                self._some.clear()

    def _run(self) -> None:
        log.info("priority of MIDI in: %s", raise_priority(TIMER))
        while True:
            self._some.wait()
            with self._lock:
                for port, name in self._ports:
                    while (message := port.get_message()) is not None:
                        try:
                            self._on_message(name, message[0])
                        except Exception:  # whatever one message does, the next is heard
                            log.exception("a message of %s could not be taken: %s", name, message)
            time.sleep(_POLL_SECONDS)
