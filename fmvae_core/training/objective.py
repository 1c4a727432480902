"""The loss of one step, a pure function of model, batch and random generator (equations 3 to 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from fmvae_core.geometry.jacobian import all_directions, orthonormal_directions, taylor_jacobian
from fmvae_core.geometry.metric import (
    FlatnessForm,
    flatness_loss,
    mean_square_scale,
    metric_tensor,
)
from fmvae_core.geometry.mixup import mixup
from fmvae_core.models.drum_likelihood import (
    audible,
    expected_frames,
    mean_squared_error,
    negative_log_likelihood,
)
from fmvae_core.models.fm_music_vae import FMMusicVAE, sample_posterior


@dataclass(frozen=True)
class FlatnessConfig:
    """Settings of the metric regularisation.

    Parameters
    ----------
    eta
        Weight of the term in equation 5; 0 switches it off.
    form
        ``scale-free`` or ``paper`` (equation 6).
    directions
        Random orthonormal directions of the Jacobian, or 0 for all latent dimensions.
    points
        Mixup points a step.
    alpha0
        How far mixup goes beyond its two points.
    step
        h of the Taylor expansion, in standard deviations of the latents of the batch.
    ramp
        Steps over which eta grows to its full value once the initial phase is over.
    observation
        What f(z) is: the ``audible`` frame, or the ``plain`` concatenation.
    """

    eta: float = 60.0
    form: FlatnessForm = "scale-free"
    directions: int = 8
    points: int = 16
    alpha0: float = 0.3
    step: float = 0.05
    ramp: int = 500
    observation: Literal["audible", "plain"] = "audible"

    def __post_init__(self) -> None:
        if self.form not in ("scale-free", "paper"):
            raise ValueError(f"there is no flatness '{self.form}'; choose scale-free or paper")
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


def observe(model: FMMusicVAE, z: Tensor, config: FlatnessConfig) -> Tensor:
    """Return f(z) of the metric tensor, ``(batch, steps * features)``: deterministic."""
    frames = expected_frames(model.decoder(z))
    return (audible(frames) if config.observation == "audible" else frames).flatten(1)


def flatness_term(
    model: FMMusicVAE, z: Tensor, config: FlatnessConfig, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return the flatness loss and c^2 at mixup points of a batch of latents ``(batch, d)``."""
    points = mixup(z, min(config.points, len(z)), config.alpha0, generator)
    dim = points.shape[1]
    if 0 < config.directions < dim:
        directions = orthonormal_directions(
            len(points), dim, config.directions, generator, points.dtype
        )
    else:
        directions = all_directions(len(points), dim, points)
    step = config.step * float(z.detach().std(dim=0).mean())
    columns = taylor_jacobian(
        lambda at: observe(model, at, config), points, directions, max(step, 1e-6)
    )
    metric = metric_tensor(columns)
    return flatness_loss(metric, config.form), mean_square_scale(metric)


def loss(
    model: FMMusicVAE,
    frames: Tensor,
    beta: float,
    eta: float,
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
    beta
        Weight of the KL bound.
    eta
        Weight of the flatness term at this step; 0 leaves its cost out too.
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
    raw = model.decoder(z)
    nll = negative_log_likelihood(raw, frames).mean()
    kl = model.kl_bound(z, mean, log_std, prior_noise).mean()
    total = nll + beta * kl
    flat, scale = torch.zeros_like(nll), torch.zeros_like(nll)
    if eta > 0:
        flat, scale = flatness_term(model, z, flatness, generator)
        total = total + eta * flat
    return total, Metrics(mean_squared_error(raw.detach(), frames), nll, kl, flat, scale)
