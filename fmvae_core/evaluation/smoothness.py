"""How evenly the music changes on the way from phrase to phrase (section 4.1, Figure 2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fmvae_core.evaluation.coding import Array, Coding
from fmvae_core.geometry.interpolation import lerp, step_changes

PAIRS = 1_000
POINTS = 20
_PAIRS_AT_ONCE = 50


@dataclass(frozen=True)
class Smoothness:
    """Onsets that change along interpolations, an entry for each pair.

    Parameters
    ----------
    max_step
        ``(pairs,)``, in the worst of the steps: the paper's smoothness.
    end_distance
        ``(pairs,)``, between the ends.
    path
        ``(pairs,)``, in all steps together.
    points
        Phrases of an interpolation, both ends included.
    """

    max_step: npt.NDArray[np.int64]
    end_distance: npt.NDArray[np.int64]
    path: npt.NDArray[np.int64]
    points: int

    def figures(self) -> dict[str, float]:
        """Return mean and median of the worst step, and what they have to be seen beside.

        ``ideal`` is the mean distance of the ends spread evenly over the steps: a model that
        collapses is smooth, too, and has an ideal of 0.
        """
        apart = float(self.end_distance.mean())
        return {
            "max_step_mean": float(self.max_step.mean()),
            "max_step_median": float(np.median(self.max_step)),
            "max_step_sd": float(self.max_step.std()),
            "ideal": apart / (self.points - 1),
            "end_distance": apart,
            "path_over_distance": float(self.path.sum() / max(self.end_distance.sum(), 1)),
            "pairs": float(len(self.max_step)),
            "points": float(self.points),
        }


def smoothness(
    coding: Coding,
    z: Array,
    *,
    way: Callable[[Array, Array, npt.ArrayLike], Array] = lerp,
    pairs: int = PAIRS,
    points: int = POINTS,
    seed: int = 0,
) -> Smoothness:
    """Interpolate between random pairs of latents ``(n, d)`` and count what changes.

    Parameters
    ----------
    way
        `lerp`, as in the paper, or `slerp`.
    seed
        Of the pairs: the same for every model that is compared on the same phrases.
    """
    random = np.random.default_rng(seed)
    ends = np.stack([random.choice(len(z), 2, replace=False) for _ in range(pairs)])
    steps, distances = [], []
    for first in range(0, pairs, _PAIRS_AT_ONCE):
        a, b = z[ends[first : first + _PAIRS_AT_ONCE]].transpose(1, 0, 2)
        line = way(a, b, np.linspace(0.0, 1.0, points))
        onsets = coding.onsets(line.reshape(-1, z.shape[1]))
        onsets = onsets.reshape(points, len(a), *onsets.shape[1:])
        steps.append(step_changes(onsets))
        distances.append(step_changes(onsets[[0, -1]])[0])
    changes = np.concatenate(steps, axis=1)
    return Smoothness(changes.max(axis=0), np.concatenate(distances), changes.sum(axis=0), points)
