"""The engine's one clock: seconds of the monotonic clock, and how the synth's ticks follow them.

The synth counts ticks (milliseconds of sound), a block or a whole audio period at a time. A running
linear fit maps seconds to ticks, so that the steps, the jitter of the reads and the drift of the
sound card do not reach the music. Without audio the monotonic clock goes on alone, and so does all
that is built on it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

TICKS_PER_SECOND = 1000.0

_MEMORY = 10.0  # seconds after which an observation counts for 1/e
_STIFFNESS = 1.0  # seconds squared: how firmly the fit holds to the nominal rate while it is young
_STRAY = 0.008  # seconds off the line, on average, at which the line is given up: sound was lost
_STRAY_MEMORY = 0.1  # seconds over which that average is taken; long enough for any period
_PATIENCE = 0.5  # seconds without a tick after which the audio counts as lost
_DOUBT = 0.001  # seconds; a thread that slept longer between the two clocks is not believed
_FIRST_PATIENCE = 2.0  # the same before the first tick: a sound server may take its time


class TickFit:
    """Running linear fit of ticks over seconds, with exponential forgetting.

    The slope is the nominal rate plus a correction that is pulled to zero while there is little
    evidence, so the very first observation already gives a usable map.
    """

    def __init__(self) -> None:
        self._weight = 0.0
        self._origin = 0.0
        self._base = 0.0
        self._x = self._y = 0.0  # weighted means, relative to origin and base
        self._xx = self._xy = 0.0  # weighted central moments (sums)
        self._last = 0.0
        self._stray = 0.0

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been observed."""
        return self._weight == 0.0

    def add(self, seconds: float, ticks: float) -> None:
        """Take in one observation; when they have left the line for good, a new one begins."""
        passed = seconds - self._last
        if not self.is_empty:
            keep = math.exp(-passed / _STRAY_MEMORY)
            self._stray = keep * self._stray + (1.0 - keep) * (ticks - self(seconds))
            if abs(self._stray) > _STRAY * TICKS_PER_SECOND:
                self._weight = 0.0
        self._last = seconds
        if self.is_empty:
            self._origin, self._base, self._stray = seconds, ticks, 0.0
            self._weight, self._x, self._y, self._xx, self._xy = 1.0, 0.0, 0.0, 0.0, 0.0
            return
        fade = math.exp(-passed / _MEMORY)
        x = seconds - self._origin
        y = (ticks - self._base) - x * TICKS_PER_SECOND  # what is left beside the nominal rate
        # West's update of weighted means and moments.
        self._weight = self._weight * fade + 1.0
        self._xx *= fade
        self._xy *= fade
        step = x - self._x
        self._x += step / self._weight
        self._xy += step * (y - self._y) * (1.0 - 1.0 / self._weight)
        self._xx += step * step * (1.0 - 1.0 / self._weight)
        self._y += (y - self._y) / self._weight

    @property
    def rate(self) -> float:
        """Ticks a second."""
        if self.is_empty:
            return TICKS_PER_SECOND
        return TICKS_PER_SECOND + self._xy / (self._xx + _STIFFNESS * self._weight)

    def __call__(self, seconds: float) -> float:
        """Return the ticks at a time in seconds."""
        x = seconds - self._origin
        drift = (self.rate - TICKS_PER_SECOND) * (x - self._x)
        return self._base + x * TICKS_PER_SECOND + self._y + drift


class Clock:
    """Seconds for everything, ticks for the synth while there is one.

    Parameters
    ----------
    now
        The monotonic clock, in seconds.

    Notes
    -----
    Not locked: the transport, which owns it, calls it under its own lock.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._read_tick: Callable[[], int] | None = None
        self._fit = TickFit()
        self._tick = 0
        self._ticked_at = 0.0
        self._has_ticked = False

    def now(self) -> float:
        """Return seconds; never goes back, whatever the audio does."""
        return self._now()

    def attach(self, read_tick: Callable[[], int]) -> None:
        """Follow the ticks of a synth that has begun to sound."""
        self._read_tick = read_tick
        self._fit = TickFit()
        self._ticked_at, self._tick, _ = self._read(read_tick)
        self._has_ticked = False
        self._fit.add(self._ticked_at, self._tick)  # a guess: the driver may not run yet

    def detach(self) -> None:
        """Go on without audio."""
        self._read_tick = None

    @property
    def has_audio(self) -> bool:
        """Whether a synth is attached."""
        return self._read_tick is not None

    def observe(self) -> None:
        """Compare the two clocks; to be called every few hundredths of a second."""
        if self._read_tick is None:
            return
        seconds, tick, doubt = self._read(self._read_tick)
        if tick == self._tick:
            return
        if not self._has_ticked:
            self._has_ticked = True
            self._fit = TickFit()
        self._tick, self._ticked_at = tick, seconds
        if self._fit.is_empty or doubt < _DOUBT:
            self._fit.add(seconds, tick)

    def _read(self, read_tick: Callable[[], int]) -> tuple[float, int, float]:
        """Return seconds, the tick then, and the seconds within which the two belong together."""
        before = self._now()
        tick = read_tick()
        after = self._now()
        return 0.5 * (before + after), tick, after - before

    @property
    def is_lost(self) -> bool:
        """Whether the audio has stopped taking sound."""
        patience = _PATIENCE if self._has_ticked else _FIRST_PATIENCE
        return self.has_audio and self._now() - self._ticked_at > patience

    def tick(self, seconds: float) -> int:
        """Return the synth's tick at a time in seconds."""
        return max(0, round(self._fit(seconds)))
