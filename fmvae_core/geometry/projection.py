"""Projections of the latent space onto the map: places in three dimensions.

Two are linear, so a straight line stays straight in them: the principal components (`PCA`) and the
attribute vectors as axes (`AttributeAxes`). `Placement` puts points among landmarks that already
have places, as UMAP gives them. A projection is for the eye alone: every distance that is shown as
a number is one of the latent space.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

_DEPENDENT = 1e-3
"""Of an attribute vector's length: what is new in it below that has no direction worth showing."""


class Projection(Protocol):
    """Where latent points lie on the map."""

    def project(self, z: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Return where points ``(..., d)`` land on the map, ``(..., 3)``."""
        ...


@dataclass(frozen=True)
class Linear:
    """A turn of the latent space: lengths along its axes are those of the latent space.

    Parameters
    ----------
    mean
        ``(d,)``, the point that lands in the origin.
    components
        ``(k, d)``, orthonormal rows: the axes.
    """

    mean: npt.NDArray[np.float32]
    components: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        d = self.components.shape[1]
        if self.mean.shape != (d,):
            raise ValueError(
                f"mean {self.mean.shape} does not belong to components {self.components.shape}"
            )

    def project(self, z: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Return where points ``(..., d)`` land on the map, ``(..., k)``."""
        landed = (np.asarray(z, np.float32) - self.mean) @ self.components.T
        return landed.astype(np.float32, copy=False)


@dataclass(frozen=True)
class PCA(Linear):
    """Principal components: the three directions in which points differ most.

    Parameters
    ----------
    mean, components
        As in `Linear`; the row of largest variance first.
    explained
        ``(k,)``, share of the total variance along each row, 0 to 1.
    """

    explained: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        super().__post_init__()
        k = len(self.components)
        if self.explained.shape != (k,):
            raise ValueError(
                f"explained {self.explained.shape} does not belong to {k} principal components"
            )

    @classmethod
    def fit(cls, z: npt.ArrayLike, k: int = 3) -> PCA:
        """Return the ``k`` directions of largest variance of points ``(n, d)``.

        A principal component is known up to its sign only; here the entry of each row that is
        largest in absolute value is positive, so that the same points give the same map.

        Raises
        ------
        ValueError
            If there are not more than ``k`` points, or fewer than ``k`` dimensions.
        """
        points = _enough(z, k)
        mean = points.mean(axis=0)
        rows, variances = _principal(points - mean)
        components = rows[:k]
        total = variances.sum()
        explained = variances[:k] / total if total > 0 else np.zeros(k)
        return cls(
            mean.astype(np.float32), components.astype(np.float32), explained.astype(np.float32)
        )

    def oriented(self, z: npt.ArrayLike, values: npt.ArrayLike) -> PCA:
        """Return the same components, each turned so that a quantity grows along it.

        Bundles are oriented by density: on every axis of the map busier grooves lie on the positive
        side, so maps of different trainings read alike. An axis along which the quantity does not
        vary keeps its sign.

        Parameters
        ----------
        z
            Points ``(n, d)``.
        values
            The quantity at each point, ``(n,)``.
        """
        centred = np.asarray(values, np.float64) - np.mean(np.asarray(values, np.float64))
        covariance = centred @ self.project(z).astype(np.float64)
        signs = np.where(covariance < 0, -1.0, 1.0)[:, None]
        return PCA(self.mean, (signs * self.components).astype(np.float32), self.explained)


@dataclass(frozen=True)
class AttributeAxes(Linear):
    """The orthonormalised attribute vectors as axes, so that a direction can be read in words.

    Each axis shows what its attribute adds to those before it: it is perpendicular to their
    vectors.

    Parameters
    ----------
    mean, components
        As in `Linear`.
    names
        The attribute of each axis; None for a principal component of what the attributes leave.
    """

    names: tuple[str | None, ...]

    @classmethod
    def fit(
        cls, z: npt.ArrayLike, vectors: Mapping[str, npt.ArrayLike], k: int = 3
    ) -> AttributeAxes:
        """Return ``k`` axes: attributes first (Gram-Schmidt in their order), then the rest.

        An attribute whose vector depends on those before it gets no axis. Where fewer than ``k``
        attributes have one, the principal components of what is left of the points fill up.

        Parameters
        ----------
        z
            Points ``(n, d)``.
        vectors
            Attribute name to direction ``(d,)`` (section 4.3).
        k
            Number of axes.

        Raises
        ------
        ValueError
            If there are not more than ``k`` points, or fewer than ``k`` dimensions.
        """
        points = _enough(z, k)
        mean = points.mean(axis=0)
        axes = np.zeros((0, points.shape[1]))
        names: list[str | None] = []
        for name, vector in vectors.items():
            axes = _with(axes, np.asarray(vector, np.float64))
            names += [name] * (len(axes) - len(names))
            if len(axes) == k:
                break
        left = points - mean
        for row in _principal(left - (left @ axes.T) @ axes)[0]:
            if len(axes) == k:
                break
            axes = _with(axes, row)
        names += [None] * (k - len(names))
        return cls(mean.astype(np.float32), axes.astype(np.float32), tuple(names))


class Placement:
    """Puts points among landmarks that have places on the map, nearest ones first.

    For projections that cannot place a new point themselves, or only slowly and elsewhere each
    time, such as UMAP. A point lands at the mean of its nearest landmarks' places, weighted by
    latent distance: ``((R - d) / (R d))**2``, where ``R`` is the distance to the next one after
    them. So a landmark lands on its own place, and a point that moves steadily never jumps, since a
    landmark has lost all weight before another takes its turn. A straight line becomes a curve.

    Parameters
    ----------
    z
        Landmarks, ``(n, d)``.
    places
        Theirs on the map, ``(n, 3)``.
    neighbours
        How many a point is placed among, at most.

    Raises
    ------
    ValueError
        If there are not as many places as landmarks, at least two.
    """

    def __init__(self, z: npt.ArrayLike, places: npt.ArrayLike, neighbours: int = 8) -> None:
        self._z = np.ascontiguousarray(z, np.float32)
        self.places = np.ascontiguousarray(places, np.float32)
        if len(self._z) < 2 or self.places.shape != (len(self._z), 3):
            raise ValueError(
                "points are placed among two landmarks or more that have places (n, 3), not "
                f"landmarks {self._z.shape} with places {self.places.shape}"
            )
        self._squares = np.einsum("nd,nd->n", self._z, self._z)
        self._count = min(neighbours + 1, len(self._z))

    def project(self, z: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Return where points ``(..., d)`` land on the map, ``(..., 3)``."""
        points = np.asarray(z, np.float32)
        flat = points.reshape(-1, points.shape[-1])
        landed = np.empty((len(flat), 3), np.float32)
        for row, point in enumerate(flat):
            order = self._squares - 2.0 * (self._z @ point)
            near = np.argpartition(order, self._count - 1)[: self._count]
            # Again from the differences: those of squares are rounded, and zero must be zero.
            distance = np.linalg.norm(self._z[near].astype(np.float64) - point, axis=1)
            reach = distance.max()
            if distance.min() <= 1e-6 * reach:
                weights = (distance <= 1e-6 * reach).astype(np.float64)
            else:
                weights = ((reach - distance) / (reach * distance)) ** 2
                if not weights.any():  # all are equally far
                    weights[:] = 1.0
            landed[row] = weights @ self.places[near] / weights.sum()
        return landed.reshape(*points.shape[:-1], 3)


def _enough(z: npt.ArrayLike, k: int) -> npt.NDArray[np.float64]:
    """Return points in double precision, or raise ValueError if they do not span ``k`` axes."""
    points = np.asarray(z, np.float64)
    n, d = points.shape
    if n <= k or d < k:
        raise ValueError(
            f"{k} principal components need more than {k} points of at least {k} dimensions, "
            f"not {n} of {d}"
        )
    return points


def _principal(
    centred: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return all principal components ``(d, d)`` as rows, largest first, and their variances."""
    # d is small, so the (d, d) scatter is cheaper than an SVD of all points and as exact here.
    _, variances, rows = np.linalg.svd(np.cov(centred, rowvar=False, bias=True))
    largest = np.abs(rows).argmax(axis=1)
    return rows * np.sign(rows[np.arange(len(rows)), largest])[:, None], variances


def _with(
    axes: npt.NDArray[np.float64], vector: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return orthonormal rows and one more towards a vector, or the same if it depends on them."""
    new = vector - axes.T @ (axes @ vector)
    new -= axes.T @ (axes @ new)  # once more, for what rounding has left
    length = float(np.linalg.norm(new))
    if length <= _DEPENDENT * float(np.linalg.norm(vector)):
        return axes
    return np.vstack([axes, new / length])
