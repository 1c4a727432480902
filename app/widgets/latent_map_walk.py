"""Going from landmark to landmark by keys."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from app.widgets.latent_map_camera import Points


class Walk:
    """A way over the map that visits near landmarks first and none twice."""

    def __init__(self) -> None:
        self._trail: list[int] = []

    def restart(self) -> None:
        """Forget where the way has been."""
        self._trail.clear()

    def on(self, points: Points, candidates: npt.NDArray[np.intp], start: int) -> int | None:
        """Go on to the nearest landmark that was not yet visited.

        Parameters
        ----------
        points
            All landmarks, ``(n, 3)``.
        candidates
            Indices of those that may be visited.
        start
            Where the way is now. If it is not where it was left, a new way begins.

        Returns
        -------
        index
            Or None where all were visited.
        """
        if not self._trail or self._trail[-1] != start:
            self._trail = [start]
        left = np.setdiff1d(candidates, self._trail)
        if not left.size:
            return None
        squared = ((points[left] - points[start]) ** 2).sum(axis=1)
        self._trail.append(int(left[np.argmin(squared)]))
        return self._trail[-1]

    def back(self) -> int | None:
        """Go back to where the way was before, or return None at its beginning."""
        if len(self._trail) < 2:
            return None
        self._trail.pop()
        return self._trail[-1]
