"""How far the metric tensor is from a multiple of the identity, with exact Jacobians."""

from __future__ import annotations

import numpy as np
import torch

from fmvae_core.evaluation.coding import Array
from fmvae_core.geometry.jacobian import exact_jacobian
from fmvae_core.geometry.metric import condition_numbers, metric_tensor
from fmvae_core.models.fm_music_vae import FMMusicVAE
from fmvae_core.training.objective import FlatnessConfig, observe

POINTS = 256
_AT_ONCE = 64


def flatness(
    model: FMMusicVAE, z: Array, config: FlatnessConfig, *, points: int = POINTS, seed: int = 0
) -> dict[str, float]:
    """Return condition number and size of G = J'J at random latents out of ``(n, d)``.

    ``trace_mean`` stands beside it because saturated sigmoids give small Jacobians, which look flat
    for the wrong reason; ``trace_spread`` is the standard deviation of tr G over its mean.
    """
    chosen = np.random.default_rng(seed).choice(len(z), min(points, len(z)), replace=False)
    conditions, traces = [], []
    for part in torch.from_numpy(z[chosen]).split(_AT_ONCE):
        metric = metric_tensor(exact_jacobian(lambda at: observe(model, at, config), part))
        conditions.append(condition_numbers(metric))
        traces.append(metric.diagonal(dim1=1, dim2=2).mean(dim=1))
    condition, trace = torch.cat(conditions).numpy(), torch.cat(traces).numpy()
    return {
        "condition_number_median": float(np.median(condition)),
        "condition_number_mean": float(condition.mean()),
        "condition_number_p90": float(np.quantile(condition, 0.9)),
        "trace_mean": float(trace.mean()),
        "trace_spread": float(trace.std() / trace.mean()),
        "points": float(len(chosen)),
    }
