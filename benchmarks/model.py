"""The shipped model: opening, encoding, decoding; and training at its size."""

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

from fmvae_core.files import resource
from fmvae_core.inference.networks import Networks
from fmvae_core.models.bundle import Bundle
from fmvae_core.training.config import load_preset
from fmvae_core.training.hardware import Hardware
from fmvae_core.training.trainer import Trainer
from tests.corpora import tiny_corpus

_WARM_UP, _RUNS = 20, 300
_STEPS = 8


def measure() -> dict[str, Any]:
    """Return milliseconds (medians) of the shipped bundle and training phrases a second."""
    torch.set_num_threads(1)
    path = resource("models", "drums-2bar")
    opening = _median_ms(lambda: Bundle.open(path), 2, 20)
    bundle = Bundle.open(path)
    networks = Networks(bundle)
    z = bundle.landmarks.z[:1]
    frames = networks.decode(z)
    return {
        "bundle_open_ms": opening,
        "encode_ms": _median_ms(lambda: networks.encode(frames)),
        "decode_ms": _median_ms(lambda: networks.decode(z)),
        "train_windows_per_s": _training(),
    }


def _median_ms(call: Callable[[], object], warm_up: int = _WARM_UP, runs: int = _RUNS) -> float:
    times = []
    for run in range(warm_up + runs):
        begun = time.perf_counter()
        call()
        if run >= warm_up:
            times.append(1000 * (time.perf_counter() - begun))
    return statistics.median(times)


def _training() -> float:
    """Return phrases a second of whole steps, flatness included, on one thread."""
    config = load_preset("drums-2bar", "small")
    with tempfile.TemporaryDirectory() as run:
        corpus = tiny_corpus(performances=24, bars=20)
        trainer = Trainer(config, corpus, Path(run), Hardware.choose("cpu"))
        trainer.constraint = replace(trainer.constraint, phase_end=0)
        trainer.step = config.flatness.ramp
        step = _median_ms(trainer.take_step, 2, _STEPS)
    return float(np.divide(1000 * config.optimiser.batch_size, step))
