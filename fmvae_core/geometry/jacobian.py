"""Jacobians of the decoder: cheap first-order estimates to train with, exact ones to evaluate."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Decoder = Callable[[Tensor], Tensor]
"""The map f: points ``(batch, d)`` to observations ``(batch, n)``."""


def orthonormal_directions(
    batch: int, dim: int, k: int, generator: torch.Generator, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Return ``k`` random orthonormal directions for each point, ``(batch, k, dim)``.

    They are the Q of Gaussian matrices, so each is uniform on the sphere.
    """
    gaussian = torch.randn(batch, dim, k, generator=generator, device=generator.device)
    return torch.linalg.qr(gaussian).Q.transpose(1, 2).to(dtype)


def gaussian_directions(
    batch: int, dim: int, samples: int, generator: torch.Generator, dtype: torch.dtype
) -> Tensor:
    """Return standard Normal directions for each point, the u of equation 8, ``(batch, S, dim)``.

    They are about ``sqrt(dim)`` long, and so is a step along them.
    """
    shape = (batch, samples, dim)
    return torch.randn(shape, generator=generator, device=generator.device).to(dtype)


def all_directions(batch: int, dim: int, like: Tensor) -> Tensor:
    """Return the coordinate axes for each point, ``(batch, dim, dim)``."""
    return torch.eye(dim, dtype=like.dtype, device=like.device).expand(batch, dim, dim)


def taylor_jacobian(f: Decoder, z: Tensor, directions: Tensor, step: float) -> Tensor:
    """Return directional derivatives by the first-order Taylor expansion (section 3.2.2).

    ``J v = (f(z + h v) - f(z)) / h``. Only first-order gradients pass through it, which is what
    cuDNN's recurrent networks can give; the difference needs full float32.

    Parameters
    ----------
    f
        The decoder, called once with all points.
    z
        ``(batch, d)``.
    directions
        ``(batch, k, d)``; orthonormal ones give columns of the Jacobian.
    step
        h, in units of z.

    Returns
    -------
    columns
        ``(batch, k, n)``.
    """
    batch, k, dim = directions.shape
    moved = (z.unsqueeze(1) + step * directions).reshape(batch * k, dim)
    observed = f(torch.cat([z, moved]))
    base, ahead = observed[:batch], observed[batch:]
    return (ahead.reshape(batch, k, -1) - base.unsqueeze(1)) / step


def exact_jacobian(f: Decoder, z: Tensor) -> Tensor:
    """Return the exact Jacobian, ``(batch, d, n)``, one column at a time by reverse-over-reverse.

    For evaluation. A directional derivative is the gradient of the vector-Jacobian product with
    respect to its own (zero) cotangent, which every operation that can be differentiated twice
    allows; where cuDNN's recurrent networks cannot, they are switched off for this branch.
    """
    with torch.backends.cudnn.flags(enabled=False), torch.enable_grad():
        z = z.detach().requires_grad_(True)
        observed = f(z)
        cotangent = torch.zeros_like(observed, requires_grad=True)
        (pulled,) = torch.autograd.grad(observed, z, cotangent, create_graph=True)
        columns = []
        for axis in range(z.shape[1]):
            (column,) = torch.autograd.grad(
                pulled[:, axis].sum(), cotangent, retain_graph=axis + 1 < z.shape[1]
            )
            columns.append(column)
    return torch.stack(columns, dim=1).detach()
