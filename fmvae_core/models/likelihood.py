"""The likelihood p(x|z) that belongs to a representation."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from fmvae_core.models import drum_likelihood, melody_likelihood, motion_likelihood
from fmvae_core.models.config import RepresentationName


class Likelihood(Protocol):
    """What a decoder's raw outputs ``(..., steps, features)`` mean."""

    def expected_frames(self, raw: Tensor) -> Tensor:
        """Return the means that the likelihood teaches: the frames that kappa is measured on."""

    def sounding_frames(self, expected: Tensor) -> Tensor:
        """Return the frames as they sound."""

    def audible(self, frames: Tensor) -> Tensor:
        """Return the part of expected frames that can be heard: f(z) of the metric tensor."""

    def decided(self, raw: Tensor) -> Tensor:
        """Return the likeliest frames, of the kind that is learnt from."""

    def negative_log_likelihood(self, raw: Tensor, frames: Tensor) -> Tensor:
        """Return -log p(x|z) of each phrase, ``(batch,)``, up to a constant."""

    def mean_squared_error(self, raw: Tensor, frames: Tensor) -> Tensor:
        """Return the constraint C, a scalar."""


_LIKELIHOODS: dict[RepresentationName, Likelihood] = {
    "drums": drum_likelihood,
    "melody": melody_likelihood,
    "motion": motion_likelihood,
}


def likelihood(representation: RepresentationName) -> Likelihood:
    """Return the likelihood of a representation."""
    return _LIKELIHOODS[representation]
