"""The figures of a card, against cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fmvae_core.evaluation.attribute_correlation import attribute_correlation
from fmvae_core.evaluation.coding import Coding, decode
from fmvae_core.evaluation.flatness import flatness
from fmvae_core.evaluation.geodesics import geodesic_ratio
from fmvae_core.evaluation.interpolation_quality import interpolation_quality
from fmvae_core.evaluation.reconstruction import (
    MIN_PIECES,
    hit_thresholds,
    reconstruction,
    thresholds_for,
)
from fmvae_core.evaluation.smoothness import smoothness
from fmvae_core.geometry.attribute_vectors import attribute_vectors
from fmvae_core.geometry.interpolation import slerp
from fmvae_core.models.drum_likelihood import expected_frames
from fmvae_core.models.recurrent_vae import RecurrentVAE
from fmvae_core.music.drum_representation import DrumRepresentation
from fmvae_core.music.melody_representation import REST, MelodyRepresentation, one_hot
from fmvae_core.training.flatness_config import FlatnessConfig
from tests.corpora import tiny_corpus
from tests.corpora_config import tiny_config

DRUMS = DrumRepresentation(2)


@pytest.fixture
def frames() -> np.ndarray:
    corpus = tiny_corpus()
    return corpus.cut(corpus.windows(2))


@pytest.fixture
def model() -> RecurrentVAE:
    """Return an untrained model whose decoder's outputs depend strongly on z."""
    torch.manual_seed(0)
    model = RecurrentVAE(tiny_config().model).eval()
    with torch.no_grad():
        for weights in model.parameters():
            weights.mul_(3)
    return model


@pytest.fixture
def z() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(300, 6)).astype(np.float32)


def test_a_perfect_copy_has_perfect_figures(frames: np.ndarray) -> None:
    figures = reconstruction(DRUMS, frames, frames)
    assert figures["hit_f1"] == figures["hit_precision"] == figures["hit_recall"] == 1.0
    assert figures["hit_error"] == figures["velocity_mse"] == figures["offset_mse"] == 0.0


def test_counts_of_a_known_mistake(frames: np.ndarray) -> None:
    decoded = frames.copy()
    snare = frames[..., 1] > 0
    decoded[..., 1] = 0.0  # every snare is lost
    decoded[..., 0] = 1.0  # and the bass sounds at every step
    figures = reconstruction(DRUMS, frames, decoded)
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
    figures = reconstruction(DRUMS, frames, decoded)
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
    assert reconstruction(DRUMS, frames, decoded, thresholds)["hit_f1"] == 1.0
    assert reconstruction(DRUMS, frames, decoded)["hit_f1"] == 0.0

    many, few = MIN_PIECES, MIN_PIECES - 1
    np.testing.assert_array_equal(thresholds_for(DRUMS, frames, decoded, many), thresholds)
    assert (thresholds_for(DRUMS, frames, decoded, few) == 0.5).all()
    begun_with = np.linspace(0.2, 0.6, 9, dtype=np.float32)
    kept = thresholds_for(DRUMS, frames, decoded, few, begun_with)
    np.testing.assert_array_equal(kept, begun_with)


def heard(model: RecurrentVAE, z: np.ndarray) -> Coding:
    """Return the model with thresholds at which a fifth of all cells sound."""
    return Coding(model, np.full(9, np.quantile(decode(model, z)[..., :9], 0.8), np.float32))


def test_smoothness_lies_between_its_ideal_and_the_end_distance(
    model: RecurrentVAE, z: np.ndarray
) -> None:
    coding = heard(model, z)
    measured = smoothness(coding, z, pairs=40)
    figures = measured.figures()
    assert figures["end_distance"] == measured.end_distance.mean() > 0
    assert figures["ideal"] == pytest.approx(figures["end_distance"] / 19)
    assert figures["ideal"] <= figures["max_step_mean"] <= 288
    assert figures["path_over_distance"] >= 1.0
    assert (measured.path >= measured.end_distance).all()
    assert (19 * measured.max_step >= measured.path).all()
    around = smoothness(coding, z, pairs=40, way=slerp)
    np.testing.assert_array_equal(around.end_distance, measured.end_distance)
    assert (around.path != measured.path).any()
    collapsed = smoothness(coding, np.repeat(z[:1], 300, axis=0), pairs=40).figures()
    assert collapsed["max_step_mean"] == collapsed["end_distance"] == 0.0


