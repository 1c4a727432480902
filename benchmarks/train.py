"""A training step beside the same step written plainly, and decoding at the paper's size."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.straightforward import Phrases, Stepper
from fmvae_core.models.recurrent_vae import RecurrentVAE
from fmvae_core.training.config import TrainingConfig, load_preset
from fmvae_core.training.hardware import Hardware
from fmvae_core.training.objective import Weights
from fmvae_core.training.trainer import Trainer
from tests.corpora import tiny_corpus

_PRESET = "drums-2bar"
_WARM_UP, _ROUNDS = 2, 7
_DECODES_WARM_UP, _DECODES = 20, 200

Calls = dict[str, Callable[[], object]]


def measure() -> dict[str, Any]:
    """Return milliseconds and ratios, all of them medians.

    Steps are whole ones, from the batch to the averaged weights, on one thread, in turn with those
    that they are compared with. On a CPU they are measured in processor time, which what else runs
    does not lengthen; ``step_ratio_*`` is the plainly written step's over ours, ``flatness_share``
    what the flatness term adds to a step without it. Decoding is measured by the clock.
    """
    torch.set_num_threads(1)
    study, small = _steps("study", "cpu"), _steps("small", "cpu")
    figures = {
        "step_ms": study["ours"],
        "straightforward_step_ms": study["straightforward"],
        "step_ratio_cpu": study["straightforward"] / study["ours"],
        "flatness_share": study["ours"] / study["no-flatness"] - 1,
        "music_vae_step_ms": study["music-vae"],
        "step_ratio_cpu_small": small["straightforward"] / small["ours"],
        "flatness_share_small": small["ours"] / small["no-flatness"] - 1,
    }
    if torch.cuda.is_available():
        paper = _steps("paper", "cuda")
        figures["step_ratio_cuda"] = paper["straightforward"] / paper["ours"]
    return figures | _decoding()


def _steps(size: str, device: str) -> dict[str, float]:
    """Return the milliseconds of a step of each kind."""
    hardware = Hardware.choose(device)
    corpus = tiny_corpus(performances=40, bars=40)
    with tempfile.TemporaryDirectory() as folder:
        trainers = {
            name: Trainer(
                load_preset(_PRESET, size, variant="" if name == "ours" else name),
                corpus,
                Path(folder) / name,
                hardware,
            )
            for name in ("ours", "no-flatness", "music-vae")
        }
    for trainer in trainers.values():
        # Past the initial phase and the ramp: flatness counts in full.
        trainer.constraint = replace(trainer.constraint, phase_end=0)
        trainer.step = trainer.config.flatness.ramp
    ours = trainers["ours"]
    config = ours.config
    windows = corpus.windows(config.model.bars, "training", config.optimiser.hop_steps)
    plain = Stepper(
        _model(config),
        config,
        Phrases(np.asarray(corpus.frames, np.float32), windows.starts, config.model.steps),
        Weights(ours.constraint.beta, config.flatness.eta),
        hardware.device,
    )
    calls: Calls = {name: trainer.take_step for name, trainer in trainers.items()}
    calls["straightforward"] = plain.take_step
    clock = time.process_time if device == "cpu" else time.perf_counter
    with hardware.full_precision():
        return _medians_ms(calls, _WARM_UP, _ROUNDS, clock)


def _decoding() -> dict[str, float]:
    """Return the milliseconds of decoding one phrase and 20 at the paper's size."""
    config = load_preset(_PRESET, "paper")
    model = _model(config).eval()
    one, twenty = (torch.randn(n, config.model.latent_dim) for n in (1, 20))
    torch.set_num_threads(1)  # as the model worker does: two wait for one another at each step
    with torch.inference_mode():
        calls: Calls = {
            "decode_paper_ms": lambda: model.decode_frames(one),
            "decode20_paper_ms": lambda: model.decode_frames(twenty),
        }
        return _medians_ms(calls, _DECODES_WARM_UP, _DECODES, time.perf_counter)


def _model(config: TrainingConfig) -> RecurrentVAE:
    torch.manual_seed(config.seed)
    return RecurrentVAE(config.model)


def _medians_ms(
    calls: Calls, warm_up: int, rounds: int, clock: Callable[[], float]
) -> dict[str, float]:
    """Return each call's median; they take turns."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(warm_up + rounds):
        for name, call in calls.items():
            begun = clock()
            call()
            if turn >= warm_up:
                times[name].append(1000 * (clock() - begun))
    return {name: statistics.median(measured) for name, measured in times.items()}
