"""The figures of a card, against cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fmvae_core.evaluation.attribute_correlation import attribute_correlation
from fmvae_core.evaluation.coding import decode
from fmvae_core.evaluation.flatness import flatness
from fmvae_core.evaluation.reconstruction import hit_thresholds, reconstruction
from fmvae_core.evaluation.smoothness import smoothness
from fmvae_core.geometry.attribute_vectors import attribute_vectors
from fmvae_core.models.drum_likelihood import expected_frames
from fmvae_core.models.fm_music_vae import FMMusicVAE
from fmvae_core.music.attributes import attributes
from fmvae_core.training.objective import FlatnessConfig
from tests.corpora import tiny_corpus
from tests.corpora_config import tiny_config


@pytest.fixture
def frames() -> np.ndarray:
    corpus = tiny_corpus()
    return corpus.cut(corpus.windows(2))


@pytest.fixture
def model() -> FMMusicVAE:
    """Return an untrained model whose decoder's outputs depend strongly on z."""
    torch.manual_seed(0)
    model = FMMusicVAE(tiny_config().model).eval()
    with torch.no_grad():
        for weights in model.parameters():
            weights.mul_(3)
    return model


@pytest.fixture
def z() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(300, 6)).astype(np.float32)


def test_a_perfect_copy_has_perfect_figures(frames: np.ndarray) -> None:
    figures = reconstruction(frames, frames)
    assert figures["hit_f1"] == figures["hit_precision"] == figures["hit_recall"] == 1.0
    assert figures["hit_error"] == figures["velocity_mse"] == figures["offset_mse"] == 0.0


def test_counts_of_a_known_mistake(frames: np.ndarray) -> None:
    decoded = frames.copy()
    snare = frames[..., 1] > 0
    decoded[..., 1] = 0.0  # every snare is lost
    decoded[..., 0] = 1.0  # and the bass sounds at every step
    figures = reconstruction(frames, decoded)
    cells = frames[..., :9].size
    false_bass = int((frames[..., 0] == 0).sum())
    hits = int(frames[..., :9].sum())
    both = hits - int(snare.sum())
    assert figures["hit_error"] == pytest.approx((snare.sum() + false_bass) / cells)
    assert figures["hit_recall"] == pytest.approx(both / hits)
    assert figures["hit_precision"] == pytest.approx(both / (both + false_bass))
    assert figures["drums"]["snare"]["hit_recall"] == 0.0
    assert figures["drums"]["bass"]["hit_recall"] == 1.0
    assert figures["drums"]["crash"]["hit_f1"] == 0.0  # it never sounds


def test_velocity_errors_over_all_cells_and_over_hits(frames: np.ndarray) -> None:
    decoded = frames.copy()
    decoded[..., 9:18] += 0.1 * (frames[..., :9] > 0)
    figures = reconstruction(frames, decoded)
    share = frames[..., :9].mean()
    assert figures["velocity_mse_hits"] == pytest.approx(0.01, rel=1e-4)
    assert figures["velocity_mse"] == pytest.approx(0.01 * share, rel=1e-4)


def test_thresholds_find_the_level_that_separates(frames: np.ndarray) -> None:
    random = np.random.default_rng(0)
    decoded = frames.copy()
    noise = random.uniform(0.0, 0.1, frames[..., :9].shape)
    decoded[..., :9] = np.where(frames[..., :9] > 0, 0.3 + noise, 0.1 + noise)
    thresholds = hit_thresholds(frames, decoded)
    assert 0.18 <= thresholds[1] <= 0.32
    assert thresholds[7] == 0.5  # no crash in these grooves
    assert reconstruction(frames, decoded, thresholds)["hit_f1"] == 1.0
    assert reconstruction(frames, decoded)["hit_f1"] == 0.0


def test_smoothness_lies_between_its_ideal_and_the_end_distance(
    model: FMMusicVAE, z: np.ndarray
) -> None:
    thresholds = np.quantile(decode(model, z)[..., :9], 0.8)
    figures = smoothness(model, z, thresholds, pairs=40)
    assert figures["end_distance"] > 0
    assert figures["ideal"] == pytest.approx(figures["end_distance"] / 19)
    assert figures["ideal"] <= figures["max_step_mean"] <= 288
    assert figures["path_over_distance"] >= 1.0
    collapsed = smoothness(model, np.repeat(z[:1], 300, axis=0), thresholds, pairs=40)
    assert collapsed["max_step_mean"] == collapsed["end_distance"] == 0.0


def test_condition_number_agrees_with_singular_values(model: FMMusicVAE, z: np.ndarray) -> None:
    config = FlatnessConfig(observation="plain")
    figures = flatness(model, z, config, points=1)
    chosen = np.random.default_rng(0).choice(len(z), 1, replace=False)
    expected = []
    for point in torch.from_numpy(z[chosen]):
        jacobian = torch.autograd.functional.jacobian(
            lambda at: expected_frames(model.decoder(at.unsqueeze(0))).flatten(), point
        )
        singular = torch.linalg.svdvals(jacobian.double())
        expected.append(float((singular[0] / singular[-1]) ** 2))
    assert figures["condition_number_median"] == pytest.approx(np.median(expected), rel=1e-2)


def test_attribute_correlation_reads_a_vector_that_works(model: FMMusicVAE, z: np.ndarray) -> None:
    thresholds = np.quantile(decode(model, z)[..., :9], 0.8)
    values = attributes(decode(model, z), thresholds).astype(np.float32)
    vectors = attribute_vectors(z, values)
    figures = attribute_correlation(model, z[:100], z, values, vectors, thresholds, samples=400)
    density = figures["density"]
    assert density["corr_b"] > 0.3
    assert density["slope"] > 0
    assert 0 < density["kept"] <= 1
    reverse = {name: -vector for name, vector in vectors.items()}
    turned = attribute_correlation(model, z[:100], z, values, reverse, thresholds, samples=400)
    assert turned["density"]["corr_b"] < -0.3
    assert turned["density"]["slope"] < 0
