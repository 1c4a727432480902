"""The decoder without frame feedback."""

from __future__ import annotations

import pytest
import torch

from fmvae_core.models.config import ModelConfig
from fmvae_core.models.decoder import ParallelDecoder
from fmvae_core.music.phrase import STEPS_PER_BAR


@pytest.mark.parametrize("place_in_bar", [True, False])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_bars_are_those_of_the_gru_whose_weights_it_has(layers: int, place_in_bar: bool) -> None:
    torch.manual_seed(0)
    config = ModelConfig(
        conductor_hidden=7, decoder_hidden=(5,) * layers, place_in_bar=place_in_bar
    )
    decoder = ParallelDecoder(config).double()
    plan = torch.randn(6, 7, dtype=torch.double, requires_grad=True)
    start = torch.randn(layers, 6, 5, dtype=torch.double, requires_grad=True)
    steps = plan.unsqueeze(1).expand(-1, STEPS_PER_BAR, -1)
    expected, _ = decoder.bar(steps + decoder.place if place_in_bar else steps, start)
    outputs = decoder._bars(plan, start)
    torch.testing.assert_close(outputs, expected)

    weights = [plan, start, *decoder.bar.parameters()]
    if place_in_bar:
        weights.append(decoder.place)
    cotangent = torch.randn_like(expected)
    torch.testing.assert_close(
        torch.autograd.grad(outputs, weights, cotangent),
        torch.autograd.grad(expected, weights, cotangent),
    )
