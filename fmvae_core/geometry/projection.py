"""Linear projection of the latent space onto the map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class PCA:
    """Principal components: an orthonormal, and therefore honest, view of the latent space.

    The map is linear, so a straight line stays straight in it and a new point lands at once.

    Parameters
    ----------
    mean
        ``(d,)``, the point that lands in the origin.
    components
        ``(k, d)``, orthonormal rows, largest variance first.
    explained
        ``(k,)``, share of the total variance along each row, 0 to 1.
    """

    mean: npt.NDArray[np.float32]
    components: npt.NDArray[np.float32]
    explained: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        k, d = self.components.shape
        if self.mean.shape != (d,) or self.explained.shape != (k,):
            raise ValueError(
                f"mean {self.mean.shape} and explained {self.explained.shape} do not belong to "
                f"components {self.components.shape}"
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
        points = np.asarray(z, np.float64)
        n, d = points.shape
        if n <= k or d < k:
            raise ValueError(
                f"{k} principal components need more than {k} points of at least {k} dimensions, "
                f"not {n} of {d}"
            )
        mean = points.mean(axis=0)
        # d is small, so the (d, d) scatter is cheaper than an SVD of all points and as exact here.
        _, singular, rows = np.linalg.svd(np.cov(points - mean, rowvar=False, bias=True))
        total = singular.sum()
        components = rows[:k]
        largest = np.abs(components).argmax(axis=1)
        components = components * np.sign(components[np.arange(k), largest])[:, None]
        explained = singular[:k] / total if total > 0 else np.zeros(k)
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

    def project(self, z: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Return where points ``(..., d)`` land on the map, ``(..., k)``."""
        landed = (np.asarray(z, np.float32) - self.mean) @ self.components.T
        return landed.astype(np.float32, copy=False)
