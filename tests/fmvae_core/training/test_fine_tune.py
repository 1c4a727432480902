"""A run that begins with a bundle."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from fmvae_core.data.corpus import save_corpus
from fmvae_core.models.bundle import Bundle
from fmvae_core.runs.record import RunRecord
from fmvae_core.runs.store import create_run
from fmvae_core.training.estimate import estimate
from fmvae_core.training.fine_tune import STEPS, fine_tuning
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
    assert dataclasses.replace(config.optimiser, steps=STEPS) == fine_tuning(parent, "").optimiser
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
    # The space is the parent's, to the bit; only the way into it is another.
    for name, weights in bundle.weights().items():
        is_same = np.array_equal(weights, parent.weights()[name])
        assert is_same != name.startswith("encoder."), name
    np.testing.assert_array_equal(bundle.thresholds, parent.thresholds)


def test_all_of_a_model_learns_where_that_is_asked_for(parent: Bundle, tmp_path: Path) -> None:
    save_corpus(tiny_corpus(seed=7), tmp_path / "frames.safetensors")
    data = str(tmp_path / "frames.safetensors")
    overrides = {"optimiser": {"steps": 10, "learns": "all"}}
    config = configure("", "", tmp_path, bundle=parent.path, overrides=overrides)
    record = RunRecord("all", config, data=data, device="cpu", bundle=str(parent.path))
    run = create_run(record, tmp_path / "runs")
    assert steer(run, record).is_finished
    bundle = publish(run, tmp_path / "bundle")
    name = "decoder.head.weight"
    assert not np.array_equal(bundle.weights()[name], parent.weights()[name])
    with pytest.raises(ValueError, match="begin with one"):
        dataclasses.replace(
            config, fine_tuned_from="", optimiser=fine_tuning(parent, "groove").optimiser
        )


def test_a_fine_tuning_that_was_stopped_goes_on_exactly(parent: Bundle, tmp_path: Path) -> None:
    corpus = tiny_corpus(seed=7)
    overrides = {"optimiser": {"steps": 12, "batch_size": 8}}
    config = configure("", "", tmp_path, bundle=parent.path, overrides=overrides)
    record = RunRecord("x", config, bundle=str(parent.path))
    cpu = Hardware.choose("cpu")
    whole = Trainer(config, corpus, tmp_path / "whole", cpu, weights=starting_weights(record))
    whole.train()
    first = Trainer(config, corpus, tmp_path / "halves", cpu, weights=starting_weights(record))
    first.train(should_stop=lambda: first.step == 5)
    second = Trainer(config, corpus, tmp_path / "halves", cpu, resume=True)
    assert second.step == 5
    second.train()
    for name, tensor in whole.model.state_dict().items():
        assert torch.equal(second.model.state_dict()[name], tensor), name


def test_a_bundle_that_has_changed_or_tells_nothing_is_refused(
    parent: Bundle, tmp_path: Path
) -> None:
    other = tiny_bundle(tmp_path / "other")
    record = RunRecord("x", fine_tuning(parent, "groove"), bundle=str(other.path))
    with pytest.raises(ValueError, match="has changed"):
        starting_weights(record)
    with pytest.raises(ValueError, match="does not tell how it was trained"):
        fine_tuning(other, "groove")
