"""Attributes: numbers computed from drum frames (section 4.3)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fmvae_core.music.representation import HITS, OFFSETS, VELOCITIES

ATTRIBUTES: tuple[str, ...] = ("density", "velocity", "offset")
"""Names, in the order of the columns of `attributes`."""


def attributes(
    frames: npt.NDArray[np.float32], thresholds: npt.ArrayLike = 0.5
) -> npt.NDArray[np.float64]:
    """Return density, velocity and offset of phrases.

    Density is the number of hits; velocity (0 to 1) and offset (-1 to 1, positive = late) are means
    over the cells where a hit sounds, and 0 in an empty phrase.

    Parameters
    ----------
    frames
        ``(..., steps, 27)``; hits may be probabilities.
    thresholds
        Probability from which a hit sounds; a number or one for each of the 9 drums.

    Returns
    -------
    values
        ``(..., 3)``.
    """
    hits = frames[..., HITS] >= np.asarray(thresholds)
    count = hits.sum(axis=(-2, -1)).astype(np.float64)
    shared = np.maximum(count, 1.0)
    velocity = (frames[..., VELOCITIES] * hits).sum(axis=(-2, -1)) / shared
    offset = (frames[..., OFFSETS] * hits).sum(axis=(-2, -1)) / shared
    return np.stack([count, velocity, offset], axis=-1)
