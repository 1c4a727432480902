"""A run that begins with a bundle."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from fmvae_core.data.corpus import save_corpus
from fmvae_core.models.bundle import Bundle
from fmvae_core.runs.record import RunRecord
from fmvae_core.runs.store import create_run
from fmvae_core.training.estimate import estimate
from fmvae_core.training.fine_tune import fine_tuning
from fmvae_core.training.hardware import Hardware
from fmvae_core.training.publish import publish
from fmvae_core.training.run import configure
from fmvae_core.training.steering import starting_weights, steer
from fmvae_core.training.trainer import Trainer
from tests.corpora import tiny_corpus
from tests.corpora_config import tiny_config
from tests.factories import tiny_bundle


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle of a short training."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("parent")
    corpus = tiny_corpus()
    Trainer(tiny_config(steps=20), corpus, folder / "run", Hardware.choose("cpu")).train()
    save_corpus(corpus, folder / "frames.safetensors")
    return publish(folder / "run", folder / "bundle", data=folder / "frames.safetensors")


def test_begins_with_the_bundles_weights_and_becomes_a_bundle(
    parent: Bundle, tmp_path: Path
) -> None:
    save_corpus(tiny_corpus(seed=7), tmp_path / "frames.safetensors")
    config = fine_tuning(parent, "groove")
    assert config.fine_tuned_from == parent.sha256
    assert config.model.to_dict() == parent.model_config
    config = configure("", "", tmp_path, bundle=parent.path, overrides={"optimiser": {"steps": 10}})
    assert dataclasses.replace(config.optimiser, steps=1500) == fine_tuning(parent, "").optimiser
    record = RunRecord(
        "tuned",
        config,
        data=str(tmp_path / "frames.safetensors"),
        device="cpu",
        bundle=str(parent.path),
    )
    weights = starting_weights(record)
    assert weights is not None
    name = "decoder.head.bias"
    assert torch.equal(weights[name], torch.from_numpy(parent.weights()[name]).float())
    measured = estimate(record, tmp_path / "runs")
    assert measured.seconds > 0
    assert measured.memory > 10_000_000
    assert measured.disk > 1000
    assert measured.batch_size <= 16  # the corpus is small

    run = create_run(record, tmp_path / "runs")
    trainer = steer(run, record)
    assert trainer.is_finished
    bundle = publish(run, tmp_path / "bundle")  # the run tells where its corpus is
    assert bundle.card["configuration"]["fine_tuned_from"] == parent.sha256


def test_a_bundle_that_has_changed_or_tells_nothing_is_refused(
    parent: Bundle, tmp_path: Path
) -> None:
    other = tiny_bundle(tmp_path / "other")
    record = RunRecord("x", fine_tuning(parent, "groove"), bundle=str(other.path))
    with pytest.raises(ValueError, match="has changed"):
        starting_weights(record)
    with pytest.raises(ValueError, match="does not tell how it was trained"):
        fine_tuning(other, "groove")
