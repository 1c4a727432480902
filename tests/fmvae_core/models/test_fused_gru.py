"""The GRU of training on a CPU against torch's own."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from fmvae_core.models import fused_gru
from fmvae_core.models.config import ModelConfig
from fmvae_core.models.recurrent_vae import RecurrentVAE

pytest.importorskip("numba", reason="without numba torch's own GRU is used")


def gradients(outputs: Tensor, *of: Tensor) -> list[Tensor]:
    weights = torch.randn(outputs.shape, generator=torch.Generator().manual_seed(1))
    return list(torch.autograd.grad((outputs * weights).sum(), of))


def assert_close(ours: Tensor, theirs: Tensor) -> None:
    scale = float(theirs.detach().abs().max()) or 1.0
    assert float((ours.detach().double() - theirs.detach()).abs().max()) < 3e-6 * scale


@pytest.mark.parametrize("is_bidirectional", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
def test_states_and_gradients_are_those_of_torch_in_double_precision(
    is_bidirectional: bool, layers: int
) -> None:
    torch.manual_seed(0)
    gru = nn.GRU(5, 19, num_layers=layers, bidirectional=is_bidirectional)
    inputs = torch.randn(11, 7, 5, requires_grad=True)
    start = torch.randn(layers * (1 + is_bidirectional), 7, 19, requires_grad=True)
    ours = fused_gru.run(gru, inputs, start)
    our_gradients = gradients(ours, inputs, start, *gru.parameters())

    gru = gru.double()
    exact, at = inputs.detach().double().requires_grad_(), start.detach().double().requires_grad_()
    theirs, _ = gru(exact, at)
    assert_close(ours, theirs)
    for one, other in zip(
        our_gradients, gradients(theirs, exact, at, *gru.parameters()), strict=True
    ):
        assert_close(one, other)


def test_gates_hold_where_they_are_saturated() -> None:
    gru = nn.GRU(1, 1)
    with torch.no_grad():
        for weights in gru.parameters():
            weights.fill_(1.0)
    inputs = torch.linspace(-60, 60, 241).view(1, -1, 1)
    start = torch.linspace(-1, 1, 241).view(1, -1, 1)
    ours = fused_gru.run(gru, inputs, start)
    assert_close(ours, gru.double()(inputs.double(), start.double())[0])


def test_what_is_not_a_number_stays_so() -> None:
    gru = nn.GRU(3, 8)
    inputs = torch.zeros(2, 2, 3)
    inputs[0, 1] = torch.nan
    outputs = fused_gru.run(gru, inputs)
    assert not outputs[:, 0].isnan().any()
    assert outputs[:, 1].isnan().all()


@pytest.mark.parametrize("place_in_bar", [False, True])
def test_a_model_in_training_is_the_one_that_plays(place_in_bar: bool) -> None:
    torch.manual_seed(0)
    model = RecurrentVAE(
        ModelConfig(
            representation="drums",
            bars=2,
            features=27,
            latent_dim=6,
            encoder_hidden=(12, 12),
            conductor_hidden=10,
            decoder_hidden=(14, 14),
            prior_hidden=(8, 8),
            prior_latent_dim=6,
            place_in_bar=place_in_bar,
        )
    )
    frames = torch.rand(4, 32, 27)

    def there_and_back() -> tuple[Tensor, list[Tensor]]:
        outputs = model.decode(model.encode(frames)[0])
        parts = [*model.encoder.parameters(), *model.decoder.parameters()]
        return outputs, gradients(outputs, *parts)

    assert fused_gru.is_fit_for(model.train(), frames)
    ours, our_gradients = there_and_back()
    assert not fused_gru.is_fit_for(model.eval(), frames)
    theirs, their_gradients = there_and_back()
    assert_close(ours, theirs)
    for one, other in zip(our_gradients, their_gradients, strict=True):
        assert_close(one, other)
