"""The loss of one step."""

from __future__ import annotations

import pytest
import torch

from fmvae_core.models.drum_likelihood import (
    audible,
    expected_frames,
    negative_log_likelihood,
    sounding_frames,
)
from fmvae_core.models.recurrent_vae import RecurrentVAE
from fmvae_core.training.flatness_config import FlatnessConfig
from fmvae_core.training.hardware import Hardware
from fmvae_core.training.objective import Weights, flatness_term, loss
from tests.corpora import tiny_corpus
from tests.corpora_config import tiny_config

CPU = Hardware.choose("cpu")


@pytest.fixture
def model() -> RecurrentVAE:
    torch.manual_seed(0)
    return RecurrentVAE(tiny_config().model)


@pytest.fixture
def batch() -> torch.Tensor:
    corpus = tiny_corpus()
    return torch.from_numpy(corpus.cut(corpus.windows(2))[:8])


def step(model: RecurrentVAE, batch: torch.Tensor, eta: float, seed: int = 3, **changes: object):
    config = FlatnessConfig(points=4, directions=3, **changes)
    return loss(model, batch, Weights(0.1, eta), config, torch.Generator().manual_seed(seed), CPU)


def test_is_a_pure_function_of_model_batch_and_generator(
    model: RecurrentVAE, batch: torch.Tensor
) -> None:
    torch.manual_seed(1)
    first, _ = step(model, batch, 10.0)
    torch.manual_seed(2)  # the global generator plays no part
    second, _ = step(model, batch, 10.0)
    other, _ = step(model, batch, 10.0, seed=4)
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_adds_up(model: RecurrentVAE, batch: torch.Tensor) -> None:
    total, metrics = step(model, batch, 10.0)
    expected = metrics.nll + 0.1 * metrics.kl + 10.0 * metrics.flatness
    torch.testing.assert_close(total, expected)
    without, bare = step(model, batch, 0.0)
    torch.testing.assert_close(without, bare.nll + 0.1 * bare.kl)
    assert float(bare.flatness) == 0.0


def test_the_papers_form_is_equation_5_over_lambda(
    model: RecurrentVAE, batch: torch.Tensor
) -> None:
    total, metrics = step(model, batch, 10.0, form="paper")
    multiplier = 1 / 0.1
    equation_5 = metrics.kl + multiplier * metrics.nll + 10.0 * metrics.flatness
    torch.testing.assert_close(multiplier * total, equation_5)


def test_flatness_moves_the_decoder_and_not_the_encoder(
    model: RecurrentVAE, batch: torch.Tensor
) -> None:
    mean, _ = model.encode(batch)
    flat, _ = flatness_term(
        model, mean, FlatnessConfig(points=4, directions=3), torch.Generator().manual_seed(0), CPU
    )
    flat.backward()
    assert all(parameter.grad is None for parameter in model.encoder.parameters())
    moved = [parameter.grad.abs().sum() for parameter in model.decoder.parameters()]
    assert torch.stack(moved).sum() > 0


def test_all_directions_and_both_forms_are_options(
    model: RecurrentVAE, batch: torch.Tensor
) -> None:
    values = {
        (form, directions): float(
            loss(
                model,
                batch,
                Weights(0.1, 1.0),
                FlatnessConfig(form=form, directions=directions, points=4),
                torch.Generator().manual_seed(0),
                CPU,
            )[1].flatness.detach()
        )
        for form in ("scale-free", "paper")
        for directions in (0, 3)
    }
    assert all(value > 0 for value in values.values())
    assert len(set(values.values())) == 4


def test_likelihood_is_lowest_at_the_truth(batch: torch.Tensor) -> None:
    n = 9
    truth = torch.cat(
        [
            (batch[..., :n] * 2 - 1) * 20,
            torch.logit(batch[..., n : 2 * n], eps=1e-6),
            torch.atanh(batch[..., 2 * n :].clamp(-1 + 1e-6, 1 - 1e-6)),
        ],
        dim=-1,
    )
    best = negative_log_likelihood(truth, batch)
    noise = torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    assert (best < 1e-3).all()
    assert (negative_log_likelihood(truth + noise, batch) > best + 1.0).all()
    torch.testing.assert_close(expected_frames(truth), batch, atol=1e-4, rtol=0)


def test_silence_is_inaudible() -> None:
    raw = torch.zeros(1, 2, 27)
    raw[..., :9] = -30.0
    loud = raw.clone()
    loud[..., 9:] = 3.0
    torch.testing.assert_close(
        audible(expected_frames(raw)), audible(expected_frames(loud)), atol=1e-6, rtol=0
    )
    assert not torch.allclose(expected_frames(raw), expected_frames(loud))


def test_a_hit_that_is_less_than_certain_sounds_as_loud_as_it_would() -> None:
    """A likelihood over all cells teaches p * v; what is heard must be v."""
    played = torch.tensor([[1.0, 0.8, -0.5]] * 7 + [[0.0, 0.0, 0.0]] * 3)
    expected = torch.zeros(27)
    expected[[0, 9, 18]] = played.mean(dim=0)
    sounding = sounding_frames(expected)
    torch.testing.assert_close(sounding[[0, 9, 18]], torch.tensor([0.7, 0.8, -0.5]))
    assert sounding[[1, 10, 19]].tolist() == [0.0, 0.0, 0.0]


def test_a_kl_within_the_free_bits_costs_nothing(model: RecurrentVAE, batch: torch.Tensor) -> None:
    def total(beta: float, free_nats: float) -> float:
        weights = Weights(beta, free_nats=free_nats)
        generator = torch.Generator().manual_seed(0)
        value, _ = loss(model, batch, weights, FlatnessConfig(), generator, CPU)
        return value.item()

    assert total(1.0, 1e6) == pytest.approx(total(0.0, 0.0))
    assert total(1.0, 0.0) > total(1.0, 1.0) > total(1.0, 1e6)
