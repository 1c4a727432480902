"""Tempo from taps."""

from __future__ import annotations

from statistics import median

from fmvae_core.music.phrase import MAX_TEMPO, MIN_TEMPO

_PAUSE = 60.0 / MIN_TEMPO  # seconds after which a tap is the first of a new tempo
_MOST = 8


class TapTempo:
    """Finds the tempo that somebody taps."""

    def __init__(self) -> None:
        self._taps: list[float] = []

    def tap(self, seconds: float) -> float | None:
        """Take a tap; return beats a minute, from the second tap on.

        One tap that strays does little: the tempo is that of the median gap.
        """
        if self._taps and seconds - self._taps[-1] > _PAUSE:
            self._taps.clear()
        self._taps = [*self._taps[-_MOST + 1 :], seconds]
        gaps = [b - a for a, b in zip(self._taps, self._taps[1:], strict=False) if b > a]
        if not gaps:
            return None
        return min(max(60.0 / median(gaps), MIN_TEMPO), MAX_TEMPO)
