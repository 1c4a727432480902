"""Calibrated coordinates: the same model, and a mean metric that is the identity."""

from __future__ import annotations

import pytest
import torch

from fmvae_core.geometry.calibration import calibrate, mean_metric
from fmvae_core.models.recurrent_vae import RecurrentVAE
from fmvae_core.training.flatness_config import FlatnessConfig
from fmvae_core.training.objective import observe
from tests.corpora import tiny_corpus
from tests.corpora_config import tiny_config


@pytest.fixture
def model() -> RecurrentVAE:
    torch.manual_seed(0)
    model = RecurrentVAE(tiny_config().model).eval()
    with torch.no_grad():
        for weights in model.decoder.parameters():
            weights.mul_(3)
    return model


def test_changes_nothing_that_is_heard_and_makes_the_mean_metric_round(model: RecurrentVAE) -> None:
    corpus = tiny_corpus()
    frames = torch.from_numpy(corpus.cut(corpus.windows(2)))
    config = FlatnessConfig()
    with torch.no_grad():
        z, log_std = model.encode(frames)
        heard = model.decode_frames(z)
        middle = model.decode_frames((z[:1] + z[1:2]) / 2)
    metric = mean_metric(lambda at: observe(model, at, config), z)
    calibrate(model, metric, frames)
    with torch.no_grad():
        moved, moved_log_std = model.encode(frames)
        torch.testing.assert_close(model.decode_frames(moved), heard, atol=1e-4, rtol=1e-4)
        # Straight lines stay straight: the middle of two points decodes to the same as before.
        torch.testing.assert_close(
            model.decode_frames((moved[:1] + moved[1:2]) / 2), middle, atol=1e-4, rtol=1e-4
        )
    torch.testing.assert_close(
        mean_metric(lambda at: observe(model, at, config), moved),
        torch.eye(6),
        atol=2e-3,
        rtol=0,
    )
    spectrum = torch.linalg.eigvalsh(metric)
    assert float(spectrum[-1] / spectrum[0]) > 2  # it was not round before

    # Latents of the same phrases are related by the square root of the metric.
    values, vectors = torch.linalg.eigh(metric)
    into = (vectors * values.sqrt()) @ vectors.T
    torch.testing.assert_close(moved, z @ into, atol=1e-4, rtol=1e-3)
    expected = into.square() @ torch.exp(2 * log_std).mean(dim=0)
    torch.testing.assert_close(
        torch.exp(2 * moved_log_std).mean(dim=0), expected, rtol=1e-2, atol=0
    )


def test_a_direction_without_effect_is_refused(model: RecurrentVAE) -> None:
    metric = torch.diag(torch.tensor([1.0, 1.0, 1.0, 1.0, 1.0, 0.0]))
    with pytest.raises(ValueError, match="no effect"):
        calibrate(model, metric, torch.zeros(2, 32, 27))
