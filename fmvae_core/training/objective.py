"""The loss of one step, a pure function of model, batch and random generator (equations 3 to 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from fmvae_core.geometry.metric import (
    FlatnessForm,
    JacobianEstimator,
    estimate_metric,
    flatness_loss,
    mean_square_scale,
)
from fmvae_core.geometry.mixup import mixup
from fmvae_core.models.recurrent_vae import RecurrentVAE, sample_posterior


@dataclass(frozen=True)
class FlatnessConfig:
    """Settings of the metric regularisation.

    Parameters
    ----------
    eta
        Weight of the term in equation 5; 0 switches it off.
    form
        ``scale-free`` or ``paper`` (equation 6).
    estimator
        How the metric tensor is estimated (`fmvae_core.geometry.metric.estimate_metric`).
    directions
        Random orthonormal directions of ``taylor``, or 0 for all latent dimensions.
    samples
        S of equation 8, of the other estimators.
    points
        Mixup points a step.
    alpha0
        How far mixup goes beyond its two points.
    step
        h of the Taylor expansion or mu of equation 8, in standard deviations of the latents of the
        batch.
    ramp
        Steps over which eta grows to its full value once the initial phase is over.
    observation
        What f(z) is: the ``plain`` frame of the likelihood's means, which for drums are
        ``[p, p * velocity, p * offset]`` because an absent hit counts as 0; or the ``audible`` one,
        in which velocity and offset are weighted by p once more.
    """

    eta: float = 60.0
    form: FlatnessForm = "scale-free"
    estimator: JacobianEstimator = "taylor"
    directions: int = 8
    samples: int = 32
    points: int = 16
    alpha0: float = 0.3
    step: float = 0.05
    ramp: int = 500
    observation: Literal["audible", "plain"] = "plain"

    def __post_init__(self) -> None:
        if self.form not in ("scale-free", "paper"):
            raise ValueError(f"there is no flatness '{self.form}'; choose scale-free or paper")
        if self.estimator not in (estimators := get_args(JacobianEstimator)):
            raise ValueError(
                f"there is no estimator '{self.estimator}'; choose {', '.join(estimators)}"
            )
        if self.samples < 4:
            raise ValueError(f"equation 8 needs four samples or more, not {self.samples}")
        if self.observation not in ("audible", "plain"):
            raise ValueError(f"f(z) is 'audible' or 'plain', not '{self.observation}'")


@dataclass(frozen=True)
class Metrics:
    """What one step measured, as scalar tensors."""

    constraint: Tensor
    nll: Tensor
    kl: Tensor
    flatness: Tensor
    scale: Tensor

    def to_floats(self) -> dict[str, float]:
        """Return the values as numbers, in one transfer from the device."""
        names = ("constraint", "nll", "kl", "flatness", "scale")
        stacked = torch.stack([getattr(self, name).detach() for name in names])
        return dict(zip(names, stacked.tolist(), strict=True))


def observe(model: RecurrentVAE, z: Tensor, config: FlatnessConfig) -> Tensor:
    """Return f(z) of the metric tensor, ``(batch, steps * features)``: deterministic."""
    frames = model.likelihood.expected_frames(model.decode(z))
    audible = config.observation == "audible"
    return (model.likelihood.audible(frames) if audible else frames).flatten(1)


def flatness_term(
    model: RecurrentVAE, z: Tensor, config: FlatnessConfig, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return the flatness loss and c^2 at mixup points of a batch of latents ``(batch, d)``."""
    points = mixup(z, min(config.points, len(z)), config.alpha0, generator)
    step = config.step * float(z.detach().std(dim=0).mean())
    metric, other = estimate_metric(
        lambda at: observe(model, at, config),
        points,
        generator,
        estimator=config.estimator,
        directions=config.directions,
        samples=config.samples,
        step=max(step, 1e-6),
    )
    scale = (mean_square_scale(metric) + mean_square_scale(other)) / 2
    return flatness_loss(metric, config.form, other), scale


@dataclass(frozen=True)
class Weights:
    """What the terms of the loss count at one step.

    Parameters
    ----------
    beta
        Weight of the KL, 1 / lambda.
    eta
        Weight of the flatness term; 0 leaves its cost out too.
    free_nats
        KL of a phrase that costs nothing.
    teacher_share
        Probability that an autoregressive decoder hears the true frame.
    """

    beta: float
    eta: float = 0.0
    free_nats: float = 0.0
    teacher_share: float = 1.0


def loss(
    model: RecurrentVAE,
    frames: Tensor,
    weights: Weights,
    flatness: FlatnessConfig,
    generator: torch.Generator,
) -> tuple[Tensor, Metrics]:
    """Return the loss of a batch and what was measured on the way.

    ``nll + beta * KL + eta * flatness``: equation 5 divided by lambda = 1 / beta, so that the scale
    of the loss stays that of the reconstruction. Sums run over the phrase, means over the batch.

    Parameters
    ----------
    frames
        ``(batch, steps, features)``.
    weights
        Of the terms at this step.
    flatness
        Settings of the flatness term.
    generator
        Source of all randomness of the step, on the device of `frames`.
    """
    mean, log_std = model.encode(frames)
    noise = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
    z = sample_posterior(mean, log_std, noise)
    prior_noise = torch.randn(
        (model.config.importance_samples, len(z), model.config.prior_latent_dim),
        generator=generator,
        device=z.device,
        dtype=z.dtype,
    )
    raw = model.reconstruct(z, frames, weights.teacher_share, generator)
    nll = model.likelihood.negative_log_likelihood(raw, frames).mean()
    kl = model.kl_bound(z, mean, log_std, prior_noise)
    charged = (kl - weights.free_nats).clamp_min(0.0) if weights.free_nats else kl
    total = nll + weights.beta * charged.mean()
    flat, scale = torch.zeros_like(nll), torch.zeros_like(nll)
    if weights.eta > 0:
        flat, scale = flatness_term(model, z, flatness, generator)
        total = total + weights.eta * flat
    constraint = model.likelihood.mean_squared_error(raw.detach(), frames)
    return total, Metrics(constraint, nll, kl.mean(), flat, scale)