def test_melodies_are_measured_by_their_events() -> None:
    music = MelodyRepresentation(1)
    played = one_hot(np.array([[40, 88, REST, REST] * 4, [50, REST, 51, REST] * 4]))
    decoded = 0.1 + 0.5 * played
    figures = reconstruction(music, played, decoded)
    assert figures == {
        "hit_f1": 1.0, "hit_precision": 1.0, "hit_recall": 1.0, "phrases": 2, "wrong_frames": 0.0
    }  # fmt: skip
    decoded = decoded[:, ::-1]  # note-ons of the first phrase move, those of the second are swapped
    figures = reconstruction(music, played, decoded)
    assert figures["hit_f1"] == 0.0
    assert figures["wrong_frames"] == 1.0
    assert thresholds_for(music, played, decoded, 100).shape == (0,)


def test_interpolation_quality_counts_each_phrase(
    frames: np.ndarray, model: RecurrentVAE, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = frames[:2].copy()
    decoded[0, 3, :3] = 1.0 - decoded[0, 3, :3]  # three wrong cells of the first phrase
    decoded[..., 9:18] += 0.1 * (frames[:2, :, :9] > 0)
    decoded[..., 18:] -= 0.2 * (frames[:2, :, :9] > 0)
    decoded[0, 3, 9:] = frames[0, 3, 9:]
    monkeypatch.setattr(Coding, "decode", lambda self, z: decoded)
    figures = interpolation_quality(Coding(model, np.full(9, 0.5, np.float32)), frames[:2])
    assert figures["hit_error"]["mean"] == pytest.approx(1.5 / 288)
    assert figures["hit_error"]["sd"] == pytest.approx(1.5 / 288)
    hits = frames[:2, :, :9].sum(axis=(1, 2))
    share = (hits - [frames[0, 3, :9].sum(), 0]) / hits
    assert figures["velocity_mse_hits"]["mean"] == pytest.approx(0.01 * share.mean(), rel=1e-4)
    # An offset of 0.2 is a tenth of a step.
    assert figures["offset_mse_hits"]["mean"] == pytest.approx(0.01 * share.mean(), rel=1e-4)
    assert figures["offset_mse"]["mean"] < figures["offset_mse_hits"]["mean"]


def test_a_straight_line_is_no_shorter_than_a_geodesic(model: RecurrentVAE, z: np.ndarray) -> None:
    figures = geodesic_ratio(model, z, FlatnessConfig(), pairs=4, segments=6, iterations=15)
    assert 1.0 < figures["geodesic_ratio_mean"] <= figures["geodesic_ratio_max"] < 3.0
    assert figures["geodesic_pairs"] == 4
    assert all(weight.requires_grad for weight in model.parameters())
    untouched = geodesic_ratio(model, z, FlatnessConfig(), pairs=4, segments=6, iterations=0)
    assert untouched["geodesic_ratio_max"] == 1.0


def test_condition_number_agrees_with_singular_values(model: RecurrentVAE, z: np.ndarray) -> None:
    config = FlatnessConfig(observation="plain")
    figures = flatness(model, z, config, points=1)
    chosen = np.random.default_rng(0).choice(len(z), 1, replace=False)
    expected = []
    for point in torch.from_numpy(z[chosen]):
        jacobian = torch.autograd.functional.jacobian(
            lambda at: expected_frames(model.decode(at.unsqueeze(0))).flatten(), point
        )
        singular = torch.linalg.svdvals(jacobian.double())
        expected.append(float((singular[0] / singular[-1]) ** 2))
    assert figures["condition_number_median"] == pytest.approx(np.median(expected), rel=1e-2)
    spread = np.log(singular.numpy() ** 2).std()
    assert figures["log_eigenvalue_spread"] == pytest.approx(spread, rel=1e-2)


def test_attribute_correlation_reads_a_vector_that_works(
    model: RecurrentVAE, z: np.ndarray
) -> None:
    coding = heard(model, z)
    values = coding.attributes(z).astype(np.float32)
    vectors = attribute_vectors(z, values, DRUMS.attribute_names)
    figures = attribute_correlation(coding, z[:100], values[:100], z, values, vectors, samples=400)
    density = figures["density"]
    assert density["corr_b"] > 0.3
    assert density["slope"] > 0
    assert 0 < density["kept"] <= 1
    assert density["samples"] == 400
    reverse = {name: -vector for name, vector in vectors.items()}
    turned = attribute_correlation(coding, z[:100], values[:100], z, values, reverse, samples=400)
    assert turned["density"]["corr_b"] < -0.3
    assert turned["density"]["slope"] < 0


def test_attribute_correlation_says_that_nothing_was_kept(
    model: RecurrentVAE, z: np.ndarray
) -> None:
    coding = heard(model, z)
    values = coding.attributes(z).astype(np.float32)
    vectors = attribute_vectors(z, values, DRUMS.attribute_names)
    figures = attribute_correlation(coding, z + 100, values, z, values, vectors, samples=400)
    assert figures["density"]["kept"] == figures["density"]["samples"] == 0.0
    assert figures["density"]["corr_a"] == figures["density"]["slope"] == 0.0
