"""The learnt prior p(z) = E p(z|zeta) with its importance-weighted bound (equation 2)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from fmvae_core.models.config import ModelConfig

_LOG_2PI = math.log(2 * math.pi)
_MIN_LOG_STD, _MAX_LOG_STD = -6.0, 3.0


def gaussian_log_density(x: Tensor, mean: Tensor, log_std: Tensor) -> Tensor:
    """Return log N(x; mean, std) summed over the last axis."""
    return -0.5 * (((x - mean) * torch.exp(-log_std)).square() + 2 * log_std + _LOG_2PI).sum(-1)


def _gaussian_network(inputs: int, hidden: tuple[int, ...], outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for units in hidden:
        layers += [nn.Linear(inputs, units), nn.ReLU()]
        inputs = units
    layers.append(nn.Linear(inputs, 2 * outputs))
    return nn.Sequential(*layers)


def _mean_and_log_std(network: nn.Sequential, x: Tensor) -> tuple[Tensor, Tensor]:
    mean, log_std = network(x).chunk(2, dim=-1)
    return mean, log_std.clamp(_MIN_LOG_STD, _MAX_LOG_STD)


class HierarchicalPrior(nn.Module):
    """Two fully connected networks, q(zeta|z) and p(z|zeta), over a standard Normal zeta."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.importance_samples = config.importance_samples
        self.inference = _gaussian_network(
            config.latent_dim, config.prior_hidden, config.prior_latent_dim
        )
        self.generation = _gaussian_network(
            config.prior_latent_dim, config.prior_hidden, config.latent_dim
        )

    def log_density(self, z: Tensor, noise: Tensor) -> Tensor:
        """Return the lower bound of log p(z) of equation 2, ``(batch,)``.

        Parameters
        ----------
        z
            ``(batch, latent_dim)``.
        noise
            Standard Normal, ``(K, batch, prior_latent_dim)``.
        """
        mean, log_std = _mean_and_log_std(self.inference, z)
        zeta = mean + torch.exp(log_std) * noise
        z_mean, z_log_std = _mean_and_log_std(self.generation, zeta)
        log_weights = (
            gaussian_log_density(z, z_mean, z_log_std)
            + gaussian_log_density(zeta, torch.zeros_like(zeta), torch.zeros_like(zeta))
            - gaussian_log_density(zeta, mean, log_std)
        )
        return torch.logsumexp(log_weights, dim=0) - math.log(len(noise))
