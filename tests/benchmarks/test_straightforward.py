"""The plainly written training step is the same step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from benchmarks import straightforward
from fmvae_core.models.recurrent_vae import RecurrentVAE
from fmvae_core.training.flatness_config import FlatnessConfig
from fmvae_core.training.hardware import Hardware
from fmvae_core.training.objective import Weights, loss
from tests.corpora import tiny_corpus
from tests.corpora_config import tiny_config


@pytest.mark.filterwarnings("ignore:.*torch.jit.script")  # by torch.func itself
@pytest.mark.parametrize("form", ["scale-free", "paper"])
def test_gradients_equal_ours(form: Any) -> None:
    torch.manual_seed(0)
    model = RecurrentVAE(tiny_config().model).double()
    with torch.no_grad():
        for parameter in model.decoder.parameters():
            parameter.mul_(3)  # a decoder that curves
    corpus = tiny_corpus()
    frames = torch.from_numpy(corpus.cut(corpus.windows(2))[:8]).double()
    weights = Weights(beta=0.5, eta=20.0)
    parameters = dict(model.named_parameters())

    def gradients(total: torch.Tensor) -> torch.Tensor:
        parts = torch.autograd.grad(total, list(parameters.values()))
        return torch.cat([part.flatten() for part in parts])

    def generator() -> torch.Generator:
        return torch.Generator().manual_seed(4)

    config = FlatnessConfig(form=form, points=4, directions=0)
    plain = straightforward.loss(model, frames, weights, config, generator())
    expected = gradients(plain)
    without = straightforward.loss(model, frames, replace(weights, eta=0.0), config, generator())
    flatness = (expected - gradients(without)).norm()
    assert float(flatness) > 1e-3 * float(expected.norm())

    errors = []
    for step in (1e-3, 1e-5):
        taylor = replace(config, step=step)
        ours, _ = loss(model, frames, weights, taylor, generator(), Hardware.choose("cpu"))
        errors.append(float((gradients(ours) - expected).norm() / flatness))
    # The difference is the Taylor expansion's, which is of first order.
    assert errors[1] < 1e-3
    assert errors[1] < errors[0] / 30
    assert ours.item() == pytest.approx(plain.item(), rel=1e-4)
