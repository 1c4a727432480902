"""Laying one picture of the same points over another, so that what moves is what changed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fmvae_core.geometry.projection import PCA

Points = npt.NDArray[np.float32]


def procrustes(points: npt.ArrayLike, onto: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the orthogonal map ``(d, d)`` that brings centred points nearest to others.

    ``points @ map`` has the smallest squared distance to `onto` that a turn and a reflection allow
    (orthogonal Procrustes); distances between points stay as they are.

    Parameters
    ----------
    points, onto
        The same points twice, ``(n, d)`` each, about their means.
    """
    a, b = np.asarray(points, np.float64), np.asarray(onto, np.float64)
    left, _, right = np.linalg.svd(a.T @ b)
    return np.asarray(left @ right)


def normalised(z: npt.ArrayLike) -> tuple[npt.NDArray[np.float64], float]:
    """Return points ``(n, d)`` about their mean and of one root mean square, and what that was."""
    points = np.asarray(z, np.float64)
    centred = points - points.mean(axis=0)
    spread = float(np.sqrt(np.square(centred).sum(axis=1).mean()))
    return centred / (spread or 1.0), spread


class FormingMap:
    """Places on one map for a space that is still learning.

    All snapshots are turned towards the newest one and seen along its three principal components;
    where a newer one comes, the picture is turned so that what was shown before hardly moves. Each
    snapshot is drawn at the same size: what is seen is the shape.
    """

    def __init__(self) -> None:
        self._newest: npt.NDArray[np.float64] | None = None
        self._axes: npt.NDArray[np.float64] | None = None

    def begin_with(self, newest: npt.ArrayLike) -> None:
        """Take latents ``(n, d)`` as what all others are turned towards.

        Raises
        ------
        ValueError
            If there are not more than three points, of three dimensions or more.
        """
        points, _ = normalised(newest)
        axes = np.asarray(PCA.fit(points).components.T, np.float64)
        before = self._newest
        if before is not None and self._axes is not None and before.shape == points.shape:
            turned = before @ procrustes(before, points)
            axes = axes @ procrustes(turned @ axes, before @ self._axes)
        self._newest, self._axes = points, axes

    def places(self, z: npt.ArrayLike) -> tuple[Points, float]:
        """Return where latents ``(n, d)`` lie, ``(n, 3)``, and their root mean square radius.

        Raises
        ------
        ValueError
            If these are not the points that it began with, or it has not begun.
        """
        points, spread = normalised(z)
        if self._newest is None or self._axes is None or points.shape != self._newest.shape:
            raise ValueError(f"these points {points.shape} are not those of the newest snapshot")
        turned = points @ procrustes(points, self._newest)
        return (turned @ self._axes).astype(np.float32), spread
