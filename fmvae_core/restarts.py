"""When to start a process again, and when to stop trying."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable


class Restarts:
    """Allows a few restarts in a while, so that a process that cannot live is not started for ever.

    Parameters
    ----------
    limit, seconds
        At most ``limit`` restarts within ``seconds``.
    clock
        Monotonic seconds.
    """

    def __init__(
        self, limit: int = 4, seconds: float = 20.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._seconds = seconds
        self._clock = clock
        self._times: deque[float] = deque()

    def allow(self) -> bool:
        """Note one more restart and return whether it may happen."""
        now = self._clock()
        while self._times and now - self._times[0] > self._seconds:
            self._times.popleft()
        if len(self._times) >= self._limit:
            return False
        self._times.append(now)
        return True

    def forget(self) -> None:
        """Begin anew, after the user asked for it."""
        self._times.clear()
