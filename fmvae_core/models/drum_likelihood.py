"""What a drum decoder's raw outputs mean: hits, velocities, offsets and their likelihood."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from fmvae_core.music.representation import HITS, OFFSETS, VELOCITIES

# Precisions of the two Gaussians over 2: variances of 1/8 and 1/4.
VELOCITY_WEIGHT = 4.0
OFFSET_WEIGHT = 2.0


def frames_of(raw: Tensor) -> Tensor:
    """Return ``(..., 27)`` hit probabilities and velocities (0 to 1), and offsets (-1 to 1)."""
    return torch.cat(
        [
            torch.sigmoid(raw[..., HITS]),
            torch.sigmoid(raw[..., VELOCITIES]),
            torch.tanh(raw[..., OFFSETS]),
        ],
        dim=-1,
    )


def audible(frames: Tensor) -> Tensor:
    """Return ``[p, p * velocity, p * offset]``, ``(..., 27)``.

    Velocities and offsets of hits that are absent are free, and flatness must not be spent on
    silence.
    """
    hits = frames[..., HITS]
    return torch.cat([hits, hits * frames[..., VELOCITIES], hits * frames[..., OFFSETS]], dim=-1)


def negative_log_likelihood(raw: Tensor, frames: Tensor) -> Tensor:
    """Return -log p(x|z) of each phrase, ``(batch,)``, up to a constant.

    Hits are Bernoulli, velocities and offsets Gaussian over all cells (absent hits are 0); the sum
    runs over the phrase, so that it stands beside the KL on the scale of the ELBO.
    """
    out = frames_of(raw)
    hits = functional.binary_cross_entropy_with_logits(
        raw[..., HITS], frames[..., HITS], reduction="none"
    )
    velocity = (out[..., VELOCITIES] - frames[..., VELOCITIES]).square()
    offset = (out[..., OFFSETS] - frames[..., OFFSETS]).square()
    return (hits + VELOCITY_WEIGHT * velocity + OFFSET_WEIGHT * offset).sum(dim=(-2, -1))


def mean_squared_error(raw: Tensor, frames: Tensor) -> Tensor:
    """Return the constraint C: the mean squared error over all features (the scale of kappa)."""
    return (frames_of(raw) - frames).square().mean()
