"""A run from the command line: start or resume, show progress, stop cleanly."""

from __future__ import annotations

import dataclasses
import math
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from fmvae_core.data.corpus import Corpus
from fmvae_core.data.sources import open_corpus
from fmvae_core.files import alone_in
from fmvae_core.training import trainer
from fmvae_core.training.checkpoint import load_checkpoint
from fmvae_core.training.config import HoldOut, TrainingConfig, load_preset
from fmvae_core.training.constraint import ConstraintState
from fmvae_core.training.hardware import Hardware
from fmvae_core.training.trainer import CHECKPOINT_FILE, Trainer


def configure(
    preset: str,
    size: str,
    out: Path,
    *,
    resume: bool = False,
    variant: str = "",
    corpus: str | None = None,
    hold_out: HoldOut | None = None,
    seed: int = 0,
    overrides: dict[str, dict[str, Any]] | None = None,
) -> TrainingConfig:
    """Return what a run shall do: its own configuration if it is resumed, else the preset's.

    Raises
    ------
    ValueError
        If the folder already holds a run and `resume` is not set, or the preset does not exist.
    """
    checkpoint = out / CHECKPOINT_FILE
    if checkpoint.exists():
        if not resume:
            raise ValueError(
                f"{out} already holds a run; add --resume to go on with it, or choose another --out"
            )
        return load_checkpoint(checkpoint).config
    config = load_preset(preset, size, overrides, variant=variant, hold_out=hold_out, seed=seed)
    return config if corpus is None else dataclasses.replace(config, corpus=corpus)


def train(
    config: TrainingConfig,
    out: Path,
    *,
    data: Path | None = None,
    device: str = "auto",
    max_minutes: float = math.inf,
    threads: int | None = None,
    console: Console | None = None,
) -> Trainer:
    """Train in the foreground until the plan is fulfilled, the time is up, or Ctrl-C.

    In each case a checkpoint is written, and the same call goes on from it.

    Parameters
    ----------
    config
        See `configure`.
    out
        Folder of the run.
    data
        See `fmvae_core.data.sources.open_corpus`.
    device
        ``auto``, ``cpu`` or ``cuda``.
    max_minutes
        Of this call.
    threads
        Of the CPU; all but one by default, so that the machine stays usable.
    console
        Where progress is shown.
    """
    console = console or Console()
    torch.set_num_threads(threads or max(1, (os.cpu_count() or 2) - 1))
    hardware = Hardware.choose(device)
    with alone_in(out):
        return _train(config, out, data, hardware, max_minutes, console)


def _train(
    config: TrainingConfig,
    out: Path,
    data: Path | None,
    hardware: Hardware,
    max_minutes: float,
    console: Console,
) -> Trainer:
    corpus = _corpus(config, data, console)
    run = Trainer(config, corpus, out, hardware, resume=True)
    model = " ".join(filter(None, (config.preset, config.variant)))
    console.print(
        f"{model}, size {config.size}, on {hardware.device}: {run.parameter_count:,} parameters, "
        f"{run.phrase_count:,} phrases, step {run.step:,} of {config.optimiser.steps:,}"
    )
    with _interrupted() as is_interrupted, _progress_bar(console) as bar:
        task = bar.add_task("", total=config.optimiser.steps, completed=run.step, figures="")

        def show(progress: trainer.Progress) -> None:
            bar.update(task, completed=progress.step, figures=_figures(progress.values))

        def tell(state: ConstraintState) -> None:
            console.print(_phase_end(state, config))

        run.train(
            max_seconds=60.0 * max_minutes,
            should_stop=is_interrupted,
            on_progress=show,
            on_phase_end=tell,
        )
    if run.is_finished:
        console.print(f"Finished. Make it a bundle with: flatjam bundle {out} --out FOLDER")
    else:
        console.print(f"Stopped at step {run.step:,}; add --resume to go on.")
    return run


def _corpus(config: TrainingConfig, data: Path | None, console: Console) -> Corpus:
    with Progress(
        TextColumn("[dim]{task.description}"), BarColumn(), console=console, transient=True
    ) as bar:
        task = bar.add_task(f"corpus {config.corpus}", total=None)
        return open_corpus(
            config.corpus,
            data,
            lambda done, total: bar.update(task, completed=done, total=total),
            representation=config.model.representation,
        )


def _progress_bar(console: Console) -> Progress:
    return Progress(
        MofNCompleteColumn(),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[figures]}"),
        console=console,
        refresh_per_second=2,
        speed_estimate_period=300,
    )


def _phase_end(state: ConstraintState, config: TrainingConfig) -> str:
    goal = config.constraint.kappa**2
    ended = f"The initial phase ended at step {state.phase_end:,}"
    if state.best < goal:
        return f"{ended}; flatness begins."
    return (
        f"[yellow]{ended} without reaching κ² = {goal:.4f} (best {state.best:.4f}); "
        f"the bound is now {state.bound:.4f}, and flatness begins."
    )


def _figures(values: dict[str, float | str | bool]) -> str:
    phase = " initial" if values["initial"] else ""
    return (
        f"C {values['average']:.4f} (κ² {values['bound']:.4f}{phase})  KL {values['kl']:.1f}  "
        f"β {values['beta']:.2g}  flatness {values['flatness']:.3f}  c² {values['scale']:.3g}"
    )


@contextmanager
def _interrupted() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C or SIGTERM into a wish to stop after the step; a second is itself."""
    asked = False

    def ask(signum: int, frame: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    earlier = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
