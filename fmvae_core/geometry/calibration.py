"""Linear coordinates of the latent space in which its mean metric tensor is the identity.

Training makes the metric tensor nearly the same *everywhere*, but where a latent direction does
little, raising its effect is slow, and the tensor stays far from round. What is the same everywhere
a linear change of coordinates can undo, and it costs nothing: what the model encodes and decodes
stays the same, straight lines stay straight, and latent distance becomes distance as heard.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fmvae_core.geometry.jacobian import Decoder, exact_jacobian
from fmvae_core.geometry.metric import metric_tensor
from fmvae_core.models.recurrent_vae import RecurrentVAE

_AT_ONCE = 64
_READ_Z = (
    "decoder.conductor_start.weight",
    "decoder.conductor.weight_ih_l0",
)


class SingularMetricError(ValueError):
    """A latent direction has no effect on what is decoded."""


def mean_metric(f: Decoder, z: Tensor) -> Tensor:
    """Return the mean of G = J'J over points ``(n, d)`` with exact Jacobians, ``(d, d)``."""
    total = sum(metric_tensor(exact_jacobian(f, part)).sum(dim=0) for part in z.split(_AT_ONCE))
    assert isinstance(total, Tensor)
    return total / len(z)


@torch.no_grad()
def calibrate(model: RecurrentVAE, metric: Tensor, frames: Tensor) -> None:
    """Change a model's latent coordinates, in place, to ``z' = metric^(1/2) z``.

    The change is folded into the layers that write and read z: exactly for posterior means, decoder
    and q(zeta|z). The posterior and p(z|zeta) keep their diagonal form, so their widths are matched
    on average only; both matter to training alone.

    Parameters
    ----------
    model
        Whose coordinates to change.
    metric
        Mean metric tensor, ``(d, d)``; in the new coordinates it is the identity.
    frames
        Phrases ``(n, steps, features)`` over which the widths are averaged.

    Raises
    ------
    SingularMetricError
        If a direction does nothing; it cannot be calibrated.
    ValueError
        If the decoder is not the parallel one.
    """
    if model.config.decoder != "parallel":
        raise ValueError("only the parallel decoder can be calibrated")
    eigenvalues, vectors = torch.linalg.eigh(metric.double())
    if float(eigenvalues[0]) <= 1e-9 * float(eigenvalues[-1]):
        raise SingularMetricError("a latent direction has no effect; train on before calibrating")
    into = (vectors * eigenvalues.sqrt()) @ vectors.T
    back = (vectors * eigenvalues.rsqrt()) @ vectors.T

    mean, log_std = model.encode(frames)
    _write(model.encoder.head, into, log_std)
    weights = dict(model.named_parameters())
    read = list(_READ_Z)
    if model.prior is not None:
        zeta_mean = model.prior.inference(mean).chunk(2, dim=-1)[0]
        prior_log_std = model.prior.generation(zeta_mean).chunk(2, dim=-1)[1]
        generation = model.prior.generation[-1]
        assert isinstance(generation, nn.Linear)
        _write(generation, into, prior_log_std)
        read.append("prior.inference.0.weight")
    for name in read:
        weights[name].copy_(weights[name].double() @ back)


def _write(layer: nn.Linear, into: Tensor, log_std: Tensor) -> None:
    """Change the coordinates of a layer that gives means and log standard deviations of z."""
    dim = len(into)
    layer.weight[:dim] = (into @ layer.weight[:dim].double()).float()
    layer.bias[:dim] = (into @ layer.bias[:dim].double()).float()
    variance = torch.exp(2 * log_std.double()).mean(dim=0)
    widened = into.square() @ variance
    layer.bias[dim:] += (0.5 * (widened / variance).log()).float()
