"""The training loop: steps, events, checkpoints, and going on exactly where a run stopped."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from fmvae_core.data.corpus import Corpus
from fmvae_core.models.recurrent_vae import RecurrentVAE
from fmvae_core.runs.files import CHECKPOINT_FILE
from fmvae_core.training.checkpoint import (
    Checkpoint,
    load_checkpoint,
    optimiser_tensors,
    restore_optimiser,
    save_checkpoint,
)
from fmvae_core.training.config import TrainingConfig
from fmvae_core.training.constraint import ConstraintState, advance, begin
from fmvae_core.training.events import EventLog
from fmvae_core.training.hardware import Hardware
from fmvae_core.training.objective import Weights, loss
from fmvae_core.training.phrases import Batches, phrases
from fmvae_core.training.problems import is_out_of_memory
from fmvae_core.training.space import Space
from fmvae_core.training.validation import Validation

LOG_EVERY = 10
EVALUATE_EVERY = 500
EVALUATIONS = 20
"""A short run is evaluated this many times, so that its course can be seen."""


@dataclass(frozen=True)
class Progress:
    """What a run tells after each logged step; `seconds` so far, and those of a step at present."""

    step: int
    steps: int
    seconds: float
    seconds_per_step: float
    values: dict[str, float | str | bool]

    @property
    def remaining(self) -> float:
        """Seconds to the last planned step at the present speed."""
        return (self.steps - self.step) * self.seconds_per_step


class Trainer:
    """One run: the model, its optimiser and where the constrained optimisation stands.

    All randomness of a step is a function of the seed and the step's number, and the order of the
    data one of the seed and the epoch's, so that a resumed run equals an uninterrupted one, and one
    that several processes share equals that of one. Each of them has a trainer; that of the first
    alone evaluates and writes.

    Parameters
    ----------
    config
        What to do.
    corpus
        What to learn from.
    run
        Folder of the run.
    hardware
        Where to compute, after its launch.
    resume
        Go on from the folder's checkpoint if it has one.
    weights
        To begin a new run with, for fine-tuning; drawn at random by default.
    known
        What to replay (`fmvae_core.training.replay`), for a resumed run too.

    Raises
    ------
    ValueError
        If the corpus is of another kind than the model, has too few phrases for a batch, or differs
        from the one the run began with; or if the processes cannot share a batch.
    """

    def __init__(
        self,
        config: TrainingConfig,
        corpus: Corpus,
        run: Path,
        hardware: Hardware,
        *,
        resume: bool = False,
        weights: dict[str, Tensor] | None = None,
        known: Tensor | None = None,
    ) -> None:
        self.config = config
        self.run = run
        self.hardware = hardware
        self._digest = corpus.digest
        if corpus.representation != config.model.representation:
            raise ValueError(
                f"the corpus '{corpus.name}' holds {corpus.representation}, and this model learns "
                f"{config.model.representation}; choose another preset or corpus"
            )
        if corpus.frames.ndim == 2 and corpus.frames.shape[1] != config.model.features:
            raise ValueError(
                f"the corpus '{corpus.name}' has {corpus.frames.shape[1]} numbers a step, and this "
                f"model takes {config.model.features}; change model.features to fit it"
            )
        split = phrases(corpus, config, config.optimiser.hop_steps)
        training, validation = split["training"], split["validation"]
        if len(training) < config.optimiser.batch_size:
            raise ValueError(
                f"the corpus has {len(training)} training phrases, fewer than one batch of "
                f"{config.optimiser.batch_size}; use a larger corpus or a smaller batch size"
            )
        _check_shares(config, hardware)
        self._batches = Batches(corpus, training, config, hardware, known)
        self._validation = Validation(validation, training, corpus, hardware.to_device)
        self.space = Space(config, corpus, split, run, self.evaluate_every)

        torch.manual_seed(config.seed)
        self.model = RecurrentVAE(config.model)
        if weights is not None:
            self.model.load_state_dict(weights)
        if config.optimiser.learns == "encoder":
            self.model.requires_grad_(False)
            self.model.encoder.requires_grad_(True)
        hardware.place(self.model)
        for tensor in self.model.state_dict().values():
            tensor.copy_(hardware.from_first(tensor))
        self.average = {
            name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()
        }
        self._names: dict[Tensor, str] = {
            parameter: name
            for name, parameter in self.model.named_parameters()
            if parameter.requires_grad
        }
        self.optimiser = torch.optim.Adam(self._names, lr=config.optimiser.rate(0))
        self.constraint = begin(config.constraint)
        self.step = 0
        self.seconds = 0.0
        if resume and (run / CHECKPOINT_FILE).exists():
            self._restore(load_checkpoint(run / CHECKPOINT_FILE))

    @property
    def parameter_count(self) -> int:
        """Number of trained weights."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    @property
    def phrase_count(self) -> int:
        """Number of training phrases."""
        return len(self._batches)

    @property
    def is_finished(self) -> bool:
        """Whether all planned steps are done."""
        return self.step >= self.config.optimiser.steps

    @property
    def evaluate_every(self) -> int:
        """Steps between two evaluations."""
        return min(EVALUATE_EVERY, max(LOG_EVERY, self.config.optimiser.steps // EVALUATIONS))

    @property
    def checkpoint_bytes(self) -> int:
        """Size of a checkpoint: weights, their average and Adam's two moments."""
        return 4 * sum(tensor.nbytes for tensor in self.model.state_dict().values())

    def train(
        self,
        *,
        max_seconds: float = math.inf,
        checkpoint_seconds: float = 120.0,
        should_stop: Callable[[], bool] = lambda: False,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        on_phase_end: Callable[[ConstraintState], None] = lambda state: None,
    ) -> None:
        """Do steps until the plan is fulfilled, the time is up, or `should_stop` says so.

        A checkpoint is written every `checkpoint_seconds` and at the end, however it comes.
        """
        begun = saved = time.monotonic()
        earlier = self.seconds
        first = self.step
        self.model.train()
        hardware = self.hardware

        def is_over() -> bool:
            is_late = self.step > first and time.monotonic() - begun >= max_seconds
            return is_late or should_stop()

        log = EventLog(self.run if hardware.is_first else None, self.step)
        with log, hardware.full_precision():
            if hardware.is_first:
                with self._averaged() as model:
                    self.space.begin(model, self.step)
            try:
                while not self.is_finished and not hardware.highest(is_over()):
                    was_initial = self.constraint.is_initial
                    values = self.take_step()
                    if was_initial and not self.constraint.is_initial:
                        state = self.constraint
                        log.write(
                            "phase",
                            self.step,
                            {"best": state.best, "bound": state.bound, "relaxed": state.relaxed},
                        )
                        on_phase_end(state)
                    now = time.monotonic()
                    self.seconds = earlier + now - begun
                    if self.step % LOG_EVERY == 0 or self.is_finished:
                        log.write("step", self.step, values)
                        pace = (now - begun) / (self.step - first)
                        steps = self.config.optimiser.steps
                        on_progress(Progress(self.step, steps, self.seconds, pace, values))
                    is_time = self.step % self.evaluate_every == 0 or self.is_finished
                    if hardware.is_first and is_time:
                        log.write("validation", self.step, self.validate())
                        if figures := self.look(is_last=self.is_finished):
                            log.write("space", self.step, figures)
                    if now - saved >= checkpoint_seconds:
                        self.save()
                        saved = now
            finally:
                self.save()

    def take_step(self) -> dict[str, float | str | bool]:
        """Do one step and return what it measured."""
        config = self.config
        rate = config.optimiser.rate(self.step)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        weights = Weights(
            beta=self.constraint.beta,
            eta=self._eta(),
            free_nats=config.constraint.free_nats,
            teacher_share=config.optimiser.teacher_share(self.step),
        )
        generator = self.hardware.generator(config.seed, 1, self.step)
        self.optimiser.zero_grad(set_to_none=True)
        batch = self._batches.batch(self.step)
        total, metrics = loss(self.model, batch, weights, config.flatness, generator, self.hardware)
        total.backward()
        self.hardware.sum_gradients(self.model.parameters())
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.optimiser.clip)
        measured = metrics.to_floats()
        if not math.isfinite(measured["constraint"]) or not norm.isfinite():
            # Before the weights are touched: the checkpoint that is written now is a good one.
            raise FloatingPointError(
                f"loss or gradient is no longer a finite number at step {self.step + 1}; the run "
                "is saved as it was before; start anew from there with a smaller learning rate"
            )
        self.optimiser.step()
        self.step += 1
        self._average_weights()
        self.constraint = advance(
            self.constraint,
            measured["constraint"],
            self.step,
            config.optimiser.steps,
            config.constraint,
        )
        return {
            **measured,
            "average": self.constraint.average or 0.0,
            "bound": self.constraint.bound,
            "initial": self.constraint.is_initial,
            "beta": weights.beta,
            "eta": weights.eta,
            "learning_rate": rate,
        }

    def fits(self) -> bool:
        """Whether this process's share of a step fits into memory: tried, and nothing is changed.

        A process that ran out of memory within a step would leave the others waiting for it.
        """
        alone, size = self.hardware.alone, self.hardware.size
        config = self.config
        flatness = dataclasses.replace(
            config.flatness, points=math.ceil(config.flatness.points / size)
        )
        weights = Weights(1.0, 1.0, teacher_share=config.optimiser.teacher_share(self.step))
        generator = alone.generator(config.seed, 1, self.step)
        try:
            batch = self._batches.batch(self.step)
            own = batch[self.hardware.rows(len(batch))]
            loss(self.model, own, weights, flatness, generator, alone)[0].backward()
            # Adam's two moments, and the gradient once more as it is sent.
            rest = [torch.empty_like(each) for each in self.model.parameters() for _ in range(3)]
            del rest
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            return False
        finally:
            self.optimiser.zero_grad(set_to_none=True)
        return True

    def validate(self) -> dict[str, float | str | bool]:
        """Return how well the averaged weights give back phrases; see `Validation.figures`."""
        with self._averaged():  # with the bits of the run, as it learns
            return self._validation.figures(self.model)

    def look(self, *, is_last: bool) -> dict[str, float | str | bool]:
        """Look at the space of the averaged weights; see `fmvae_core.training.space.Space.look`."""
        with self._averaged() as model:
            return self.space.look(model, self.step, is_last)

    @contextmanager
    def _averaged(self) -> Iterator[RecurrentVAE]:
        """Put the averaged weights into the model, and its own back in the end.

        What is yielded has 32 bits, as frames, maps and bundles have; a run of 64 gives a copy.
        """
        own = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        self.model.load_state_dict(self.average)
        self.model.eval()
        try:
            yield self.model if self.hardware.dtype == torch.float32 else self._in_32_bits()
        finally:
            self.model.load_state_dict(own)
            self.model.train()

    def _in_32_bits(self) -> RecurrentVAE:
        model = RecurrentVAE(self.config.model).to(self.hardware.device)
        model.load_state_dict(self.average)
        return model.eval()

    def save(self) -> None:
        """Write the run's checkpoint, in the first process."""
        if not self.hardware.is_first:
            return
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        tensors |= {f"average.{name}": value for name, value in self.average.items()}
        tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        tensors |= optimiser_tensors(self.optimiser, self._names)
        checkpoint = Checkpoint(
            self.config, self.step, self.constraint, self.seconds, self._digest, tensors
        )
        save_checkpoint(checkpoint, self.run / CHECKPOINT_FILE)

    def _restore(self, checkpoint: Checkpoint) -> None:
        if checkpoint.corpus != self._digest:
            raise ValueError(
                f"the run in {self.run} was begun on another version of its corpus; give the same "
                "--data, or start a new run in another folder"
            )
        if checkpoint.config != self.config:
            raise ValueError(
                f"the run in {self.run} was begun with other settings; leave them out to resume, "
                "or start a new run in another folder"
            )
        self.model.load_state_dict(checkpoint.group("model"))
        self.average = {
            name: self.hardware.to_device(value)
            for name, value in checkpoint.group("average").items()
        }
        restore_optimiser(self.optimiser, self._names, checkpoint)
        self.constraint = checkpoint.constraint
        self.step = checkpoint.step
        self.seconds = checkpoint.seconds

    def _eta(self) -> float:
        end = self.constraint.phase_end
        # Without a gradient in the decoder, the space stays as flat as it is.
        if end is None or self.config.optimiser.learns == "encoder":
            return 0.0
        ramp = max(1, self.config.flatness.ramp)
        return self.config.flatness.eta * min(1.0, (self.step - end + 1) / ramp)

    @torch.no_grad()
    def _average_weights(self) -> None:
        # Early on the average follows faster, so that it does not remember the initial weights.
        past = min(self.config.optimiser.averaging, (1 + self.step) / (10 + self.step))
        for name, value in self.model.state_dict().items():
            self.average[name].lerp_(value, 1 - past)


def _check_shares(config: TrainingConfig, hardware: Hardware) -> None:
    size, batch, points = hardware.size, config.optimiser.batch_size, config.flatness.points
    if batch % size:
        raise ValueError(
            f"a batch of {batch} phrases cannot be shared evenly by {size} processes; "
            f"take a multiple of {size} for optimiser.batch_size"
        )
    if config.flatness.eta > 0 and min(points, batch) < size:
        raise ValueError(
            f"{size} processes need {size} mixup points or more, and flatness.points is {points}"
        )
