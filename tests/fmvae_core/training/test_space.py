"""The space of a run as it forms: figures and snapshots."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from fmvae_core.evaluation.coding import encode
from fmvae_core.evaluation.flatness import flatness
from fmvae_core.runs.files import CHECKPOINT_FILE
from fmvae_core.runs.snapshots import read_marks, read_snapshot, snapshot_steps
from fmvae_core.training.checkpoint import load_checkpoint
from fmvae_core.training.events import read_events
from fmvae_core.training.hardware import Hardware
from fmvae_core.training.phrases import phrases
from fmvae_core.training.space import MOST_SNAPSHOTS, Space
from fmvae_core.training.trainer import Trainer
from tests.corpora import tiny_corpus, tiny_melodies
from tests.corpora_config import tiny_config

CPU = Hardware.choose("cpu")
MELODY = {"model": {"representation": "melody", "features": 90}}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def of_space(run: Path) -> list[dict[str, float]]:
    return [event for event in read_events(run) if event["kind"] == "space"]


def test_figures_and_snapshots_are_of_the_averaged_weights(tmp_path: Path) -> None:
    corpus, config = tiny_corpus(), tiny_config(steps=120)
    trainer = Trainer(config, corpus, tmp_path, CPU)
    trainer.train()
    (figures,) = of_space(tmp_path)
    assert figures["step"] == 120
    assert {name for name in figures if name.startswith("slope_")} == {
        "slope_density",
        "slope_velocity",
        "slope_offset",
    }
    assert figures["r2_density"] <= 1.0
    assert -1.0 <= figures["corr_velocity"] <= 1.0

    average = load_checkpoint(tmp_path / CHECKPOINT_FILE).group("average")
    trainer.model.load_state_dict(average)
    trainer.model.eval()
    unseen = phrases(corpus, config)["validation"].frames(corpus)
    exact = flatness(trainer.model, encode(trainer.model, unseen), config.flatness)
    assert figures["condition"] == pytest.approx(exact["condition_number_median"], rel=1e-4)
    assert figures["trace"] == pytest.approx(exact["trace_mean"], rel=1e-4)

    assert snapshot_steps(tmp_path) == [0, 50, 100, 120]
    marks, last = read_marks(tmp_path), read_snapshot(tmp_path, 120)
    assert marks is not None
    assert last is not None
    training = phrases(corpus, config)["training"].frames(corpus)
    assert marks.attributes.shape == (len(training), 3)
    np.testing.assert_allclose(last, encode(trainer.model, training), atol=5e-3)


def test_a_lost_leg_s_snapshots_go_and_come_again(tmp_path: Path) -> None:
    config = tiny_config(steps=120)
    run = Trainer(config, tiny_corpus(), tmp_path, CPU)
    run.train(should_stop=lambda: run.step >= 60)
    before = read_snapshot(tmp_path, 50)
    (tmp_path / "space" / "step-00000100.safetensors").write_bytes(b"of a leg that was lost")
    again = Trainer(config, tiny_corpus(), tmp_path, CPU, resume=True)
    again.train(should_stop=lambda: again.step >= 65)
    assert snapshot_steps(tmp_path) == [0, 50]
    again.train()
    assert snapshot_steps(tmp_path) == [0, 50, 100, 120]
    np.testing.assert_array_equal(read_snapshot(tmp_path, 50), before)


def test_melodies_have_their_own_attributes(tmp_path: Path) -> None:
    trainer = Trainer(tiny_config(steps=10, **MELODY), tiny_melodies(), tmp_path, CPU)
    trainer.train()
    (figures,) = of_space(tmp_path)
    assert {name for name in figures if name.startswith("r2_")} == {"r2_density", "r2_pitch"}
    marks = read_marks(tmp_path)
    assert marks is not None
    assert marks.representation == "melody"


@pytest.mark.parametrize(("steps", "every"), [(20_000, 500), (30_000, 500), (300_000, 500)])
def test_a_long_run_has_few_snapshots_and_figures_at_each_evaluation(
    tmp_path: Path, steps: int, every: int
) -> None:
    config, corpus = tiny_config(steps=steps), tiny_corpus()
    trainer = Trainer(config, corpus, tmp_path, CPU)
    assert trainer.evaluate_every == every
    space = Space(config, corpus, phrases(corpus, config), tmp_path, every)
    model = trainer.model.eval()
    space.begin(model, 0)
    measured = 0
    space.measure = lambda model, places: {"condition": 1.0}  # type: ignore[method-assign]
    for step in range(every, steps + 1, every):
        measured += bool(space.look(model, step, is_last=step == steps))
    assert len(snapshot_steps(tmp_path)) <= MOST_SNAPSHOTS + 2
    assert snapshot_steps(tmp_path)[-1] == steps
    assert measured == steps // every


def test_a_short_run_is_not_held_up_by_its_figures(tmp_path: Path) -> None:
    config, corpus = tiny_config(steps=800), tiny_corpus()
    trainer = Trainer(config, corpus, tmp_path, CPU)
    every = trainer.evaluate_every
    assert every == 40
    space = Space(config, corpus, phrases(corpus, config), tmp_path, every)
    model = trainer.model.eval()
    at = [step for step in range(every, 801, every) if space.look(model, step, step == 800)]
    assert at == [280, 560, 800]
