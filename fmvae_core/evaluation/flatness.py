"""How far the metric tensor is from a multiple of the identity, with exact Jacobians."""

from __future__ import annotations

import numpy as np
import torch

from fmvae_core.evaluation.coding import Array, device_of
from fmvae_core.geometry.jacobian import exact_jacobian
from fmvae_core.geometry.metric import eigenvalues
from fmvae_core.models.recurrent_vae import RecurrentVAE
from fmvae_core.training.flatness_config import FlatnessConfig
from fmvae_core.training.objective import observe

POINTS = 256
PAIRS = 5_000
_AT_ONCE = 64
_COLUMNS = 16_384  # of Jacobians in all: with many latents each is dear, and fewer points must do
_FEWEST = 32


def flatness(
    model: RecurrentVAE, z: Array, config: FlatnessConfig, *, points: int = POINTS, seed: int = 0
) -> dict[str, float]:
    """Return condition number and size of G = J'J at random latents out of ``(n, d)``.

    ``log_eigenvalue_spread`` is the standard deviation of the natural logarithms of a G's
    eigenvalues, a mean over points: the condition number hears the two extremes alone, this hears
    all (`fmvae_core.geometry.metric.eigenvalues` says which is the smallest that counts).
    ``distance_correlation`` is explained at the function of that name. ``trace_mean`` stands beside
    it because saturated sigmoids give small Jacobians, which look flat for the wrong reason;
    ``trace_spread`` is the standard deviation of tr G over its mean.
    """
    random = np.random.default_rng(seed)
    points = min(points, max(_FEWEST, _COLUMNS // z.shape[1]))
    chosen = random.choice(len(z), min(points, len(z)), replace=False)
    conditions, traces, spreads = [], [], []
    device = device_of(model)
    for part in torch.from_numpy(z[chosen]).to(device).split(_AT_ONCE):
        found = eigenvalues(exact_jacobian(lambda at: observe(model, at, config), part).cpu())
        conditions.append(found[:, -1] / found[:, 0])
        traces.append(found.mean(dim=1))
        spreads.append(found.log().std(dim=1, correction=0))
    condition, trace = torch.cat(conditions).numpy(), torch.cat(traces).numpy()
    return {
        "distance_correlation": distance_correlation(model, z, config, random),
        "condition_number_median": float(np.median(condition)),
        "condition_number_mean": float(condition.mean()),
        "condition_number_p90": float(np.quantile(condition, 0.9)),
        "log_eigenvalue_spread": float(torch.cat(spreads).mean()),
        "trace_mean": float(trace.mean()),
        "trace_spread": float(trace.std() / trace.mean()),
        "points": float(len(chosen)),
    }


def distance_correlation(
    model: RecurrentVAE, z: Array, config: FlatnessConfig, random: np.random.Generator
) -> float:
    """Return the correlation of latent and observation distance over random pairs of ``(n, d)``.

    It tells how far ``D_x = c D_z`` of section 3.2.2 holds between points that are not close.
    """
    device = device_of(model)
    ends = torch.from_numpy(random.integers(len(z), size=(2, PAIRS)))
    latents = torch.from_numpy(z)
    with torch.inference_mode():
        observed = torch.cat(
            [observe(model, part.to(device), config).cpu() for part in latents.split(_AT_ONCE)]
        )
    apart = [(of[ends[0]] - of[ends[1]]).norm(dim=1).numpy() for of in (latents, observed)]
    with np.errstate(invalid="ignore"):  # of a single phrase there is none: not a number
        return float(np.corrcoef(apart[0], apart[1])[0, 1])
