"""Jacobians, the metric tensor and the two forms of the flatness loss."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from fmvae_core.geometry.jacobian import (
    all_directions,
    exact_jacobian,
    orthonormal_directions,
    taylor_jacobian,
)
from fmvae_core.geometry.metric import (
    SMALLEST_SHARE,
    eigenvalues,
    flatness_loss,
    mean_square_scale,
    metric_tensor,
)
from fmvae_core.geometry.mixup import mixup
from fmvae_core.models.config import ModelConfig
from fmvae_core.models.recurrent_vae import RecurrentVAE


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(7)


def isometry(
    dim: int,
    n: int,
    scale: float,
    generator: torch.Generator,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Return ``(dim, n)`` with orthogonal rows of one length."""
    return scale * torch.linalg.qr(torch.randn(n, dim, generator=generator, dtype=dtype)).Q.T


def test_directions_are_orthonormal(generator: torch.Generator) -> None:
    directions = orthonormal_directions(5, 12, 4, generator)
    products = directions @ directions.transpose(1, 2)
    torch.testing.assert_close(products, torch.eye(4).expand(5, 4, 4), atol=1e-5, rtol=0)


def test_exact_jacobian_equals_torch_func(generator: torch.Generator) -> None:
    model = RecurrentVAE(
        ModelConfig(latent_dim=5, encoder_hidden=(8,), conductor_hidden=8, decoder_hidden=(8, 8))
    ).double()
    z = torch.randn(3, 5, generator=generator, dtype=torch.float64)

    def f(points: Tensor) -> Tensor:
        return model.decode(points).flatten(1)[:, ::16]  # the reference goes output by output

    expected = torch.stack(
        [
            torch.autograd.functional.jacobian(lambda one: f(one.unsqueeze(0))[0], point).T
            for point in z
        ]
    )
    torch.testing.assert_close(exact_jacobian(f, z), expected)


def test_taylor_jacobian_approaches_the_exact_one(generator: torch.Generator) -> None:
    weights = torch.randn(6, 40, generator=generator, dtype=torch.float64)

    def f(points: Tensor) -> Tensor:
        return torch.tanh(points @ weights)

    z = torch.randn(4, 6, generator=generator, dtype=torch.float64)
    exact = exact_jacobian(f, z)
    errors = [
        float((taylor_jacobian(f, z, all_directions(4, 6, z), step) - exact).norm())
        for step in (1e-1, 1e-2, 1e-3)
    ]
    assert errors[2] < 1e-2 * float(exact.norm())
    # First order: ten times the step is ten times the error.
    assert 5 < errors[0] / errors[1] < 20
    assert 5 < errors[1] / errors[2] < 20


def test_random_directions_see_the_metric_of_the_subspace(generator: torch.Generator) -> None:
    weights = torch.randn(6, 40, generator=generator, dtype=torch.float64)
    z = torch.randn(4, 6, generator=generator, dtype=torch.float64)
    directions = orthonormal_directions(4, 6, 3, generator, torch.float64)
    columns = taylor_jacobian(lambda at: at @ weights, z, directions, 1e-3)
    full = weights @ weights.T
    expected = directions @ full @ directions.transpose(1, 2)
    torch.testing.assert_close(metric_tensor(columns), expected, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("form", ["scale-free", "paper"])
def test_an_isometry_is_flat(form: str, generator: torch.Generator) -> None:
    weights = isometry(6, 40, 3.0, generator)
    z = torch.randn(8, 6, generator=generator)
    columns = taylor_jacobian(lambda at: at @ weights, z, all_directions(8, 6, z), 1)
    metric = metric_tensor(columns)
    assert float(mean_square_scale(metric)) == pytest.approx(9.0, rel=1e-4)
    assert float(flatness_loss(metric, form)) == pytest.approx(0.0, abs=1e-4)
    expected = torch.full((8, 6), 9.0, dtype=torch.float64)
    torch.testing.assert_close(eigenvalues(columns), expected, atol=1e-2, rtol=0)


@pytest.mark.parametrize(
    ("stretch", "share"), [(1e-2, 1e-4), (1e-4, 1e-8), (1e-9, SMALLEST_SHARE), (0, SMALLEST_SHARE)]
)
def test_eigenvalues_are_told_as_far_as_a_jacobian_tells_them(
    stretch: float, share: float, generator: torch.Generator
) -> None:
    stretches = torch.tensor([1.0, 0.7, 0.5, 0.3, 0.1, stretch], dtype=torch.float64)
    turn = isometry(6, 6, 1.0, generator, torch.float64)
    out = isometry(6, 40, 1.0, generator, torch.float64)
    (found,) = eigenvalues((turn * stretches @ out).float().unsqueeze(0))
    assert float(found[0] / found[-1]) == pytest.approx(share, rel=0.02)
    assert float(found[1] / found[-1]) == pytest.approx(0.01, rel=1e-3)


def test_scale_free_flatness_cannot_be_lowered_by_shrinking(generator: torch.Generator) -> None:
    weights = torch.randn(6, 40, generator=generator, requires_grad=True)
    z = torch.randn(8, 6, generator=generator)
    directions = all_directions(8, 6, z)

    def value(scale: float, form: str) -> Tensor:
        columns = taylor_jacobian(lambda at: scale * (at @ weights), z, directions, 1)
        return flatness_loss(metric_tensor(columns), form)

    assert value(0.1, "scale-free").item() == pytest.approx(
        value(1.0, "scale-free").item(), rel=1e-3
    )
    assert value(0.1, "paper").item() < 1e-3 * value(1.0, "paper").item()
    # Euler: a function homogeneous of degree 0 has no gradient along its argument.
    (gradient,) = torch.autograd.grad(value(1.0, "scale-free"), weights)
    along = ((gradient * weights).sum() / (gradient.norm() * weights.norm())).item()
    assert abs(along) < 1e-3


def test_mixup_reaches_beyond_its_points_and_carries_no_gradient(
    generator: torch.Generator,
) -> None:
    z = torch.randn(500, 3, generator=generator, requires_grad=True)
    mixed = mixup(z, 400, 0.3, generator)
    assert mixed.shape == (400, 3)
    assert not mixed.requires_grad

    line = torch.tensor([[0.0], [1.0]]).repeat(5000, 1)
    reached = mixup(line, 10_000, 0.3, generator)
    assert -0.3 <= float(reached.min()) < -0.29
    assert 1.29 < float(reached.max()) <= 1.3
