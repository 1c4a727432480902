"""A training that obeys those who watch it: pause, stop, and wait while a jam goes on."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import logging
import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from fmvae_core.data.corpus import Corpus
from fmvae_core.data.sources import open_corpus
from fmvae_core.runs.files import CHECKPOINT_FILE
from fmvae_core.runs.record import RunRecord
from fmvae_core.training.checkpoint import load_checkpoint, save_checkpoint
from fmvae_core.training.config import TrainingConfig
from fmvae_core.training.constraint import ConstraintState
from fmvae_core.training.desk import LOOK_SECONDS, Desk
from fmvae_core.training.fine_tune import starting_bundle
from fmvae_core.training.hardware import Hardware
from fmvae_core.training.phrases import phrases
from fmvae_core.training.problems import ShareTooLarge, in_words, is_out_of_memory
from fmvae_core.training.replay import replayed
from fmvae_core.training.start import hear_start, tell_start
from fmvae_core.training.trainer import Progress, Trainer

log = logging.getLogger(__name__)

_SMALLEST_BATCH = 4
_REASONS = (None, "pause", "jam", "stop")
"""To halt; where processes have several, the last one counts."""


def _nothing(*_: object) -> None:
    pass


@dataclass(frozen=True)
class Watcher:
    """Who wants to know how a training goes; all of it can be left out.

    Parameters
    ----------
    on_corpus
        Amount done and in all while the corpus is read.
    on_trainer
        The trainer, before its first step.
    on_progress, on_phase_end
        See `fmvae_core.training.trainer.Trainer.train`.
    should_stop
        Asked before each step.
    """

    on_corpus: Callable[[int, int], None] = _nothing
    on_trainer: Callable[[Trainer], None] = _nothing
    on_progress: Callable[[Progress], None] = _nothing
    on_phase_end: Callable[[ConstraintState], None] = _nothing
    should_stop: Callable[[], bool] = lambda: False


def read_corpus(record: RunRecord, on_progress: Callable[[int, int], None] = _nothing) -> Corpus:
    """Return the corpus of a run (`fmvae_core.data.sources.open_corpus`)."""
    return open_corpus(
        record.config.corpus,
        None if record.data is None else Path(record.data),
        on_progress,
        representation=record.config.model.representation,
        drum_map=record.drum_map,
    )


def hardware_for(record: RunRecord) -> Hardware:
    """Return the hardware of a run (`Hardware.choose`)."""
    return Hardware.choose(
        record.device,
        devices=record.devices,
        nodes=record.nodes,
        precision=record.precision,
        deterministic=record.deterministic,
    )


def fitted(config: TrainingConfig, corpus: Corpus) -> TrainingConfig:
    """Return the configuration with a batch that a small corpus can fill several times."""
    count = len(phrases(corpus, config, config.optimiser.hop_steps)["training"])
    batch = config.optimiser.batch_size
    while batch > _SMALLEST_BATCH and batch * 4 > count:
        batch //= 2
    return _with_batch(config, batch)


def starting_weights(record: RunRecord) -> dict[str, torch.Tensor] | None:
    """Return the weights of the bundle that a run is to fine-tune; see `starting_bundle`."""
    bundle = starting_bundle(record)
    if bundle is None:
        return None
    return {name: torch.from_numpy(array).float() for name, array in bundle.weights().items()}


def steer(
    folder: Path,
    record: RunRecord,
    watcher: Watcher | None = None,
    *,
    max_seconds: float = math.inf,
    yields_to_jams: bool = False,
    checkpoint_seconds: float = 60.0,
) -> Trainer:
    """Train a run in this process, telling and obeying by the files in its folder.

    The caller holds the folder (`fmvae_core.files.alone_in`). A checkpoint is written before each
    pause. Where memory runs out, the batch is halved and the run goes on.

    Parameters
    ----------
    folder, record
        The run.
    watcher
        Who wants to know.
    max_seconds
        Of this call, pauses included.
    yields_to_jams
        Whether to pause while a jam goes on on this machine.
    checkpoint_seconds
        Time between two checkpoints.

    Raises
    ------
    Exception
        Whatever went wrong; how the run stands has been told by then.
    """
    watcher = watcher or Watcher()
    desk = Desk(folder, record, yields_to_jams)
    try:
        desk.tell("starting", note="reading the corpus")
        hardware = hardware_for(record)
        corpus = read_corpus(record, watcher.on_corpus)
        if (folder / CHECKPOINT_FILE).exists():
            record = dataclasses.replace(
                record, config=load_checkpoint(folder / CHECKPOINT_FILE).config
            )
        else:
            asked = record.config.optimiser.batch_size
            record = dataclasses.replace(record, config=fitted(record.config, corpus))
            if record.config.optimiser.batch_size < asked:
                desk.note = f"batches of {record.config.optimiser.batch_size}: the corpus is small"
        hardware.launch()
        tell_start(hardware, folder, record, corpus)
        end = time.monotonic() + max_seconds
        session = _Session(folder, corpus, hardware, desk, watcher, end, checkpoint_seconds)
        trainer = session.train(record)
        hardware.close()
        return trainer
    except Exception as error:
        with contextlib.suppress(OSError):  # on a full disk; who watches finds the process gone
            desk.tell("failed", reason=in_words(error, folder))
        raise


def follow(hardware: Hardware, should_stop: Callable[[], bool]) -> None:
    """Take part in a run whose first process steers it (`steer`).

    Parameters
    ----------
    hardware
        That of a process which is not the first, before its launch.
    should_stop
        Asked before each step; where one of the processes wants to stop, all do.

    Raises
    ------
    Exception
        Whatever went wrong.
    """
    hardware.launch()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        record, corpus = hear_start(hardware, folder, read_corpus)
        desk = Desk(folder, record, yields_to_jams=False, is_silent=True)
        watcher = Watcher(should_stop=should_stop)
        _Session(folder, corpus, hardware, desk, watcher, math.inf, math.inf).train(record)
    hardware.close()


@dataclass(frozen=True)
class _Session:
    """What a process has at hand for as long as it trains a run, until time is `end`."""

    folder: Path
    corpus: Corpus
    hardware: Hardware
    desk: Desk
    watcher: Watcher
    end: float
    checkpoint_seconds: float

    def train(self, record: RunRecord) -> Trainer:
        """Train a run, with half the batch wherever memory runs out, until it ends.

        One process halves whenever it happens. Several try at their start whether each has room for
        its share, and halve together; where one has no more memory later, the run ends for all.
        """
        self.hardware.limit_threads(record.threads)
        while True:
            try:
                return self._train(record)
            except Exception as error:
                if self.hardware.size > 1 and not isinstance(error, ShareTooLarge):
                    raise
                record = _halved(self.folder, record, error)
                log.warning("memory ran out: %s", error)
                self.desk.note = f"batches of {record.config.optimiser.batch_size}: memory ran out"
            gc.collect()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def _train(self, record: RunRecord) -> Trainer:
        is_new = self.hardware.is_first and not (self.folder / CHECKPOINT_FILE).exists()
        trainer = Trainer(
            record.config,
            self.corpus,
            self.folder,
            self.hardware,
            resume=True,
            weights=starting_weights(record) if is_new else None,
            known=replayed(record),
        )
        if self.hardware.size > 1 and self.hardware.highest(not trainer.fits()):
            raise ShareTooLarge(
                f"a batch of {record.config.optimiser.batch_size} phrases is too large"
            )
        self.desk.know(trainer)
        self.watcher.on_trainer(trainer)

        def why_halt() -> str | None:
            is_over = self.watcher.should_stop() or time.monotonic() >= self.end
            return "stop" if is_over else self.desk.why_halt()

        def should_halt() -> bool:
            self.desk.refresh(trainer)
            return self.watcher.should_stop() or self.desk.why_halt() is not None

        def on_progress(progress: Progress) -> None:
            self.desk.progress(progress)
            self.watcher.on_progress(progress)

        while True:
            why = _REASONS[self.hardware.highest(_REASONS.index(why_halt()))]
            if why == "stop":
                trainer.save()
                self.desk.tell("stopped")
                return trainer
            if why is not None:
                self.desk.tell("paused" if why == "pause" else "jam")
                time.sleep(LOOK_SECONDS)
                continue
            self.desk.tell("running")
            trainer.train(
                max_seconds=self.end - time.monotonic(),
                checkpoint_seconds=self.checkpoint_seconds,
                should_stop=should_halt,
                on_progress=on_progress,
                on_phase_end=self.watcher.on_phase_end,
            )
            self.desk.refresh(trainer)
            if trainer.is_finished:
                self.desk.tell("finished")
                return trainer


def smaller(config: TrainingConfig, error: Exception) -> TrainingConfig:
    """Return a configuration with half the batch; raise the error if that does not help."""
    batch = config.optimiser.batch_size // 2
    if not is_out_of_memory(error) or batch < _SMALLEST_BATCH:
        raise error
    return _with_batch(config, batch)


def _halved(folder: Path, record: RunRecord, error: Exception) -> RunRecord:
    config = smaller(record.config, error)
    file = folder / CHECKPOINT_FILE
    if file.exists():
        save_checkpoint(dataclasses.replace(load_checkpoint(file), config=config), file)
    return dataclasses.replace(record, config=config)


def _with_batch(config: TrainingConfig, batch_size: int) -> TrainingConfig:
    optimiser = dataclasses.replace(config.optimiser, batch_size=batch_size)
    return dataclasses.replace(config, optimiser=optimiser)
