"""The metric tensor G = J'J and how far it is from c^2 times the identity (section 3.2.2)."""

from __future__ import annotations

import torch
from torch import Tensor

from fmvae_core.geometry.choices import FlatnessForm, JacobianEstimator
from fmvae_core.geometry.jacobian import (
    Decoder,
    all_directions,
    gaussian_directions,
    orthonormal_directions,
    taylor_jacobian,
)

SMALLEST_SHARE = 1e-13
"""An eigenvalue of G, by its largest one, that a Jacobian in single precision can still tell."""


def metric_tensor(columns: Tensor) -> Tensor:
    """Return G in the given directions, ``(batch, k, k)``, of derivatives ``(batch, k, n)``."""
    return columns @ columns.transpose(1, 2)


def sampled_metric(differences: Tensor, directions: Tensor, *, debiased: bool) -> Tensor:
    """Return the metric tensor from samples of equation 8, ``(batch, d, d)``.

    Equation 8 gives ``J' = mean_s u_s d_s'``. Its square ``J'J`` holds each sample's product with
    itself, which inflates G: the trace of a flat decoder by ``1 + (d + 1) / S``. The debiased
    estimate keeps the products of different samples only. It is the mean of ``sym(J1'J2)`` over all
    ways to split the samples into two halves, so it has the expectation of one such split and less
    variance.

    Parameters
    ----------
    differences
        d, the directional derivatives along the directions, ``(batch, S, n)``.
    directions
        u, standard Normal, ``(batch, S, d)``.
    debiased
        Whether to leave the products of samples with themselves out; needs two samples or more.
    """
    samples = differences.shape[1]
    along = directions.transpose(1, 2)
    metric = metric_tensor(along @ differences / samples)
    if not debiased:
        return metric
    squares = differences.square().sum(dim=2)
    own = (along * squares.unsqueeze(1)) @ directions / samples**2
    return (metric - own) * samples / (samples - 1)


def estimate_metric(
    f: Decoder,
    z: Tensor,
    generator: torch.Generator,
    *,
    estimator: JacobianEstimator = "taylor",
    directions: int = 0,
    samples: int = 32,
    step: float,
    rows: slice = slice(None),
) -> tuple[Tensor, Tensor]:
    """Return two estimates of the metric tensor at points, for `flatness_loss` (section 3.2.2).

    They are the same tensor, except with the debiased estimator: its estimates come from separate
    halves of the samples, because squaring one noisy G is as biased as squaring one noisy J. Only
    first-order gradients pass through.

    Parameters
    ----------
    f
        The decoder.
    z
        ``(batch, d)``.
    generator
        Source of random directions.
    estimator
        ``taylor``: difference quotients along orthonormal directions. ``nesterov-spokoiny``:
        equation 8 as the paper writes it, biased. ``nesterov-spokoiny-debiased``: the same samples,
        without the bias.
    directions
        Of ``taylor``: k random orthonormal ones, in whose subspace G then is; 0 or ``d`` and more
        are all latent axes.
    samples
        S of equation 8.
    step
        h of the Taylor expansion or mu of equation 8, in units of z.
    rows
        Points at which to estimate. Directions are drawn for all, so that each point's are the
        same whoever asks.

    Returns
    -------
    metrics
        Two tensors ``(rows, k, k)``; k is d in all cases but that of random directions.
    """
    batch, dim = z.shape
    points = z[rows]
    if estimator == "taylor":
        if 0 < directions < dim:
            along = orthonormal_directions(batch, dim, directions, generator, z.dtype)
        else:
            along = all_directions(batch, dim, z)
        metric = metric_tensor(taylor_jacobian(f, points, along[rows], step))
        return metric, metric
    along = gaussian_directions(batch, dim, samples, generator, z.dtype)[rows]
    differences = taylor_jacobian(f, points, along, step)
    if estimator == "nesterov-spokoiny":
        metric = sampled_metric(differences, along, debiased=False)
        return metric, metric
    half = samples // 2
    return (
        sampled_metric(differences[:, :half], along[:, :half], debiased=True),
        sampled_metric(differences[:, half:], along[:, half:], debiased=True),
    )


def mean_square_scale(metric: Tensor) -> Tensor:
    """Return c^2, the batch mean of tr G over the number of directions (equation 7), a scalar."""
    return metric.diagonal(dim1=1, dim2=2).mean()


def flatness_loss(
    metric: Tensor, form: FlatnessForm = "scale-free", other: Tensor | None = None
) -> Tensor:
    """Return how far G is from a multiple of the identity, a scalar.

    ``paper`` is equation 6, the squared Frobenius norm of ``G - sg(c^2) 1``. It shrinks the decoder
    a little at every step and needs its weight tuned to the scale of f. ``scale-free`` divides by
    ``c^4 k`` with a live c^2: homogeneous of degree 0, so it cannot be lowered by shrinking. (The
    same ratio with a *detached* c^2 collapses the decoder: its gradient always shrinks G.)

    Parameters
    ----------
    metric
        ``(batch, k, k)``.
    other
        An independent estimate of the same, if G is noisy: every square is then the product of the
        two, which the noise does not inflate. Such a loss can be negative.
    """
    k = metric.shape[-1]
    one = torch.eye(k, dtype=metric.dtype, device=metric.device)
    estimates = (metric, metric if other is None else other)
    scales = [mean_square_scale(estimate) for estimate in estimates]
    targets = [scale.detach() if form == "paper" else scale for scale in scales]
    first, second = (g - target * one for g, target in zip(estimates, targets, strict=True))
    distance = (first * second).sum(dim=(1, 2)).mean()
    return distance if form == "paper" else distance / (scales[0] * scales[1] * k)


def eigenvalues(jacobians: Tensor) -> Tensor:
    """Return the eigenvalues of each G = J'J, ascending, ``(batch, k)`` in double precision.

    G is formed in double precision, too: in single precision its rounding error is larger than its
    small eigenvalues as soon as its condition number is some 10^6. Below `SMALLEST_SHARE` of the
    largest nothing can be told from a J in single precision, and that is returned.

    Parameters
    ----------
    jacobians
        J in k directions, ``(batch, k, n)``.
    """
    found = torch.linalg.eigvalsh(metric_tensor(jacobians.double()))
    return found.maximum(SMALLEST_SHARE * found[:, -1:]).clamp_min(torch.finfo(found.dtype).tiny)
