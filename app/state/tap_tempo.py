"""Tempo from taps."""

from __future__ import annotations

import itertools
import statistics
import time
from collections import deque
from collections.abc import Callable

from app.state.session import new_gesture

_PAUSE_SECONDS = 2.0
_TAPS = 8


class TapTempo:
    """Returns the tempo of the last taps; a pause begins anew.

    Parameters
    ----------
    clock
        Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: deque[float] = deque(maxlen=_TAPS)
        self.gesture = new_gesture()
        """Number of the gesture that the taps since the last pause make up."""

    def tap(self) -> float | None:
        """Note a tap and return beats a minute, ``None`` while there are fewer than three."""
        now = self._clock()
        if self._times and now - self._times[-1] > _PAUSE_SECONDS:
            self._times.clear()
            self.gesture = new_gesture()
        self._times.append(now)
        if len(self._times) < 3:
            return None
        # The median forgives one tap that went astray.
        gap = statistics.median(b - a for a, b in itertools.pairwise(self._times))
        return 60.0 / gap if gap > 0 else None
