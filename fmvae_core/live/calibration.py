"""How late a hit comes that was played along with a click: latency there and back.

What is measured is the time from the engine's handing a click to the synth to its getting the hit
that was meant to fall on it. Output and input cannot be told apart this way, nor can either be told
from the habit of most people to tap some milliseconds early. For a jam the sum is what counts.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from statistics import median

from fmvae_core.ipc import Message
from fmvae_core.jam.pads import Hit
from fmvae_core.live.jam_line import JamLine
from fmvae_core.live.sync_messages import CalibrationState, StartCalibration
from fmvae_core.live.voices import SoundEvent

_LEAD = 0.5  # seconds to the first click
_FIRST = 4  # hits that do not count: it takes some to fall in
_CLICKS_A_HIT = 4  # clicks for each hit that is wanted, after which it is given up
_SIGMAS = 3.0
_NARROWEST = 0.020  # seconds from the median within which a hit is no stray, however even all are
_TO_SIGMA = 1.4826  # a median deviation is that of a normal distribution's sigma


def settle(deviations: list[float]) -> tuple[list[float], float, float]:
    """Return the deviations without strays, their median, and their spread, all in seconds."""
    middle = median(deviations)
    spread = _TO_SIGMA * median(abs(each - middle) for each in deviations)
    reach = max(_SIGMAS * spread, _NARROWEST)
    kept = [each for each in deviations if abs(each - middle) <= reach]
    middle = median(kept)
    return kept, middle, _TO_SIGMA * median(abs(each - middle) for each in kept)


class Calibration:
    """Clicks, and measures the hits that come. Every method may be called from any thread.

    Parameters
    ----------
    now
        The engine's clock.
    sound
        Takes the clicks.
    release
        Forgets the clicks that are queued.
    tell
        Tells every client.
    """

    def __init__(
        self,
        now: Callable[[], float],
        sound: Callable[[list[SoundEvent]], None],
        release: Callable[[], None],
        tell: Callable[[Message], None],
    ) -> None:
        self._now = now
        self._sound = sound
        self._release = release
        self._tell = tell
        self._lock = threading.RLock()
        self._line: JamLine | None = None
        self._wanted = 0
        self._hits = 0
        self._port = ""
        self._deviations: list[float] = []

    @property
    def is_running(self) -> bool:
        """Whether it clicks."""
        return self._line is not None

    def start(self, wanted: StartCalibration) -> None:
        """Begin to click."""
        with self._lock:
            self._line = JamLine(self._now() + _LEAD, wanted.tempo, sys.maxsize)
            self._wanted = wanted.hits
            self._hits = 0
            self._deviations = []
            self._tell_state()

    def stop(self) -> None:
        """End the click."""
        with self._lock:
            if self._line is not None:
                self._line = None
                self._release()
                self._tell_state()

    def hit(self, hit: Hit, port: str = "") -> bool:
        """Take in a hit, and return whether one was waited for."""
        with self._lock:
            if self._line is None:
                return False
            if port != self._port:  # another device has another latency
                self._port, self._deviations = port, []
            self._hits += 1
            beat = round(self._line.beat(hit.seconds))
            if self._hits > _FIRST and beat >= 0:
                self._deviations.append(hit.seconds - self._line.time(beat))
            self._tell_state()
            return True

    def wake(self, now: float) -> None:
        """Click on; to be called every hundredth of a second."""
        with self._lock:
            if self._line is not None:
                self._sound(self._line.advance(now))
                if self._line.beat(now) > _FIRST + _CLICKS_A_HIT * self._wanted:
                    self.stop()

    def _tell_state(self) -> None:
        kept: list[float] = []
        middle = spread = None
        if self._deviations:
            kept, middle, spread = settle(self._deviations)
        is_done = self._wanted > 0 and len(kept) >= self._wanted
        if is_done and self._line is not None:
            self._line = None
            self._release()
        self._tell(
            CalibrationState(
                is_running=self._line is not None,
                is_done=is_done,
                hits=len(kept),
                wanted=self._wanted,
                dropped=len(self._deviations) - len(kept),
                median_ms=None if middle is None else 1000.0 * middle,
                spread_ms=None if spread is None else 1000.0 * spread,
                port=self._port,
            )
        )
