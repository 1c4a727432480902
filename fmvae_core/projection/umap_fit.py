"""Fitting UMAP. Only the process of its own imports this: numba compiles for half a minute."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from fmvae_core.geometry.projection import Placement
from fmvae_core.projection.messages import Stage
from fmvae_core.projection.umap_file import UmapPlaces

Report = Callable[[Stage, int, int], None]

LIMIT = 20_000
"""Landmarks that are fitted at most. Looking for exact neighbours costs the square of their number:
16,000 take about 4 s, and the whole fit 35 s of one slow core."""

_NEIGHBOURS = 15
_SPAN = 10.0
_COUNT = re.compile(r"(\d+)/(\d+)")


def fit_umap(
    z: npt.NDArray[np.float32],
    start: npt.NDArray[np.float32],
    report: Report,
    seed: int = 0,
    limit: int = LIMIT,
) -> UmapPlaces:
    """Return places of landmarks where each lies near those that it is near to in latent space.

    The same landmarks, seed and libraries give the same places.

    Parameters
    ----------
    z
        Landmarks, ``(n, d)``, more than three.
    start
        ``(n, 3)``, where each begins: their principal components, so that both maps read alike.
    report
        Told how far the fit is: the stage, epochs done, and epochs in all.
    seed
        Of what is drawn.
    limit
        Where there are more landmarks, so many are drawn and fitted, and the others placed among
        them.

    Raises
    ------
    ImportError
        If umap-learn is missing.
    """
    report("starting", 0, 0)
    from sklearn.neighbors import NearestNeighbors
    from umap import UMAP

    chosen = np.sort(np.random.default_rng(seed).permutation(len(z))[:limit])
    points, begin = z[chosen], start[chosen]
    count = min(_NEIGHBOURS, len(points) - 1)
    report("neighbours", 0, 0)
    # Exact, and without the compiling that UMAP's own search needs in each new process.
    search = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(points)
    distances, indices = search.kneighbors(points)
    report("preparing", 0, 0)
    reach = max(float(np.abs(begin).max()), 1e-9)
    fit = UMAP(
        n_neighbors=count,
        n_components=3,
        random_state=seed,
        n_jobs=1,
        init=begin * (_SPAN / reach),
        precomputed_knn=(indices.astype(np.int32), distances.astype(np.float32)),
        tqdm_kwds={
            "disable": False,
            "file": _Epochs(report),
            "bar_format": "{n_fmt}/{total_fmt}",
            "mininterval": 0.2,
        },
    )
    with warnings.catch_warnings():
        # Its transform, which is not used: `Placement` places new points.
        warnings.filterwarnings("ignore", message=".*transform")
        warnings.filterwarnings("ignore", message=".*precomputed_knn")
        placed = fit.fit_transform(points).astype(np.float32)
    if len(chosen) < len(z):
        placement = Placement(points, placed)
        placed = placement.project(z)
    return UmapPlaces(placed, len(chosen))


class _Epochs:
    """What UMAP writes its progress to."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def write(self, text: str) -> None:
        found = _COUNT.search(text)
        if found:
            self._report("epochs", int(found[1]), int(found[2]))

    def flush(self) -> None:
        """Nothing is held back."""
