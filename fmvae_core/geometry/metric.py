"""The metric tensor G = J'J and how far it is from c^2 times the identity (section 3.2.2)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

FlatnessForm = Literal["scale-free", "paper"]


def metric_tensor(columns: Tensor) -> Tensor:
    """Return G in the given directions, ``(batch, k, k)``, of derivatives ``(batch, k, n)``."""
    return columns @ columns.transpose(1, 2)


def mean_square_scale(metric: Tensor) -> Tensor:
    """Return c^2, the batch mean of tr G over the number of directions (equation 7), a scalar."""
    return metric.diagonal(dim1=1, dim2=2).mean()


def flatness_loss(metric: Tensor, form: FlatnessForm = "scale-free") -> Tensor:
    """Return how far G is from a multiple of the identity, a scalar.

    ``paper`` is equation 6, the squared Frobenius norm of ``G - sg(c^2) 1``. It shrinks the decoder
    a little at every step and needs its weight tuned to the scale of f. ``scale-free`` divides by
    ``c^4 k`` with a live c^2: homogeneous of degree 0, so it cannot be lowered by shrinking. (The
    same ratio with a *detached* c^2 collapses the decoder: its gradient always shrinks G.)

    Parameters
    ----------
    metric
        ``(batch, k, k)``.
    """
    k = metric.shape[-1]
    scale = mean_square_scale(metric)
    if form == "paper":
        scale = scale.detach()
    target = scale * torch.eye(k, dtype=metric.dtype, device=metric.device)
    distance = (metric - target).square().sum(dim=(1, 2)).mean()
    return distance if form == "paper" else distance / (scale.square() * k)


def condition_numbers(metric: Tensor) -> Tensor:
    """Return the largest over the smallest eigenvalue of each G, ``(batch,)``."""
    eigenvalues = torch.linalg.eigvalsh(metric.double())
    return eigenvalues[:, -1] / eigenvalues[:, 0].clamp_min(1e-12)
