"""A training that obeys those who watch it: pause, stop, and wait while a jam goes on."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import json
import logging
import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from fmvae_core.data.corpus import Corpus
from fmvae_core.data.sources import open_corpus
from fmvae_core.runs.files import CHECKPOINT_FILE, EVALUATIONS_FILE, PACE_FILE
from fmvae_core.runs.orders import Order, read_order
from fmvae_core.runs.record import RunRecord, RunState, StateName, read_state, write_state
from fmvae_core.training.checkpoint import load_checkpoint, save_checkpoint
from fmvae_core.training.config import TrainingConfig
from fmvae_core.training.constraint import ConstraintState
from fmvae_core.training.fine_tune import starting_bundle
from fmvae_core.training.hardware import Hardware
from fmvae_core.training.phrases import phrases
from fmvae_core.training.problems import ShareTooLarge, in_words, is_out_of_memory
from fmvae_core.training.replay import replayed
from fmvae_core.training.start import hear_start, tell_start
from fmvae_core.training.trainer import Progress, Trainer

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.2
_TELL_SECONDS = 1.0
_PACE_SECONDS = 5.0
_SMALLEST_BATCH = 4
_TAIL_BYTES = 8192
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
        trainer = train(folder, record, corpus, hardware, desk, watcher, end, checkpoint_seconds)
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
        train(folder, record, corpus, hardware, desk, watcher, math.inf, math.inf)
    hardware.close()


def train(
    folder: Path,
    record: RunRecord,
    corpus: Corpus,
    hardware: Hardware,
    desk: Desk,
    watcher: Watcher,
    end: float,
    checkpoint_seconds: float,
) -> Trainer:
    """Train a run, with half the batch wherever memory runs out, until it ends or time is `end`.

    One process halves whenever it happens. Several try at their start whether each has room for its
    share, and halve together; where one has no more memory later, the run ends for all.
    """
    hardware.limit_threads(record.threads)
    while True:
        try:
            return _train(folder, record, corpus, hardware, desk, watcher, end, checkpoint_seconds)
        except Exception as error:
            if hardware.size > 1 and not isinstance(error, ShareTooLarge):
                raise
            record = _halved(folder, record, error)
            log.warning("memory ran out: %s", error)
            desk.note = f"batches of {record.config.optimiser.batch_size}: memory ran out"
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _train(
    folder: Path,
    record: RunRecord,
    corpus: Corpus,
    hardware: Hardware,
    desk: Desk,
    watcher: Watcher,
    end: float,
    checkpoint_seconds: float,
) -> Trainer:
    is_new = hardware.is_first and not (folder / CHECKPOINT_FILE).exists()
    trainer = Trainer(
        record.config,
        corpus,
        folder,
        hardware,
        resume=True,
        weights=starting_weights(record) if is_new else None,
        known=replayed(record),
    )
    if hardware.size > 1 and hardware.highest(not trainer.fits()):
        raise ShareTooLarge(f"a batch of {record.config.optimiser.batch_size} phrases is too large")
    desk.know(trainer)
    watcher.on_trainer(trainer)

    def why_halt() -> str | None:
        is_over = watcher.should_stop() or time.monotonic() >= end
        return "stop" if is_over else desk.why_halt()

    def should_halt() -> bool:
        desk.refresh(trainer)
        return watcher.should_stop() or desk.why_halt() is not None

    def on_progress(progress: Progress) -> None:
        desk.progress(progress)
        watcher.on_progress(progress)

    while True:
        why = _REASONS[hardware.highest(_REASONS.index(why_halt()))]
        if why == "stop":
            trainer.save()
            desk.tell("stopped")
            return trainer
        if why is not None:
            desk.tell("paused" if why == "pause" else "jam")
            time.sleep(_LOOK_SECONDS)
            continue
        desk.tell("running")
        trainer.train(
            max_seconds=end - time.monotonic(),
            checkpoint_seconds=checkpoint_seconds,
            should_stop=should_halt,
            on_progress=on_progress,
            on_phase_end=watcher.on_phase_end,
        )
        desk.refresh(trainer)
        if trainer.is_finished:
            desk.tell("finished")
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


@dataclass
class Desk:
    """Where a run tells how it stands and finds its orders: files, looked at a few times a second.

    Parameters
    ----------
    folder, record
        The run.
    yields_to_jams
        Whether a jam is a reason to halt.
    is_silent
        Whether to write nothing, in a process that is not the first.
    """

    folder: Path
    record: RunRecord
    yields_to_jams: bool
    is_silent: bool = False
    note: str = ""
    _state: RunState = field(init=False)
    _told: float = -math.inf
    _looked: float = -math.inf
    _paced: float = -math.inf
    _why: Order | str | None = None

    def __post_init__(self) -> None:
        # What was learnt before is told even where it fails before the checkpoint is read.
        self._state = read_state(self.folder)

    def know(self, trainer: Trainer) -> None:
        """Take down what does not change while it trains."""
        self._state = dataclasses.replace(
            self._state,
            phrases=trainer.phrase_count,
            parameters=trainer.parameter_count,
            device=str(trainer.hardware),
            batch_size=trainer.config.optimiser.batch_size,
            steps=trainer.config.optimiser.steps,
            step=trainer.step,
            seconds=trainer.seconds,
        )

    def tell(self, state: StateName, *, note: str | None = None, reason: str = "") -> None:
        """Tell how it stands, at once where that is new."""
        now = time.monotonic()
        is_news = state != self._state.state or reason != self._state.reason
        if self.is_silent or (not is_news and now - self._told < _TELL_SECONDS):
            return
        self._state = dataclasses.replace(
            self._state,
            state=state,
            reason=reason,
            note=self.note if note is None else note,
            figures=self._last_figures(),
        )
        self._told = now
        write_state(self.folder, self._state)

    def refresh(self, trainer: Trainer) -> None:
        """Tell how far it is, about once a second."""
        self._state = dataclasses.replace(self._state, step=trainer.step, seconds=trainer.seconds)
        if self._state.is_active:
            self.tell(self._state.state)

    def progress(self, progress: Progress) -> None:
        """Take down the speed."""
        self._state = dataclasses.replace(self._state, seconds_per_step=progress.seconds_per_step)
        now = time.monotonic()
        if not self.is_silent and now - self._paced >= _PACE_SECONDS:
            self._paced = now
            batch = self._state.batch_size
            values: dict[str, Any] = {
                "kind": "pace",
                "step": progress.step,
                "phrases_per_second": batch / max(progress.seconds_per_step, 1e-9),
            }
            with open(self.folder / PACE_FILE, "a", encoding="utf-8") as file:
                file.write(json.dumps(values) + "\n")

    def why_halt(self) -> str | None:
        """Return ``pause``, ``stop`` or ``jam``, or ``None`` to go on."""
        now = time.monotonic()
        if now - self._looked >= _LOOK_SECONDS:
            self._looked = now
            order = read_order(self.folder)
            self._why = None if order == "run" else order
            if self._why is None and self.yields_to_jams and _is_jam():
                self._why = "jam"
        return self._why

    def _last_figures(self) -> dict[str, float]:
        file = self.folder / EVALUATIONS_FILE
        if not file.exists():
            return {}
        with open(file, "rb") as opened:
            opened.seek(max(0, file.stat().st_size - _TAIL_BYTES))
            lines = opened.read().decode().splitlines()
        # Those of the space are taken less often, so they may lie further back.
        figures: dict[str, float] = {}
        wanted = {"validation", "space"}
        for line in reversed(lines):
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                if event.get("kind") in wanted:
                    wanted.remove(event["kind"])
                    figures |= {
                        name: value
                        for name, value in event.items()
                        if name not in ("kind", "step") and isinstance(value, float)
                    }
        return figures


def _is_jam() -> bool:
    from fmvae_core.jam.in_progress import is_jam_in_progress  # a bare GPU machine has no jams

    return is_jam_in_progress()
