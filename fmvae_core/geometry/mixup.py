"""Mixup in the latent space: points between and just beyond those of a batch (section 3.2.2)."""

from __future__ import annotations

import torch
from torch import Tensor


def mixup(z: Tensor, n: int, alpha0: float, generator: torch.Generator) -> Tensor:
    """Return ``n`` points ``(1 - a) z_i + a z_j`` with ``a ~ U(-alpha0, 1 + alpha0)``.

    Pairs come from shuffling the batch. The result carries no gradient: it is the
    ``sg(g(z_i, z_j))`` of equation 6.

    Parameters
    ----------
    z
        ``(batch, d)``.
    n
        At most ``batch``.
    alpha0
        How far to go beyond either end, as a share of the distance.
    generator
        Source of the pairs and of ``a``.
    """
    z = z.detach()
    pairs = torch.randperm(len(z), generator=generator, device=z.device)
    alpha = torch.rand(n, 1, generator=generator, device=z.device) * (1 + 2 * alpha0) - alpha0
    return torch.lerp(z[:n], z[pairs[:n]], alpha.to(z.dtype))
