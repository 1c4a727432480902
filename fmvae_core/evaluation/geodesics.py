"""How much longer the straight line is than the shortest way (section 3.2).

In a flat space the straight line *is* the shortest way, and the ratio of the two lengths is 1. The
shortest way is found approximately: a curve of straight segments between the two ends, whose inner
points are moved by gradient descent until the energy ``sum |f(z_i+1) - f(z_i)|^2`` is low. (A curve
of least energy is a shortest curve, run at even pace.) Both lengths are then measured on a finer
subdivision of the segments, so that the curve gains nothing from leaping over what lies between its
points. What is found is a way, so its length bounds the shortest from above: the ratio may be a
little larger in truth, never smaller.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from fmvae_core.evaluation.coding import Array
from fmvae_core.models.recurrent_vae import RecurrentVAE
from fmvae_core.training.flatness_config import FlatnessConfig
from fmvae_core.training.objective import observe

PAIRS = 32
SEGMENTS = 12
ITERATIONS = 80
_FINER = 4
_RATE = 0.01  # of a step of Adam, in distances of the ends
_AT_ONCE = 16


def geodesic_ratio(
    model: RecurrentVAE,
    z: Array,
    config: FlatnessConfig,
    *,
    pairs: int = PAIRS,
    segments: int = SEGMENTS,
    iterations: int = ITERATIONS,
    seed: int = 0,
) -> dict[str, float]:
    """Return the length of the straight line over that of an approximate geodesic.

    Parameters
    ----------
    z
        Latents ``(n, d)`` to draw the ends from.
    config
        Says what f(z) is.
    pairs, segments, iterations
        How many pairs, how finely the curve is described, and how long it is improved.
    seed
        Of the pairs.

    Returns
    -------
    figures
        ``geodesic_ratio_mean``, ``geodesic_ratio_max`` and ``geodesic_pairs``.
    """
    random = np.random.default_rng(seed)
    ends = np.stack([random.choice(len(z), 2, replace=False) for _ in range(pairs)])
    a, b = torch.from_numpy(z[ends[:, 0]]), torch.from_numpy(z[ends[:, 1]])
    ratios = [
        _ratios(model, start, end, config, segments, iterations)
        for start, end in zip(a.split(_AT_ONCE), b.split(_AT_ONCE), strict=True)
    ]
    ratio = torch.cat(ratios)
    return {
        "geodesic_ratio_mean": float(ratio.mean()),
        "geodesic_ratio_max": float(ratio.max()),
        "geodesic_pairs": float(pairs),
    }


def _ratios(
    model: RecurrentVAE,
    a: Tensor,
    b: Tensor,
    config: FlatnessConfig,
    segments: int,
    iterations: int,
) -> Tensor:
    """Return the ratio for each pair of ends ``(n, d)``, at least 1."""
    share = torch.linspace(0.0, 1.0, segments + 1)[:, None, None]
    straight = torch.lerp(a, b, share)
    distance = (b - a).norm(dim=1, keepdim=True)
    moves = torch.zeros_like(straight[1:-1], requires_grad=True)
    optimiser = torch.optim.Adam([moves], lr=_RATE)

    def curve() -> Tensor:
        return torch.cat([straight[:1], straight[1:-1] + distance * moves, straight[-1:]])

    # Only the moves learn; gradients of the weights would be thrown away.
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    for weight in weights:
        weight.requires_grad_(False)
    try:
        for iteration in range(iterations):
            for group in optimiser.param_groups:
                group["lr"] = _RATE * (1.0 - iteration / iterations)
            optimiser.zero_grad(set_to_none=True)
            squares = _segments(model, curve(), config).square()
            energy = squares.sum(dim=0) / squares.detach().sum(dim=0).clamp_min(1e-12)
            energy.sum().backward()
            optimiser.step()
        with torch.no_grad():
            ways = [_length(model, way, config) for way in (straight, curve())]
    finally:
        for weight in weights:
            weight.requires_grad_(True)
    return ways[0] / torch.minimum(*ways).clamp_min(1e-12)


def _segments(model: RecurrentVAE, way: Tensor, config: FlatnessConfig) -> Tensor:
    """Return the distance of neighbours in f(z) along ways ``(m, n, d)``, ``(m - 1, n)``."""
    observed = observe(model, way.flatten(0, 1), config).unflatten(0, way.shape[:2])
    return torch.linalg.vector_norm(observed[1:] - observed[:-1], dim=-1)


def _length(model: RecurrentVAE, way: Tensor, config: FlatnessConfig) -> Tensor:
    """Return the length as observed of ways ``(m, n, d)`` of straight segments, ``(n,)``."""
    share = torch.arange(_FINER)[:, None, None, None] / _FINER
    finer = torch.lerp(way[:-1], way[1:], share).transpose(0, 1).flatten(0, 1)
    return _segments(model, torch.cat([finer, way[-1:]]), config).sum(dim=0)
