"""What a melody decoder's raw outputs mean: one event a step, and its likelihood."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def expected_frames(raw: Tensor) -> Tensor:
    """Return the probability of each event at each step, ``(..., 90)``."""
    return torch.softmax(raw, dim=-1)


def sounding_frames(expected: Tensor) -> Tensor:
    """Return the same: an event has no velocity or offset that could depend on it."""
    return expected


def audible(frames: Tensor) -> Tensor:
    """Return the same: every event counts."""
    return frames


def decided(raw: Tensor) -> Tensor:
    """Return the likeliest event of each step, one-hot ``(..., 90)``."""
    return functional.one_hot(raw.argmax(dim=-1), raw.shape[-1]).to(raw.dtype)


def negative_log_likelihood(raw: Tensor, frames: Tensor) -> Tensor:
    """Return -log p(x|z) of each phrase, ``(batch,)``: a categorical of 90 events a step."""
    events = frames.argmax(dim=-1)
    per_step = functional.cross_entropy(raw.transpose(-2, -1), events, reduction="none")
    return per_step.sum(dim=-1)


def mean_squared_error(raw: Tensor, frames: Tensor) -> Tensor:
    """Return the constraint C: the mean squared error over all features (the scale of kappa)."""
    return (expected_frames(raw) - frames).square().mean()
