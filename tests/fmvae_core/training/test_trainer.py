"""Runs: they learn, stop, resume exactly and log what happened."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from fmvae_core.data.corpus import save_corpus
from fmvae_core.runs.files import CHECKPOINT_FILE
from fmvae_core.training.checkpoint import CheckpointError, load_checkpoint
from fmvae_core.training.config import TrainingConfig, load_preset, presets
from fmvae_core.training.events import read_events
from fmvae_core.training.hardware import Hardware
from fmvae_core.training.run import configure
from fmvae_core.training.trainer import Trainer
from tests.corpora import tiny_corpus
from tests.corpora_config import tiny_config

CPU = Hardware.choose("cpu")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def trained(
    run: Path, config: TrainingConfig, *, until: int | None = None, resume: bool = False
) -> Trainer:
    trainer = Trainer(config, tiny_corpus(), run, CPU, resume=resume)
    trainer.train(should_stop=lambda: until is not None and trainer.step >= until)
    return trainer


def test_learns(tmp_path: Path) -> None:
    trained(tmp_path, tiny_config(steps=60))
    steps = [event for event in read_events(tmp_path) if event["kind"] == "step"]
    assert [event["step"] for event in steps] == [10, 20, 30, 40, 50, 60]
    assert steps[-1]["nll"] < 0.85 * steps[0]["nll"]


def test_flatness_starts_after_the_initial_phase_and_the_multiplier_moves(tmp_path: Path) -> None:
    trained(tmp_path, tiny_config(steps=60))
    events = read_events(tmp_path)
    (phase,) = [event for event in events if event["kind"] == "phase"]
    assert 0 < phase["step"] < 60
    steps = [event for event in events if event["kind"] == "step"]
    before = [event for event in steps if event["step"] <= phase["step"]]
    after = [event for event in steps if event["step"] > phase["step"]]
    assert {event["eta"] for event in before} <= {0.0}
    assert after[-1]["eta"] == 60.0
    assert after[-1]["flatness"] > 0
    assert len({event["beta"] for event in after}) > 1


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    config = tiny_config(steps=45)
    whole = trained(tmp_path / "whole", config)
    for until in (7, 30):
        trained(tmp_path / "parts", config, until=until, resume=True)
    parts = trained(tmp_path / "parts", config, resume=True)

    assert parts.constraint == whole.constraint
    for name, tensor in whole.model.state_dict().items():
        assert torch.equal(parts.model.state_dict()[name], tensor), name
        assert torch.equal(parts.average[name], whole.average[name]), name
    assert read_events(tmp_path / "parts") == read_events(tmp_path / "whole")


def test_events_of_a_lost_leg_are_written_anew(tmp_path: Path) -> None:
    config = tiny_config(steps=40)
    trained(tmp_path, config, until=20)
    lost = tmp_path / "events.jsonl"
    with open(lost, "a", encoding="utf-8") as events:
        events.write(json.dumps({"kind": "step", "step": 30, "nll": 1.0}) + "\n")
        events.write('{"kind": "step", "st')  # cut short by the crash
    trained(tmp_path, config, resume=True)
    steps = [event["step"] for event in read_events(tmp_path) if event["kind"] == "step"]
    assert steps == [10, 20, 30, 40]


def test_a_loss_that_is_no_number_stops_in_words_and_keeps_the_run(tmp_path: Path) -> None:
    corpus = tiny_corpus()
    trainer = Trainer(tiny_config(steps=40), corpus, tmp_path, CPU)
    trainer.train(should_stop=lambda: trainer.step >= 10)
    corpus.frames[:] = math.nan  # shared with the trainer's tensor
    with pytest.raises(FloatingPointError, match=r"step 11.*smaller learning rate"):
        trainer.train()
    checkpoint = load_checkpoint(tmp_path / CHECKPOINT_FILE)
    assert checkpoint.step == 10
    assert all(tensor.isfinite().all() for tensor in checkpoint.tensors.values())


def test_seeds_differ(tmp_path: Path) -> None:
    config = tiny_config(steps=10)
    first = trained(tmp_path / "a", config)
    other = trained(tmp_path / "b", TrainingConfig.from_dict({**config.to_dict(), "seed": 1}))
    assert not torch.equal(first.average["decoder.head.bias"], other.average["decoder.head.bias"])


def test_another_corpus_or_other_settings_are_refused(tmp_path: Path) -> None:
    config = tiny_config(steps=10)
    trained(tmp_path, config)
    with pytest.raises(ValueError, match="another version of its corpus"):
        Trainer(config, tiny_corpus(seed=5), tmp_path, CPU, resume=True)
    with pytest.raises(ValueError, match="other settings"):
        Trainer(tiny_config(steps=11), tiny_corpus(), tmp_path, CPU, resume=True)
    with pytest.raises(ValueError, match="already holds a run"):
        configure("drums-2bar", "small", tmp_path)
    assert configure("drums-2bar", "small", tmp_path, resume=True) == config


def test_a_corpus_that_is_too_small_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="fewer than one batch"):
        Trainer(tiny_config(), tiny_corpus(performances=3, bars=2), tmp_path, CPU)


def test_a_broken_checkpoint_is_refused(tmp_path: Path) -> None:
    trained(tmp_path, tiny_config(steps=10))
    file = tmp_path / CHECKPOINT_FILE
    data = file.read_bytes()
    for broken in (b"", data[:50], data[:-40], data.replace(b"flatjam-checkpoint", b"x" * 18)):
        file.write_bytes(broken)
        with pytest.raises(CheckpointError, match="checkpoint"):
            load_checkpoint(file)


def test_ctrl_c_writes_a_checkpoint_from_a_frames_cache_alone(tmp_path: Path) -> None:
    """A real process without MIDI, download and settings libraries, stopped by SIGINT."""
    save_corpus(tiny_corpus(), tmp_path / "frames.safetensors")
    script = tmp_path / "train.py"
    script.write_text(
        "import sys\n"
        "for absent in ('mido', 'pydantic', 'pooch', 'platformdirs', 'tensorboard', 'sklearn',\n"
        "               'lightning_fabric'):\n"
        "    sys.modules[absent] = None\n"
        "from pathlib import Path\n"
        "from fmvae_core.training.run import train\n"
        "from tests.corpora_config import tiny_config\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "train(tiny_config(steps=1000000), folder / 'run', data=folder / 'frames.safetensors',\n"
        "      device='cpu', threads=1)\n"
    )
    root = Path(__file__).resolve().parents[3]
    process = subprocess.Popen(
        [sys.executable, str(script)], env={**os.environ, "PYTHONPATH": str(root)}
    )
    try:
        deadline = time.monotonic() + 90
        while not any(event["step"] >= 20 for event in read_events(tmp_path / "run")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
    checkpoint = load_checkpoint(tmp_path / "run" / CHECKPOINT_FILE)
    assert checkpoint.step >= 20


def test_the_preset_is_the_papers_row() -> None:
    assert presets() == ["cello-4bar", "drums-2bar", "drums-4bar", "human-motion", "piano-2bar"]
    paper = load_preset("drums-2bar")
    assert paper.model.encoder_hidden == paper.model.decoder_hidden == (512, 512)
    assert (paper.model.latent_dim, paper.model.steps, paper.model.features) == (32, 32, 27)
    assert paper.model.prior_hidden == (256, 256)
    assert (paper.constraint.kappa, paper.constraint.nu) == (0.14, 1.0)
    assert paper.model.importance_samples == 8
    assert paper.optimiser.learning_rate == 5e-4
    small = load_preset("drums-2bar", "small")
    assert small.model.latent_dim == 32
    assert TrainingConfig.from_dict(json.loads(json.dumps(small.to_dict()))) == small
    with pytest.raises(ValueError, match="choose one of: paper, small"):
        load_preset("drums-2bar", "huge")
    with pytest.raises(ValueError, match="drums-2bar"):
        load_preset("nonsense")
    with pytest.raises(ValueError, match="unknown setting"):
        load_preset("drums-2bar", "small", {"optimiser": {"momentum": 1}})
