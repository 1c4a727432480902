"""FM-Music-VAE: encoder, hierarchical decoder and hierarchical prior (section 3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fmvae_core.models.config import ModelConfig
from fmvae_core.models.decoder import HierarchicalDecoder
from fmvae_core.models.drum_likelihood import expected_frames, sounding_frames
from fmvae_core.models.encoder import Encoder
from fmvae_core.models.hierarchical_prior import HierarchicalPrior, gaussian_log_density


class FMMusicVAE(nn.Module):
    """The whole model. Shapes below use B phrases, S steps, F features, d latent dimensions."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = HierarchicalDecoder(config)
        self.prior = HierarchicalPrior(config)

    def encode(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log standard deviation of q(z|x), each ``(B, d)``, of ``(B, S, F)``."""
        mean, log_std = self.encoder(frames)
        return mean, log_std

    def decode_frames(self, z: Tensor) -> Tensor:
        """Return frames ``(B, S, F)`` of points ``(B, d)``.

        Hits are probabilities; velocities and offsets are those of the hit if it sounds.
        """
        return sounding_frames(expected_frames(self.decoder(z)))

    def kl_bound(self, z: Tensor, mean: Tensor, log_std: Tensor, noise: Tensor) -> Tensor:
        """Return the one-sample bound F of equation 2 for each phrase, ``(B,)``.

        Parameters
        ----------
        z
            Sample of q(z|x), ``(B, d)``.
        mean, log_std
            Of q(z|x).
        noise
            Standard Normal, ``(K, B, prior_latent_dim)``.
        """
        return gaussian_log_density(z, mean, log_std) - self.prior.log_density(z, noise)


def sample_posterior(mean: Tensor, log_std: Tensor, noise: Tensor) -> Tensor:
    """Return z = mean + std * noise, the reparametrised sample of q(z|x)."""
    return mean + torch.exp(log_std) * noise
