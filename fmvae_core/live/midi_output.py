"""Plays to a MIDI port in time: RtMidi sends at once, so what is to come waits here."""

from __future__ import annotations

import heapq
import logging
import math
import threading
from collections.abc import Callable, Iterable, Sequence

from fmvae_core.live.priority import TIMER, raise_priority
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
        self._queue: list[tuple[float, int, tuple[int, ...]]] = []
        self._serial = 0
        self._last: dict[tuple[int, int], float] = {}  # channel and pitch to what was queued last
        self._sounding: set[tuple[int, int]] = set()
        self._ending = False
        self._thread: threading.Thread | None = None
        self.delay = 0.0
        """Seconds by which all is sent later: the latency of the sound it is to fall in with."""

    def play(self, events: Iterable[SoundEvent]) -> None:
        """Take events to send at their times."""
        self.send((event.time, _message(event)) for event in events)

    def send(self, messages: Iterable[tuple[float, tuple[int, ...]]]) -> None:
        """Take messages to send at their times; those of one time keep their order."""
        with self._changed:
            for time, data in messages:
                self._serial += 1
                due = time + self.delay
                if data[0] & 0xE0 == _NOTE_OFF:  # a note's start or end
                    # When the delay shrinks, its end must not overtake its start.
                    key = data[0] & 0x0F, data[1]
                    due = self._last[key] = max(due, self._last.get(key, due))
                heapq.heappush(self._queue, (due, self._serial, data))
            if self._thread is None and self._queue:
                self._thread = threading.Thread(target=self._run, name="midi-out", daemon=True)
                self._thread.start()
            self._changed.notify()

    def stop(self, last: Sequence[tuple[int, ...]] = ()) -> None:
        """Forget what waits, end what sounds, and send some last messages; never blocks."""
        with self._changed:
            # All is sent by one thread, so that nothing that was on its way sounds after its end.
            ends = [(_NOTE_OFF | channel, pitch, 0) for channel, pitch in sorted(self._sounding)]
            self._last.clear()
            self._queue = [(-math.inf, n, data) for n, data in enumerate((*ends, *last))]
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
        log.info("priority of MIDI out: %s", raise_priority(TIMER))
        while (data := self._next()) is not None:
            try:
                # Without the lock: a port that is slow must not hold up whoever plays.
                self._send(data)
            except Exception:  # whatever one message does, the next is sent
                log.exception("%s could not be sent", data)

    def _next(self) -> tuple[int, ...] | None:
        """Wait for the next message that falls due; ``None`` at the end."""
        with self._changed:
            while True:
                wait = self._queue[0][0] - self._now() if self._queue else None
                if wait is not None and wait <= 0.0:
                    break
                if self._ending:
                    return None
                self._changed.wait(wait)
            _, _, data = heapq.heappop(self._queue)
            if data[0] & 0xF0 == _NOTE_ON:
                self._sounding.add((data[0] & 0x0F, data[1]))
            elif data[0] & 0xF0 == _NOTE_OFF:
                self._sounding.discard((data[0] & 0x0F, data[1]))
            return data


def _message(event: SoundEvent) -> tuple[int, ...]:
    kind = _NOTE_ON if event.velocity else _NOTE_OFF
    return kind | event.channel, event.pitch, event.velocity
