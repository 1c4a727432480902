"""Training that fits its batch to corpus and memory."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from fmvae_core.runs.record import RunState, read_state, write_state
from fmvae_core.runs.store import create_run
from fmvae_core.training import trainer as trainer_module
from fmvae_core.training.problems import in_words, is_out_of_memory
from fmvae_core.training.steering import fitted, steer
from tests.corpora import tiny_corpus
from tests.corpora_config import tiny_config
from tests.fmvae_core.runs.processes import tiny_record


def too_much() -> None:
    torch.empty(1 << 55)


def test_running_out_of_memory_is_known_and_told(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError) as raised:
        too_much()
    assert is_out_of_memory(raised.value)
    assert "smaller size" in in_words(raised.value, tmp_path)
    assert not is_out_of_memory(RuntimeError("something else"))


def test_a_batch_that_does_not_fit_into_memory_is_halved_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.set_num_threads(1)
    loss = trainer_module.loss
    record = tiny_record(tmp_path, steps=20)

    def hungry(model, batch, *others):
        if len(batch) > 4 and trainer.step == 10:
            too_much()
        return loss(model, batch, *others)

    seen = []
    monkeypatch.setattr(trainer_module, "loss", hungry)
    run = create_run(record, tmp_path / "runs")

    from fmvae_core.training.steering import Watcher

    def remember(made) -> None:
        nonlocal trainer
        trainer = made
        seen.append((made.step, made.config.optimiser.batch_size))

    trainer = None
    steer(run, record, Watcher(on_trainer=remember))
    assert seen == [(0, 8), (10, 4)]
    state = read_state(run)
    assert (state.state, state.step, state.batch_size) == ("finished", 20, 4)
    assert state.note == "batches of 4: memory ran out"


def test_a_small_corpus_gets_small_batches() -> None:
    config = tiny_config(optimiser={"batch_size": 512})
    small = fitted(config, tiny_corpus()).optimiser.batch_size
    assert 4 <= small <= len(tiny_corpus().windows(2, "training")) / 4
    assert fitted(tiny_config(), tiny_corpus()) == tiny_config()


def test_a_run_that_fails_before_it_goes_on_still_tells_what_was_learnt(tmp_path: Path) -> None:
    record = tiny_record(tmp_path)
    run = create_run(record, tmp_path / "runs")
    write_state(run, RunState("stopped", step=30, steps=40, seconds=5.0))
    (tmp_path / "frames.safetensors").unlink()
    with pytest.raises(Exception, match=r"frames\.safetensors"):
        steer(run, record)
    state = read_state(run)
    assert (state.state, state.step, state.steps, state.seconds) == ("failed", 30, 40, 5.0)
