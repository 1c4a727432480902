"""The models that are compared: what sets them apart, and what they share."""

from __future__ import annotations

import pytest
import torch

from fmvae_core.models.autoregressive_decoder import AutoregressiveDecoder
from fmvae_core.models.config import ModelConfig
from fmvae_core.models.likelihood import likelihood
from fmvae_core.models.recurrent_vae import RecurrentVAE

FEATURES = {"drums": 27, "melody": 90, "motion": 50}


def config(representation: str = "drums", **changes: object) -> ModelConfig:
    return ModelConfig.from_dict(
        {
            "representation": representation,
            "features": FEATURES[representation],
            "latent_dim": 5,
            "encoder_hidden": [8, 8],
            "conductor_hidden": 8,
            "decoder_hidden": [8, 8],
            "prior_hidden": [8],
            "prior_latent_dim": 4,
            **changes,
        }
    )


def music_vae(representation: str = "drums") -> RecurrentVAE:
    torch.manual_seed(0)
    model = RecurrentVAE(
        config(representation, encoder_cell="lstm", decoder="autoregressive", prior="standard")
    )
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(3.0)  # so that what is fed back makes a difference
    return model


@pytest.mark.parametrize("representation", FEATURES)
def test_teaching_with_what_it_would_hear_is_running_free(representation: str) -> None:
    model = music_vae(representation)
    z = torch.randn(3, 5)
    free = model.decode(z)
    decoder = model.decoder
    assert isinstance(decoder, AutoregressiveDecoder)
    heard = model.likelihood.expected_frames(free)
    torch.testing.assert_close(decoder.teach(z, heard), free)
    other = torch.zeros_like(heard)
    other[..., 0] = 1.0
    assert not torch.allclose(decoder.teach(z, other), free)


def test_scheduled_sampling_lies_between_teacher_and_own_frames() -> None:
    model = music_vae()
    z, frames = torch.randn(3, 5), (torch.rand(3, 32, 27) < 0.3).float()

    def raw(share: float) -> torch.Tensor:
        chance = torch.rand((3, 32), generator=torch.Generator().manual_seed(0))
        return model.reconstruct(z, frames, chance < share)

    decoder = model.decoder
    assert isinstance(decoder, AutoregressiveDecoder)
    torch.testing.assert_close(raw(1.0), decoder.teach(z, frames))
    torch.testing.assert_close(model.reconstruct(z, frames), decoder.teach(z, frames))
    own = raw(0.0)
    torch.testing.assert_close(decoder.teach(z, model.likelihood.decided(own)), own)
    assert not torch.allclose(raw(0.5), raw(1.0))
    assert not torch.allclose(raw(0.5), own)


@pytest.mark.parametrize("representation", FEATURES)
def test_scheduled_sampling_learns_as_if_step_by_step(representation: str) -> None:
    """No gradient goes through what is heard, which is why it can be found out beforehand."""
    model = music_vae(representation).double()
    decoder, features = model.decoder, FEATURES[representation]
    assert isinstance(decoder, AutoregressiveDecoder)
    frames = (torch.rand(3, 32, features) < 0.3).double()
    truth = torch.rand(3, 32) < 0.5

    def hear(raw: torch.Tensor, step: int) -> torch.Tensor:
        own = model.likelihood.decided(raw.detach())
        return torch.where(truth[:, step, None], frames[:, step], own)

    z = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
    learnt = [z, *decoder.parameters()]
    steps, at_once = (
        torch.autograd.grad(model.likelihood.negative_log_likelihood(raw, frames).sum(), learnt)
        for raw in (decoder.run(z, hear), model.reconstruct(z, frames, truth))
    )
    torch.testing.assert_close(at_once, steps)


def test_what_an_autoregressive_decoder_plays_has_a_derivative() -> None:
    model = music_vae()
    z = torch.randn(2, 5, requires_grad=True)
    (gradient,) = torch.autograd.grad(model.decode(z)[:, -1].sum(), z)
    assert gradient.abs().min() > 0


def test_our_decoder_hears_no_frame() -> None:
    model = RecurrentVAE(config())
    z = torch.randn(3, 5)
    frames = torch.rand(3, 32, 27)
    never = torch.zeros(3, 32, dtype=torch.bool)
    torch.testing.assert_close(model.reconstruct(z, frames, never), model.decode(z))


def test_kl_to_the_standard_normal_is_exact() -> None:
    model = RecurrentVAE(config(prior="standard"))
    mean, log_std = torch.randn(4, 5), 0.3 * torch.randn(4, 5)
    z = noise = torch.zeros(4, 5)
    expected = torch.distributions.kl_divergence(
        torch.distributions.Normal(mean, log_std.exp()),
        torch.distributions.Normal(torch.zeros(5), torch.ones(5)),
    ).sum(dim=-1)
    torch.testing.assert_close(model.kl_bound(z, mean, log_std, noise), expected)


@pytest.mark.parametrize("representation", FEATURES)
def test_likelihood_is_best_at_the_truth(representation: str) -> None:
    torch.manual_seed(0)
    its = likelihood(config(representation).representation)
    if representation == "melody":
        frames = torch.eye(90)[torch.randint(90, (2, 32))]
        best = 30.0 * frames
    elif representation == "motion":
        frames = best = torch.randn(2, 32, 50)
    else:
        frames = torch.zeros(2, 32, 27)
        best = torch.full((2, 32, 27), -30.0)
        best[..., 18:] = 0.0
    worse = best + 30 * torch.randn(best.shape)
    assert (its.negative_log_likelihood(best, frames) < 1e-3).all()
    assert (its.negative_log_likelihood(worse, frames) > 1.0).all()
    assert its.mean_squared_error(best, frames) < 1e-6 < its.mean_squared_error(worse, frames)


def test_an_unknown_part_is_refused() -> None:
    with pytest.raises(ValueError, match="no decoder 'parralel'; choose parallel, autoregressive"):
        config(decoder="parralel")
