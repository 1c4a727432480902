"""From a real short run to a bundle that plays."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import Tensor

from fmvae_core.cli.tables import card_tables
from fmvae_core.data.corpus import save_corpus
from fmvae_core.data.sources import open_corpus
from fmvae_core.geometry.calibration import mean_metric
from fmvae_core.geometry.jacobian import Decoder
from fmvae_core.inference.networks import Networks
from fmvae_core.models.bundle import Bundle
from fmvae_core.training.hardware import Hardware
from fmvae_core.training.publish import publish
from fmvae_core.training.trainer import Trainer
from tests.corpora import tiny_corpus, tiny_melodies
from tests.corpora_config import tiny_config


def test_a_run_becomes_a_bundle_with_its_card(tmp_path: Path) -> None:
    corpus = tiny_corpus(performances=16, bars=8)
    Trainer(tiny_config(steps=80), corpus, tmp_path / "run", Hardware.choose("cpu")).train()
    save_corpus(corpus, tmp_path / "frames.safetensors")
    publish(
        tmp_path / "run", tmp_path / "bundle", data=tmp_path / "frames.safetensors", name="tiny"
    )

    bundle = Bundle.open(tmp_path / "bundle")
    assert len(bundle.landmarks) == len(corpus.windows(2, "training"))
    card = json.loads((tmp_path / "bundle" / "card.json").read_text())
    assert card["steps"] == 80
    for split in ("validation", "test"):
        for figure in ("f1", "precision", "recall", "error"):
            assert 0 <= card[split][f"hit_{figure}"] <= 1
        assert card[split]["velocity_mse"] > 0
        assert card[split]["offset_mse"] > 0
    assert set(card["smoothness"]) >= {"max_step_mean", "max_step_median", "ideal", "end_distance"}
    assert card["geometry"]["condition_number_median"] >= 1
    assert card["equal_in_float16"] >= 0.999
    for name in ("density", "velocity", "offset"):
        assert set(card["attributes"][name]) >= {
            "corr_a",
            "corr_b",
            "corr_c",
            "slope",
            "r2",
            "kept",
        }

    # The landmarks are what the shipped networks say of the training phrases.
    networks = Networks(bundle)
    windows = corpus.windows(2, "training")
    np.testing.assert_allclose(
        networks.encode(corpus.cut(windows)), bundle.landmarks.z, atol=2e-3, rtol=2e-3
    )
    source = corpus.performances[windows.performance[5]]
    landmarks = bundle.landmarks
    assert landmarks.performances[landmarks.performance[5]] == source.source
    assert landmarks.bar[5] == windows.bar[5]

    save_corpus(tiny_corpus(seed=3), tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="another version"):
        publish(tmp_path / "run", tmp_path / "other", data=tmp_path / "other.safetensors")


@pytest.mark.parametrize(("empty", "instead"), [("validation", "test"), ("test", "validation")])
def test_a_split_without_phrases_is_stood_in_for_and_the_card_says_so(
    empty: str, instead: str, tmp_path: Path
) -> None:
    whole = tiny_corpus(performances=16, bars=8)
    kept = tuple(source for source in whole.performances if source.split != empty)
    corpus = dataclasses.replace(whole, performances=kept)
    Trainer(tiny_config(steps=20), corpus, tmp_path / "run", Hardware.choose("cpu")).train()
    save_corpus(corpus, tmp_path / "frames.safetensors")
    made = publish(tmp_path / "run", tmp_path / "bundle", data=tmp_path / "frames.safetensors")
    assert made.card[empty]["split"] == instead
    assert "split" not in made.card[instead]
    assert made.card["data"]["phrases"][empty] == 0
    assert card_tables(made)


def test_a_melody_bundle_has_a_card_that_can_be_printed(tmp_path: Path) -> None:
    corpus = tiny_melodies(pieces=16, bars=8)
    config = dataclasses.replace(
        tiny_config(steps=20, model={"representation": "melody", "features": 90}),
        corpus=corpus.name,
    )
    Trainer(config, corpus, tmp_path / "run", Hardware.choose("cpu")).train()
    save_corpus(corpus, tmp_path / "frames.safetensors")
    publish(tmp_path / "run", tmp_path / "bundle", data=tmp_path / "frames.safetensors")

    console = Console(width=200, file=io.StringIO())
    for table in card_tables(Bundle.open(tmp_path / "bundle")):
        console.print(table)
    printed = console.file.getvalue()
    for words in ("2 bars of melody", "wrong_frames", "equal_in_float16", "pitch"):
        assert words in printed
    assert "threshold" not in printed


@pytest.mark.parametrize("stretch", [1.0, 1e4])
def test_coordinates_that_tell_less_of_what_is_heard_are_not_taken(
    stretch: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = tiny_corpus(performances=16, bars=8)
    Trainer(tiny_config(steps=80), corpus, tmp_path / "run", Hardware.choose("cpu")).train()
    save_corpus(corpus, tmp_path / "frames.safetensors")

    def metric(f: Decoder, z: Tensor) -> Tensor:
        one_axis = torch.ones(z.shape[1])
        one_axis[0] = stretch
        return mean_metric(f, z) if stretch == 1.0 else one_axis.diag()

    monkeypatch.setattr("fmvae_core.training.publish.mean_metric", metric)
    made = publish(tmp_path / "run", tmp_path / "bundle", data=tmp_path / "frames.safetensors")
    spreads = made.landmarks.z.std(axis=0)
    assert ("before_calibration" in made.card["geometry"]) == (stretch == 1.0)
    assert spreads[0] < 10 * np.median(spreads)


def test_movements_become_no_bundle(tmp_path: Path) -> None:
    moves = np.random.default_rng(0).normal(size=(12, 32, 50))
    np.save(tmp_path / "moves.npy", moves)
    config = dataclasses.replace(
        tiny_config(steps=2, model={"representation": "motion", "features": 50}), corpus="sequences"
    )
    corpus = open_corpus("sequences", tmp_path / "moves.npy")
    Trainer(config, corpus, tmp_path / "run", Hardware.choose("cpu")).train()
    with pytest.raises(ValueError, match=r"is of motion, and bundles are to be played"):
        publish(tmp_path / "run", tmp_path / "bundle", data=tmp_path / "moves.npy")
