"""The landmarks on the map, and which of them are drawn."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from app.widgets.latent_map_camera import Points, thin

_MIDDLE = (0.5, 99.5)  # per cent of the landmarks that the box of the map holds, along each axis


class Landmarks:
    """Places and colours of all landmarks, and a sample to draw where there are too many.

    Indices always count all landmarks.
    """

    def __init__(self) -> None:
        self.points: Points = np.zeros((0, 3), np.float32)
        self.colours: npt.NDArray[np.float32] = np.zeros((0, 4), np.float32)
        self.shown = np.zeros(0, np.intp)
        self.low = -np.ones(3, np.float32)
        self.high = np.ones(3, np.float32)
        self._sample = self.shown

    def __len__(self) -> int:
        return len(self.points)

    def set(self, points: npt.ArrayLike, colours: npt.ArrayLike, limit: int | None) -> None:
        """Replace the landmarks.

        Parameters
        ----------
        points
            ``(n, 3)``.
        colours
            ``(n, 4)``, RGBA in 0..1.
        limit
            How many to draw at most; None for all.

        Raises
        ------
        ValueError
            If the shapes are others or a place is not finite; the landmarks stay as they were.
        """
        places, tones = np.array(points, np.float32), np.array(colours, np.float32)
        if places.ndim != 2 or places.shape[1] != 3 or tones.shape != (len(places), 4):
            raise ValueError(
                "landmarks are points (n, 3) with colours (n, 4), "
                f"not {places.shape} with {tones.shape}"
            )
        if not np.isfinite(places).all():
            raise ValueError("a landmark's place on the map must be finite")
        self.points, self.colours = places, tones
        self._sample = self.shown = thin(places, len(places) if limit is None else limit)
        if len(places):
            self.low, self.high = np.percentile(places, _MIDDLE, axis=0).astype(np.float32)

    def set_colours(self, colours: npt.ArrayLike) -> None:
        """Replace the colours, ``(n, 4)``.

        Raises
        ------
        ValueError
            If there are more or fewer than landmarks.
        """
        tones = np.array(colours, np.float32)
        if tones.shape != (len(self.points), 4):
            raise ValueError(f"the colours must be ({len(self.points)}, 4), not {tones.shape}")
        self.colours = tones

    def checked(self, index: int) -> int:
        """Return an index, or raise ValueError if there is no such landmark."""
        if not 0 <= index < len(self.points):
            raise ValueError(f"there is no landmark {index}; the map holds {len(self.points)}")
        return index

    def keep(self, indices: Iterable[int]) -> bool:
        """Draw the sample and these; return whether that changed what is drawn."""
        shown = np.union1d(self._sample, np.array(list(indices), np.intp))
        if np.array_equal(shown, self.shown):
            return False
        self.shown = shown
        return True

    def at(self, place: npt.NDArray[np.float32]) -> int | None:
        """Return the landmark that lies at a place ``(3,)``, or None."""
        if not len(self.points):
            return None
        squared = ((self.points - place) ** 2).sum(axis=1)
        nearest = int(np.argmin(squared))
        tolerance = 1e-5 * float(np.linalg.norm(self.high - self.low))
        return nearest if squared[nearest] <= tolerance**2 else None
