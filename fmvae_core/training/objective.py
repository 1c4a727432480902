"""The loss of one step, a pure function of model, batch and random generator (equations 3 to 7)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fmvae_core.geometry.metric import estimate_metric, flatness_loss, mean_square_scale
from fmvae_core.geometry.mixup import mixup
from fmvae_core.models.recurrent_vae import RecurrentVAE, sample_posterior
from fmvae_core.training.flatness_config import FlatnessConfig
from fmvae_core.training.hardware import Hardware


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
    model: RecurrentVAE,
    z: Tensor,
    config: FlatnessConfig,
    generator: torch.Generator,
    hardware: Hardware,
) -> tuple[Tensor, Tensor]:
    """Return the flatness loss and c^2 at mixup points of a batch of latents ``(batch, d)``.

    The step is a small part of z, and its difference is divided by it: nothing here is computed in
    mixed precision. Mixup, scale of the step, c^2 and loss are those of the whole batch, whatever
    share of the points a process decodes.
    """
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
        rows=hardware.rows(len(points)),
    )
    is_one = metric is other
    metric = hardware.gather(metric, len(points))
    other = metric if is_one else hardware.gather(other, len(points))
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
    hardware: Hardware,
) -> tuple[Tensor, Metrics]:
    """Return the loss of a batch and what was measured on the way.

    Equation 5 divided by lambda = 1 / beta, so that the scale of the loss stays that of the
    reconstruction: ``nll + beta * KL + beta * eta * flatness`` with flatness in the ``paper`` form.
    The ``scale-free`` form is one to be weighed against the reconstruction, whatever lambda is:
    there it is ``eta * flatness``. Sums run over the phrase, means over the batch.

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
    hardware
        Which rows of the batch are this process's, and at which precision they are computed. The
        loss is that of the whole batch; its gradient is summed over the processes afterwards.
    """
    count, steps = frames.shape[:2]
    rows = hardware.rows(count)
    latents = (count, model.config.latent_dim)
    noise = _normal(latents, generator, frames)[rows]
    prior_latents = (model.config.importance_samples, count, model.config.prior_latent_dim)
    prior_noise = _normal(prior_latents, generator, frames)[:, rows]
    hears_truth = None
    if weights.teacher_share < 1.0:
        chance = torch.rand((count, steps), generator=generator, device=frames.device)
        hears_truth = chance[rows] < weights.teacher_share
    own = frames[rows]
    with hardware.autocast():
        mean, log_std = model.encode(own)
    mean, log_std = mean.to(frames.dtype), log_std.to(frames.dtype)
    z = sample_posterior(mean, log_std, noise)
    with hardware.autocast():
        raw = model.reconstruct(z, own, hears_truth)
    raw = raw.to(frames.dtype)
    nll = hardware.gather(model.likelihood.negative_log_likelihood(raw, own), count).mean()
    kl = hardware.gather(model.kl_bound(z, mean, log_std, prior_noise), count)
    charged = (kl - weights.free_nats).clamp_min(0.0) if weights.free_nats else kl
    total = nll + weights.beta * charged.mean()
    flat, scale = torch.zeros_like(nll), torch.zeros_like(nll)
    if weights.eta > 0:
        every = hardware.gather(z.detach(), count)
        flat, scale = flatness_term(model, every, flatness, generator, hardware)
        eta = weights.eta * weights.beta if flatness.form == "paper" else weights.eta
        total = total + eta * flat
    # One number of each process, which all have equally many rows.
    error = model.likelihood.mean_squared_error(raw.detach(), own).unsqueeze(0)
    constraint = hardware.gather(error, hardware.size).mean()
    return total, Metrics(constraint, nll, kl.mean(), flat, scale)


def _normal(shape: tuple[int, ...], generator: torch.Generator, like: Tensor) -> Tensor:
    return torch.randn(shape, generator=generator, device=like.device, dtype=like.dtype)
