"""Estimators of the metric tensor against exact Jacobians: bias and variance of each.

``pytest -s`` prints the tables.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
import torch
from torch import Tensor

from fmvae_core.geometry.jacobian import (
    Decoder,
    exact_jacobian,
    gaussian_directions,
    taylor_jacobian,
)
from fmvae_core.geometry.metric import (
    estimate_metric,
    flatness_loss,
    mean_square_scale,
    metric_tensor,
    sampled_metric,
)

DIM, OUTPUTS = 32, 864  # two bars of drums

ESTIMATORS: dict[str, dict[str, Any]] = {
    "taylor, all": {"estimator": "taylor", "directions": 0},
    "taylor, k = 8": {"estimator": "taylor", "directions": 8},
    "equation 8, S = 32": {"estimator": "nesterov-spokoiny", "samples": 32},
    "equation 8, S = 128": {"estimator": "nesterov-spokoiny", "samples": 128},
    "equation 8, S = 2048": {"estimator": "nesterov-spokoiny", "samples": 2048},
    "debiased, S = 32": {"estimator": "nesterov-spokoiny-debiased", "samples": 32},
    "debiased, S = 128": {"estimator": "nesterov-spokoiny-debiased", "samples": 128},
}


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(11)


def flat_decoder(generator: torch.Generator) -> Decoder:
    """Return an isometry times 3."""
    rows = torch.linalg.qr(torch.randn(OUTPUTS, DIM, generator=generator, dtype=torch.double)).Q
    return lambda z: 3 * z @ rows.T


def curved_decoder(generator: torch.Generator) -> Decoder:
    """Return a small network that is neither flat nor linear."""
    into = torch.randn(DIM, 64, generator=generator, dtype=torch.double) / DIM**0.5
    out = torch.randn(64, OUTPUTS, generator=generator, dtype=torch.double)
    return lambda z: torch.sigmoid(torch.tanh(z @ into) @ out)


def figures(f: Decoder, z: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
    """Return c² over the exact one and the scale-free loss by each estimator, ``(repeats, 2)``.

    Means and deviations are printed.
    """
    exact = torch.func.vmap(torch.func.jacrev(f))(z).transpose(1, 2)
    torch.testing.assert_close(exact_jacobian(f, z), exact)
    metric = metric_tensor(exact)
    scale, flatness = float(mean_square_scale(metric)), float(flatness_loss(metric))
    print(f"\n{'':22} {'c² / exact':>20} {'scale-free loss':>20}   exact {flatness:.3f}")
    found = {}
    for name, settings in ESTIMATORS.items():
        rows = []
        for _ in range(12 if settings.get("samples", 0) < 2048 else 2):
            first, second = estimate_metric(f, z, generator, step=1e-4, **settings)
            c2 = (mean_square_scale(first) + mean_square_scale(second)) / (2 * scale)
            rows.append(torch.stack([c2, flatness_loss(first, other=second)]))
        found[name] = torch.stack(rows)
        means, deviations = found[name].mean(dim=0), found[name].std(dim=0)
        both = zip(means.tolist(), deviations.tolist(), strict=True)
        print(f"{name:22}" + "".join(f" {mean:9.3f} ± {sd:8.3f}" for mean, sd in both))
    return found


def within(found: Tensor, expected: float, column: int, errors: float = 4.0) -> bool:
    """Return whether the mean is what is expected, by its own standard error."""
    values = found[:, column]
    error = float(values.std()) / len(values) ** 0.5
    return abs(float(values.mean()) - expected) < errors * error + 1e-3


def test_equation_8_makes_an_exactly_flat_decoder_look_curved(generator: torch.Generator) -> None:
    f = flat_decoder(generator)
    z = torch.randn(8, DIM, generator=generator, dtype=torch.double)
    found = figures(f, z, generator)
    for name, (scale, flatness) in {
        "taylor, all": (1.0, 0.0),
        "taylor, k = 8": (1.0, 0.0),
        "equation 8, S = 32": (2.03, 2.50),
        "equation 8, S = 128": (1.26, 0.85),
        "equation 8, S = 2048": (1.02, 0.06),
    }.items():
        means = found[name].mean(dim=0).tolist()
        assert means == pytest.approx([scale, flatness], rel=0.1, abs=1e-3), name
    for name in ("debiased, S = 32", "debiased, S = 128"):
        assert within(found[name], 1.0, 0), name
        # The ratio of two noisy means keeps a small bias.
        assert abs(float(found[name][:, 1].mean())) < 0.15, name


def test_bias_of_each_estimator_on_a_curved_decoder(generator: torch.Generator) -> None:
    f = curved_decoder(generator)
    z = torch.randn(8, DIM, generator=generator, dtype=torch.double)
    exact = float(flatness_loss(metric_tensor(exact_jacobian(f, z))))
    found = figures(f, z, generator)
    assert exact > 0.1
    assert found["taylor, all"].mean(dim=0).tolist() == pytest.approx([1.0, exact], rel=1e-3)
    assert within(found["taylor, k = 8"], 1.0, 0)
    for samples in (32, 128, 2048):
        scale = float(found[f"equation 8, S = {samples}"][:, 0].mean())
        assert scale == pytest.approx(1 + (DIM + 1) / samples, rel=0.05)
        assert float(found[f"equation 8, S = {samples}"][:, 1].mean()) > exact
    for name in ("debiased, S = 32", "debiased, S = 128"):
        assert within(found[name], 1.0, 0), name
    assert float(found["debiased, S = 128"][:, 1].mean()) == pytest.approx(exact, rel=0.3)


def test_the_debiased_metric_is_that_of_two_halves_over_all_ways_to_halve(
    generator: torch.Generator,
) -> None:
    f = curved_decoder(generator)
    z = torch.randn(3, DIM, generator=generator, dtype=torch.double)
    u = gaussian_directions(3, DIM, 4, generator, z.dtype)
    differences = taylor_jacobian(f, z, u, 1e-3)

    def jacobian(chosen: tuple[int, ...]) -> Tensor:
        part = list(chosen)
        return u[:, part].transpose(1, 2) @ differences[:, part] / len(part)

    halves = []
    for chosen in combinations(range(4), 2):
        rest = tuple(sample for sample in range(4) if sample not in chosen)
        halves.append(jacobian(chosen) @ jacobian(rest).transpose(1, 2))
    expected = torch.stack([(half + half.transpose(1, 2)) / 2 for half in halves]).mean(dim=0)
    torch.testing.assert_close(sampled_metric(differences, u, debiased=True), expected)

    whole = jacobian((0, 1, 2, 3))
    torch.testing.assert_close(
        sampled_metric(differences, u, debiased=False), whole @ whole.transpose(1, 2)
    )


def test_debiasing_the_metric_alone_leaves_the_loss_biased(generator: torch.Generator) -> None:
    f = flat_decoder(generator)
    z = torch.randn(64, DIM, generator=generator, dtype=torch.double)
    first, second = estimate_metric(
        f, z, generator, estimator="nesterov-spokoiny-debiased", samples=64, step=1e-4
    )
    assert float(flatness_loss(first)) > 2
    assert abs(float(flatness_loss(first, other=second))) < 0.5


def test_k_directions_weigh_the_spread_of_scales_fully_and_anisotropy_less(
    generator: torch.Generator,
) -> None:
    z = torch.randn(512, DIM, generator=generator, dtype=torch.double)
    stretched = torch.ones(DIM, dtype=torch.double)
    stretched[: DIM // 2] = 2.0

    def loss(f: Decoder, directions: int) -> float:
        metric, _ = estimate_metric(f, z, generator, directions=directions, step=1e-4)
        return float(flatness_loss(metric))

    # Alike everywhere but not round: k of d directions see (k + 1 - 2 / d) / (d + 1 - 2 / d) of it.
    d, k = DIM, 8
    share = (2 / (d * (d + 2)) + (k - 1) / ((d + 2) * (d - 1))) * d
    assert loss(lambda at: at * stretched, k) == pytest.approx(
        share * loss(lambda at: at * stretched, 0), rel=0.1
    )
    # Round everywhere but not alike: all of it.
    factors = 1 + torch.arange(512, dtype=torch.double)[:, None] / 512

    def uneven(at: Tensor) -> Tensor:
        rows = torch.cat([factors, factors.repeat_interleave((len(at) - 512) // 512, dim=0)])
        return at * rows

    assert loss(uneven, k) == pytest.approx(loss(uneven, 0), rel=0.02)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_gradients_reach_the_decoder_through_every_estimator(
    name: str, generator: torch.Generator
) -> None:
    weights = torch.randn(DIM, 48, generator=generator, dtype=torch.double).requires_grad_()
    z = torch.randn(8, DIM, generator=generator, dtype=torch.double)

    def value(scaled: Tensor) -> Tensor:
        draws = torch.Generator().manual_seed(3)
        first, second = estimate_metric(
            lambda at: torch.tanh(at @ scaled), z, draws, step=1e-2, **ESTIMATORS[name]
        )
        return flatness_loss(first, other=second)

    along = torch.randn(DIM, 48, generator=generator, dtype=torch.double)
    (gradient,) = torch.autograd.grad(value(weights), weights)
    with torch.no_grad():
        slope = (value(weights + 1e-5 * along) - value(weights - 1e-5 * along)) / 2e-5
    assert float((gradient * along).sum()) == pytest.approx(float(slope), rel=1e-4)
