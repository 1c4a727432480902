"""Every preset, with small networks: a quarter of its planned steps brings all of the method on."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from fmvae_core.data.corpus import Corpus, SourcePerformance
from fmvae_core.files import resource
from fmvae_core.training.config import TrainingConfig, load_preset, presets
from fmvae_core.training.events import read_events
from fmvae_core.training.hardware import Hardware
from fmvae_core.training.trainer import Trainer
from tests.corpora import tiny_corpus, tiny_melodies

CPU = Hardware.choose("cpu")
PLANNED = 160
VARIANTS = ("no-flatness", "paper-flatness", "without-vhp", "music-vae", "music-vae-parallel")
FLAT = ("paper-flatness", "without-vhp")
PLAYABLE = [name for name in presets() if name != "human-motion"]

TABLE_3 = {
    # steps x features, latents, q(z|x), kappa, nu, K, eta
    "human-motion": (32, 50, 2, 1024, 0.08, 1, 8, 8000),
    "drums-2bar": (32, 27, 32, 512, 0.14, 1, 8, 6000),
    "drums-4bar": (64, 27, 32, 1024, 0.15, 1, 16, 2500),
    "piano-2bar": (32, 90, 64, 1024, 0.03, 1, 8, 2000),
    "cello-4bar": (64, 90, 64, 1024, 0.06, 1, 8, 2000),
}


def corpus_for(config: TrainingConfig) -> Corpus:
    if config.model.representation == "drums":
        return tiny_corpus(bars=8)
    if config.model.representation == "melody":
        return tiny_melodies(bars=8)
    steps = np.arange(32)[:, None] / 8 + np.arange(12 * 50)[None, :] / 7
    moves = np.sin(steps).reshape(32, 12, 50).swapaxes(0, 1)
    sources = tuple(
        SourcePerformance(str(number), "", "", 120.0, split, number * 32, 32)
        for number, split in enumerate(["training"] * 10 + ["validation", "test"])
    )
    frames = moves.reshape(-1, 50).astype(np.float32)
    return Corpus("sequences", frames, sources, {}, "moves", representation="motion")


def small(preset: str, variant: str = "", size: str = "paper") -> TrainingConfig:
    """Return the preset's configuration with small networks and few steps, else as it is."""
    config = load_preset(preset, size, variant=variant)
    model = dataclasses.replace(
        config.model,
        encoder_hidden=(12, 12),
        conductor_hidden=12,
        decoder_hidden=(12, 12),
        prior_hidden=(12, 12),
    )
    optimiser = dataclasses.replace(
        config.optimiser, steps=PLANNED, batch_size=8, learning_rate=5e-3
    )
    return dataclasses.replace(config, model=model, optimiser=optimiser)


