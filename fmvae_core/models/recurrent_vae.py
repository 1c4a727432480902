"""Recurrent VAEs: encoder, hierarchical decoder and prior (section 3).

FM-Music-VAE, MusicVAE, the controls and the ablation are configurations of one class, so that they
share training, evaluation, bundles and everything that plays them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fmvae_core.models.autoregressive_decoder import AutoregressiveDecoder
from fmvae_core.models.config import ModelConfig
from fmvae_core.models.decoder import ParallelDecoder
from fmvae_core.models.encoder import Encoder
from fmvae_core.models.hierarchical_prior import HierarchicalPrior, gaussian_log_density
from fmvae_core.models.likelihood import likelihood


class RecurrentVAE(nn.Module):
    """The whole model. Shapes below use B phrases, S steps, F features, d latent dimensions."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.likelihood = likelihood(config.representation)
        self.encoder = Encoder(config)
        self.decoder: ParallelDecoder | AutoregressiveDecoder
        if config.decoder == "parallel":
            self.decoder = ParallelDecoder(config)
        else:
            self.decoder = AutoregressiveDecoder(config)
        self.prior = HierarchicalPrior(config) if config.prior == "hierarchical" else None

    def encode(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log standard deviation of q(z|x), each ``(B, d)``, of ``(B, S, F)``."""
        mean, log_std = self.encoder(frames)
        return mean, log_std

    def decode(self, z: Tensor) -> Tensor:
        """Return raw outputs ``(B, S, F)`` of points ``(B, d)``: deterministic and free running.

        An autoregressive decoder hears the expectation of the frame before. Decided hits, which it
        learnt from, would make its way jump at every threshold: it reconstructs worse with them,
        and its largest steps are twice as large (docs/model.md).
        """
        if isinstance(self.decoder, ParallelDecoder):
            return self.decoder(z)
        return self.decoder.run(z, lambda raw, step: self.likelihood.expected_frames(raw))

    def reconstruct(self, z: Tensor, frames: Tensor, hears_truth: Tensor | None = None) -> Tensor:
        """Return raw outputs ``(B, S, F)`` to train on.

        Parameters
        ----------
        z
            Samples of q(z|x), ``(B, d)``.
        frames
            The truth, which an autoregressive decoder hears.
        hears_truth
            At which steps it hears the true frame before and not its own (scheduled sampling,
            Bengio et al. 2015), ``(B, S)``; at all of them by default.
        """
        if isinstance(self.decoder, ParallelDecoder):
            return self.decoder(z)
        if hears_truth is None:
            return self.decoder.teach(z, frames)

        heard: list[Tensor] = []

        def hear(raw: Tensor, step: int) -> Tensor:
            own = self.likelihood.decided(raw)
            heard.append(torch.where(hears_truth[:, step, None], frames[:, step], own))
            return heard[-1]

        # No gradient goes through what is heard. Once that is known, all bars are learnt at once.
        with torch.no_grad():
            self.decoder.run(z, hear)
        return self.decoder.teach(z, torch.stack(heard, dim=1))

    def decode_frames(self, z: Tensor) -> Tensor:
        """Return frames ``(B, S, F)`` of points ``(B, d)``, as they sound.

        Hits and events are probabilities; velocities and offsets are those of the hit if it sounds.
        """
        return self.likelihood.sounding_frames(self.likelihood.expected_frames(self.decode(z)))

    def kl_bound(self, z: Tensor, mean: Tensor, log_std: Tensor, noise: Tensor) -> Tensor:
        """Return the KL term of each phrase, ``(B,)``.

        With the hierarchical prior the one-sample bound F of equation 2, with the standard Normal
        the KL itself.

        Parameters
        ----------
        z
            Sample of q(z|x), ``(B, d)``.
        mean, log_std
            Of q(z|x).
        noise
            Standard Normal, ``(K, B, prior_latent_dim)``; not used by the standard prior.
        """
        if self.prior is None:
            return 0.5 * (mean.square() + torch.exp(2 * log_std) - 1 - 2 * log_std).sum(dim=-1)
        return gaussian_log_density(z, mean, log_std) - self.prior.log_density(z, noise)


def sample_posterior(mean: Tensor, log_std: Tensor, noise: Tensor) -> Tensor:
    """Return z = mean + std * noise, the reparametrised sample of q(z|x)."""
    return mean + torch.exp(log_std) * noise
