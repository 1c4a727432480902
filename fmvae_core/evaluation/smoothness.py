"""How evenly the music changes along straight lines (section 4.1, Figure 2)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fmvae_core.evaluation.coding import Array, decode
from fmvae_core.geometry.interpolation import lerp, step_changes
from fmvae_core.models.fm_music_vae import FMMusicVAE

PAIRS = 1_000
POINTS = 20
_PAIRS_AT_ONCE = 50


def smoothness(
    model: FMMusicVAE,
    z: Array,
    thresholds: npt.ArrayLike,
    *,
    pairs: int = PAIRS,
    points: int = POINTS,
    seed: int = 0,
) -> dict[str, float]:
    """Return the figures of Figure 2 over random pairs of latents ``(n, d)``.

    The smoothness of an interpolation is the largest number of hits that change in one of its
    ``points - 1`` steps. Beside it stand the number that change between its ends and, as the ideal,
    that number spread evenly over the steps: a model that collapses is smooth, too.
    """
    random = np.random.default_rng(seed)
    ends = np.stack([random.choice(len(z), 2, replace=False) for _ in range(pairs)])
    largest, distances, paths = [], [], []
    for first in range(0, pairs, _PAIRS_AT_ONCE):
        a, b = z[ends[first : first + _PAIRS_AT_ONCE]].transpose(1, 0, 2)
        line = lerp(a, b, np.linspace(0.0, 1.0, points))
        frames = decode(model, line.reshape(-1, z.shape[1]))
        frames = frames.reshape(points, len(a), *frames.shape[1:])
        for pair in range(len(a)):
            steps = step_changes(frames[:, pair], thresholds)
            largest.append(int(steps.max()))
            paths.append(int(steps.sum()))
            distances.append(int(step_changes(frames[[0, -1], pair], thresholds)[0]))
    apart = np.asarray(distances, np.float64)
    return {
        "max_step_mean": float(np.mean(largest)),
        "max_step_median": float(np.median(largest)),
        "ideal": float(apart.mean() / (points - 1)),
        "end_distance": float(apart.mean()),
        "path_over_distance": float(sum(paths) / max(apart.sum(), 1.0)),
        "pairs": float(pairs),
        "points": float(points),
    }