def a_quarter(config: TrainingConfig, run: Path) -> Trainer:
    torch.set_num_threads(1)
    trainer = Trainer(config, corpus_for(config), run, CPU)
    trainer.train(should_stop=lambda: trainer.step >= config.optimiser.steps // 4)
    return trainer


@pytest.mark.parametrize("preset", presets())
def test_initial_phase_ends_multiplier_moves_and_flatness_switches_on(
    preset: str, tmp_path: Path
) -> None:
    config = small(preset)
    trainer = a_quarter(config, tmp_path)
    steps = [event for event in read_events(tmp_path) if event["kind"] == "step"]
    assert trainer.constraint.phase_end is not None
    assert trainer.constraint.phase_end < PLANNED / 4
    assert trainer.constraint.multiplier > 1 / config.constraint.initial_beta
    assert steps[0]["eta"] == 0
    assert steps[-1]["eta"] > 0
    assert steps[-1]["flatness"] > 0
    assert steps[-1]["nll"] < steps[0]["nll"]


@pytest.mark.parametrize("preset", PLAYABLE)
@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_learn_on_the_same_data(preset: str, variant: str, tmp_path: Path) -> None:
    a_quarter(small(preset, variant), tmp_path)
    steps = [event for event in read_events(tmp_path) if event["kind"] == "step"]
    assert steps[-1]["nll"] < steps[0]["nll"]
    assert all(event["eta"] == 0 for event in steps) == (variant not in FLAT)


@pytest.mark.parametrize("preset", presets())
def test_size_paper_is_the_row_of_table_3(preset: str) -> None:
    steps, features, latents, units, kappa, nu, samples, eta = TABLE_3[preset]
    config = load_preset(preset, "paper")
    model, optimiser = config.model, config.optimiser
    assert (model.steps, model.features, model.latent_dim) == (steps, features, latents)
    assert (model.encoder_cell, model.encoder_hidden) == ("gru", (units, units))
    assert (model.conductor_hidden, model.decoder_hidden) == (512, (512, 512))
    assert (model.prior_hidden, model.importance_samples) == ((256, 256), samples)
    assert (config.constraint.kappa, config.constraint.nu) == (kappa, nu)
    assert optimiser.learning_rate == 5e-4 > optimiser.final_learning_rate
    as_written = load_preset(preset, "paper", variant="paper-flatness").flatness
    assert (as_written.form, as_written.eta) == ("paper", eta)


@pytest.mark.parametrize("preset", presets())
def test_sizes_keep_what_the_table_says_of_the_data(preset: str) -> None:
    paper = load_preset(preset)
    for size in ("small", "study"):
        config = load_preset(preset, size)
        for name in ("representation", "bars", "features", "latent_dim", "importance_samples"):
            assert getattr(config.model, name) == getattr(paper.model, name)
        assert config.constraint.kappa == paper.constraint.kappa


def test_a_variant_may_differ_at_one_size_alone(tmp_path: Path) -> None:
    preset = tmp_path / "mine.toml"
    preset.write_text(
        resource("presets", "drums-2bar.toml").read_text("utf-8")
        + "\n[variant.music-vae.size.study.optimiser]\nlearning_rate = 0.125\n"
    )
    rates = {
        (size, variant): load_preset(
            "mine", size, variant=variant, path=preset
        ).optimiser.learning_rate
        for size in ("study", "small")
        for variant in ("", "music-vae")
    }
    assert rates.pop(("study", "music-vae")) == 0.125
    assert 0.125 not in rates.values()


@pytest.mark.parametrize("size", ["paper", "small", "study"])
@pytest.mark.parametrize("preset", PLAYABLE)
@pytest.mark.parametrize("variant", ["music-vae", "music-vae-parallel"])
def test_musicvae_has_its_published_settings(preset: str, variant: str, size: str) -> None:
    config = load_preset(preset, size, variant=variant)
    model, constraint = config.model, config.constraint
    assert (model.encoder_cell, model.prior, config.flatness.eta) == ("lstm", "standard", 0)
    assert model.decoder == ("autoregressive" if variant == "music-vae" else "parallel")
    assert constraint.multiplier == "annealed"
    if model.representation == "drums":
        assert (constraint.max_beta, constraint.anneal_rate, constraint.free_bits) == (0.2, 0, 48)
    else:
        assert (constraint.max_beta, constraint.free_bits) == (0.5, 0)
        assert constraint.anneal_rate == 0.99999
    hears_itself = variant == "music-vae" and model.representation == "melody"
    assert config.optimiser.scheduled_sampling == (1000 if hears_itself else 0)


@pytest.mark.parametrize("planned", [8_000, 200_000])
def test_musicvaes_schedules_are_scaled_to_the_run(planned: int) -> None:
    config = load_preset("piano-2bar", "study", variant="music-vae")
    optimiser = dataclasses.replace(config.optimiser, steps=planned)
    at = [planned * share // 100 for share in (0, 1, 5, 50, 100)]
    published = [200_000 * share / 100 for share in (0, 1, 5, 50, 100)]
    assert [optimiser.teacher_share(step) for step in at] == pytest.approx(
        [1000 / (1000 + np.exp(step / 1000)) for step in published]
    )
    assert [config.constraint.annealed_beta(step, planned) for step in at] == pytest.approx(
        [0.5 * (1 - 0.99999**step) for step in published]
    )


def test_an_unknown_variant_is_refused() -> None:
    with pytest.raises(ValueError, match="no variant 'music-ave'; choose one of: no-flatness"):
        load_preset("drums-2bar", variant="music-ave")


def test_a_table_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="no table 'flatnes' of settings; choose model"):
        load_preset("drums-2bar", overrides={"flatnes": {"eta": 1.0}})


@pytest.mark.parametrize(
    ("preset", "features", "complaint"),
    [("piano-2bar", 90, "holds drums, and this model learns melody"), ("drums-2bar", 20, "27")],
)
def test_a_corpus_of_another_kind_is_refused(
    preset: str, features: int, complaint: str, tmp_path: Path
) -> None:
    config = small(preset)
    config = dataclasses.replace(config, model=dataclasses.replace(config.model, features=features))
    with pytest.raises(ValueError, match=complaint):
        Trainer(config, tiny_corpus(), tmp_path, CPU)
