"""Directions of the latent space along which an attribute grows (section 4.3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

SAMPLES = 5_000
"""Phrases that the paper takes to find the vectors."""


def attribute_vectors(
    z: npt.ArrayLike,
    attributes: npt.ArrayLike,
    names: Sequence[str],
    n: int = SAMPLES,
    seed: int = 0,
) -> dict[str, npt.NDArray[np.float32]]:
    """Return the attribute vectors of a corpus.

    A vector leads from the centroid of the quarter of the samples with the lowest values to that of
    the quarter with the highest. It is never rescaled: its length is part of what was found.

    Parameters
    ----------
    z
        Latents of the corpus, ``(m, d)``.
    attributes
        Theirs, ``(m, len(names))``.
    names
        Of the attributes; see `Representation.attribute_names`.
    n
        Number of samples drawn, without replacement, at most all.
    seed
        Of the draw.

    Returns
    -------
    vectors
        Attribute name to ``(d,)``.

    Raises
    ------
    ValueError
        If there are fewer than four points.
    """
    points, values = np.asarray(z, np.float64), np.asarray(attributes, np.float64)
    if len(points) < 4 or values.shape != (len(points), len(names)):
        raise ValueError(
            f"attribute vectors need four points or more and {len(names)} attributes of each, "
            f"not points {points.shape} and attributes {values.shape}"
        )
    drawn = np.random.default_rng(seed).permutation(len(points))[:n]
    points, values = points[drawn], values[drawn]
    quarter = len(points) // 4
    vectors = {}
    for column, name in enumerate(names):
        order = np.argsort(values[:, column], kind="stable")
        low, high = points[order[:quarter]], points[order[-quarter:]]
        vectors[name] = (high.mean(axis=0) - low.mean(axis=0)).astype(np.float32)
    return vectors
