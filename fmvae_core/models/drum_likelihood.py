"""What a drum decoder's raw outputs mean: hits, velocities, offsets and their likelihood."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from fmvae_core.music.drum_representation import HITS, OFFSETS, VELOCITIES

# Precisions of the two Gaussians over 2: variances of 1/8 and 1/4.
VELOCITY_WEIGHT = 4.0
OFFSET_WEIGHT = 2.0

_MIN_SHARE = 0.05  # below it no hit sounds, and the quotient is noise


def expected_frames(raw: Tensor) -> Tensor:
    """Return hit probabilities and the means of velocities (0 to 1) and offsets, ``(..., 27)``.

    The means are those that the likelihood below teaches: over a cell with or without a hit, where
    an absent hit counts as 0.
    """
    return torch.cat(
        [
            torch.sigmoid(raw[..., HITS]),
            torch.sigmoid(raw[..., VELOCITIES]),
            torch.tanh(raw[..., OFFSETS]),
        ],
        dim=-1,
    )


def sounding_frames(expected: Tensor) -> Tensor:
    """Return the frames with velocity and offset as they are *if* the hit sounds, ``(..., 27)``.

    A cell's mean is the probability of its hit times the mean of a sounding one; without the
    division every hit that is less than certain would be too quiet and too close to the grid.
    """
    hits = expected[..., HITS]
    share = hits.clamp_min(_MIN_SHARE)
    return torch.cat(
        [
            hits,
            (expected[..., VELOCITIES] / share).clamp(max=1.0),
            (expected[..., OFFSETS] / share).clamp(-1.0, 1.0),
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


def decided(raw: Tensor) -> Tensor:
    """Return the likeliest frames, ``(..., 27)``: hits or none, and 0 where there is none."""
    frames = sounding_frames(expected_frames(raw))
    frames[..., HITS] = (frames[..., HITS] >= 0.5).to(frames.dtype)
    return audible(frames)


def negative_log_likelihood(raw: Tensor, frames: Tensor) -> Tensor:
    """Return -log p(x|z) of each phrase, ``(batch,)``, up to a constant.

    Hits are Bernoulli, velocities and offsets Gaussian over all cells (absent hits are 0); the sum
    runs over the phrase, so that it stands beside the KL on the scale of the ELBO.
    """
    out = expected_frames(raw)
    hits = functional.binary_cross_entropy_with_logits(
        raw[..., HITS], frames[..., HITS], reduction="none"
    )
    velocity = (out[..., VELOCITIES] - frames[..., VELOCITIES]).square()
    offset = (out[..., OFFSETS] - frames[..., OFFSETS]).square()
    return (hits + VELOCITY_WEIGHT * velocity + OFFSET_WEIGHT * offset).sum(dim=(-2, -1))


def mean_squared_error(raw: Tensor, frames: Tensor) -> Tensor:
    """Return the constraint C: the mean squared error over all features (the scale of kappa)."""
    return (expected_frames(raw) - frames).square().mean()
