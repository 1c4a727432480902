"""What a run will take, from a few of its steps."""

from __future__ import annotations

import dataclasses
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from fmvae_core.data.corpus import Corpus
from fmvae_core.runs.messages import RunMeasured
from fmvae_core.runs.record import RunRecord
from fmvae_core.training.devices import Gpu
from fmvae_core.training.hardware import Hardware
from fmvae_core.training.replay import replayed
from fmvae_core.training.steering import fitted, read_corpus, smaller, starting_weights
from fmvae_core.training.trainer import LOG_EVERY, Trainer

_SECONDS = 2.0
_LEAST_STEPS = 3
_BYTES_PER_EVENT = 1100  # a line of JSON, and the same numbers for TensorBoard


def estimate(
    record: RunRecord,
    folder: Path,
    on_stage: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> RunMeasured:
    """Measure steps of both phases of a run, and one evaluation, with a batch that fits.

    Parameters
    ----------
    record
        The run.
    folder
        Where it will lie.
    on_stage
        Called with what is done, and with the amount done and in all.

    Raises
    ------
    Exception
        Whatever would stop the run at its start.
    """
    corpus = read_corpus(record, lambda done, total: on_stage("reading the corpus", done, total))
    record = dataclasses.replace(record, config=fitted(record.config, corpus))
    hardware = Hardware.choose(record.device)
    on_stage("measuring a few steps", 0, 0)
    while True:
        try:
            return _measured(record, folder, corpus, hardware)
        except Exception as error:
            record = dataclasses.replace(record, config=smaller(record.config, error))
            on_stage(
                f"memory ran out: trying batches of {record.config.optimiser.batch_size}", 0, 0
            )


def _measured(record: RunRecord, folder: Path, corpus: Corpus, hardware: Hardware) -> RunMeasured:
    config = record.config
    with tempfile.TemporaryDirectory() as scratch:
        trainer = Trainer(
            config,
            corpus,
            Path(scratch),
            hardware,
            weights=starting_weights(record),
            known=replayed(record),
        )
        trainer.model.train()
        with hardware.full_precision():
            trainer.take_step()  # the first one is slower than all others
            first = _pace(trainer, hardware)
            trainer.constraint = dataclasses.replace(trainer.constraint, phase_end=trainer.step)
            second = _pace(trainer, hardware)
        began = time.monotonic()
        trainer.validate()
        evaluation = time.monotonic() - began
    steps = config.optimiser.steps
    annealed = config.constraint.multiplier == "annealed"
    initial = 0.0 if annealed else config.constraint.initial_share
    folder.mkdir(parents=True, exist_ok=True)
    return RunMeasured(
        seconds=steps * (initial * first + (1 - initial) * second)
        + steps / trainer.evaluate_every * evaluation,
        seconds_per_step=second,
        memory=_memory(hardware),
        # While a checkpoint is written the one before is still there.
        disk=2 * trainer.checkpoint_bytes
        + steps // LOG_EVERY * _BYTES_PER_EVENT
        + trainer.space.bytes,
        free=shutil.disk_usage(folder).free,
        phrases=trainer.phrase_count,
        parameters=trainer.parameter_count,
        batch_size=config.optimiser.batch_size,
        device=device_in_words(hardware),
    )


def device_in_words(hardware: Hardware) -> str:
    """Return the name of the processor or GPU, and its free memory."""
    if hardware.device.type != "cuda":
        threads = torch.get_num_threads()
        return f"CPU, {threads} thread{'s' if threads > 1 else ''}"
    free, total = torch.cuda.mem_get_info(hardware.device)
    return Gpu(torch.cuda.get_device_name(hardware.device), free, total, True).in_words()


def _pace(trainer: Trainer, hardware: Hardware) -> float:
    """Return the seconds of a step."""
    began = time.monotonic()
    steps = 0
    while steps < _LEAST_STEPS or time.monotonic() - began < _SECONDS:
        trainer.take_step()
        steps += 1
    if hardware.device.type == "cuda":
        torch.cuda.synchronize(hardware.device)
    return (time.monotonic() - began) / steps


def _memory(hardware: Hardware) -> int:
    """Return the most memory that was used, in bytes."""
    if hardware.device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(hardware.device))
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
