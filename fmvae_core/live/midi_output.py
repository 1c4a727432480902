"""Plays to a MIDI port in time: RtMidi sends at once, so what is to come waits here."""

from __future__ import annotations

import heapq
import logging
import math
import threading
from collections.abc import Callable, Iterable, Sequence

from fmvae_core.live.voices import SoundEvent

log = logging.getLogger(__name__)

_NOTE_ON = 0x90
_NOTE_OFF = 0x80


class MidiOutput:
    """Sends events when they fall due.

    Parameters
    ----------
    send
        Sends a MIDI message at once; called on this object's thread only.
    now
        The engine's clock.
    """

    def __init__(self, send: Callable[[Sequence[int]], None], now: Callable[[], float]) -> None:
        self._send = send
        self._now = now
        self._changed = threading.Condition()
        self._queue: list[tuple[float, int, SoundEvent]] = []
        self._serial = 0
        self._sounding: set[tuple[int, int]] = set()
        self._ending = False
        self._thread: threading.Thread | None = None

    def play(self, events: Iterable[SoundEvent]) -> None:
        """Take events to send at their times."""
        with self._changed:
            for event in events:
                self._serial += 1
                heapq.heappush(self._queue, (event.time, self._serial, event))
            if self._thread is None and self._queue:
                self._thread = threading.Thread(target=self._run, name="midi-out", daemon=True)
                self._thread.start()
            self._changed.notify()

    def stop(self) -> None:
        """Forget what waits, and end what sounds; never blocks."""
        with self._changed:
            # All is sent by one thread, so that nothing that was on its way sounds after its end.
            self._queue = [
                (-math.inf, number, SoundEvent(-math.inf, channel, pitch, 0))
                for number, (channel, pitch) in enumerate(sorted(self._sounding))
            ]
            self._changed.notify()

    def close(self) -> None:
        """Stop for good."""
        self.stop()
        with self._changed:
            self._ending = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(1.0)

    def _run(self) -> None:
        while (event := self._next()) is not None:
            kind = _NOTE_ON if event.velocity else _NOTE_OFF
            try:
                # Without the lock: a port that is slow must not hold up whoever plays.
                self._send((kind | event.channel, event.pitch, event.velocity))
            except Exception:  # whatever one message does, the next is sent
                log.exception("%s could not be sent", event)

    def _next(self) -> SoundEvent | None:
        """Wait for the next event that falls due; ``None`` at the end."""
        with self._changed:
            while True:
                wait = self._queue[0][0] - self._now() if self._queue else None
                if wait is not None and wait <= 0.0:
                    break
                if self._ending:
                    return None
                self._changed.wait(wait)
            _, _, event = heapq.heappop(self._queue)
            key = event.channel, event.pitch
            if event.velocity:
                self._sounding.add(key)
            else:
                self._sounding.discard(key)
            return event
