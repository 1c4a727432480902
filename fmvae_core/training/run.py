"""A run from the command line: start or resume, show progress, stop cleanly."""

from __future__ import annotations

import dataclasses
import math
from datetime import datetime
from pathlib import Path
from typing import Any, TypedDict, Unpack

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

from fmvae_core.files import alone_in
from fmvae_core.music.drums import DEFAULT_DRUM_MAP
from fmvae_core.runs.files import CHECKPOINT_FILE, RECORD_FILE
from fmvae_core.runs.orders import write_order
from fmvae_core.runs.record import RunRecord, read_record, write_record
from fmvae_core.training import trainer
from fmvae_core.training.checkpoint import load_checkpoint
from fmvae_core.training.choices import Precision
from fmvae_core.training.config import HoldOut, TrainingConfig, changed, load_preset
from fmvae_core.training.constraint import ConstraintState
from fmvae_core.training.hardware import Hardware
from fmvae_core.training.interrupts import interrupted
from fmvae_core.training.steering import Watcher, follow, steer
from fmvae_core.training.trainer import Trainer

_PATIENCE = 1.0  # seconds; who looks whether a run is going on holds its lock for a moment


class Computing(TypedDict, total=False):
    """What a run computes with; what is left out is the record's, or its default in a new one."""

    device: str
    devices: int
    nodes: int
    precision: Precision
    deterministic: bool
    threads: int | None


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
    bundle: Path | None = None,
) -> TrainingConfig:
    """Return what a run shall do: its own configuration if it is resumed, else the preset's.

    With a bundle it is that of fine-tuning; preset, size and variant are then the bundle's own.

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
    if resume and (out / RECORD_FILE).exists():
        return read_record(out).config
    if bundle is not None:
        from fmvae_core.models.bundle import Bundle
        from fmvae_core.training.fine_tune import fine_tuning

        opened = Bundle.open(bundle)
        config = fine_tuning(opened, corpus or str(opened.card["data"]["corpus"]))
        return changed(config, overrides or {})
    config = load_preset(preset, size, overrides, variant=variant, hold_out=hold_out, seed=seed)
    return config if corpus is None else dataclasses.replace(config, corpus=corpus)


def train(
    config: TrainingConfig,
    out: Path,
    *,
    data: Path | None = None,
    drum_map: str = DEFAULT_DRUM_MAP,
    max_minutes: float = math.inf,
    bundle: Path | None = None,
    yields_to_jams: bool = False,
    console: Console | None = None,
    **computing: Unpack[Computing],
) -> Trainer:
    """Train in the foreground until the plan is fulfilled, the time is up, or Ctrl-C.

    In each case a checkpoint is written, and the same call goes on from it. A window sees the run
    and can pause it, if its folder is among the runs.

    Parameters
    ----------
    config
        See `configure`.
    out
        Folder of the run.
    data
        See `fmvae_core.data.sources.open_corpus`.
    drum_map
        Kit that played a folder of MIDI files.
    max_minutes
        Of this call.
    bundle
        Whose weights to begin with; see `fmvae_core.training.fine_tune`.
    yields_to_jams
        Whether to wait while a jam goes on.
    console
        Where progress is shown.
    **computing
        See `fmvae_core.runs.record.RunRecord`.
    """
    console = console or Console()
    with alone_in(out, _PATIENCE):
        record = describe(config, out, data=data, drum_map=drum_map, bundle=bundle, **computing)
        return _train(record, out, max_minutes, yields_to_jams, console)


def describe(
    config: TrainingConfig,
    out: Path,
    *,
    data: Path | None = None,
    drum_map: str = DEFAULT_DRUM_MAP,
    bundle: Path | None = None,
    cluster: str | None = None,
    **computing: Unpack[Computing],
) -> RunRecord:
    """Write what a run shall do, new or resumed, into its folder, and return it; see `train`."""
    if (out / RECORD_FILE).exists():
        record = read_record(out)
        if data is not None:
            record = dataclasses.replace(record, data=str(data.resolve()))
        record = dataclasses.replace(record, config=config, cluster=cluster, **computing)
    else:
        record = RunRecord(
            name=" ".join(filter(None, (config.preset, config.variant, config.size))),
            config=config,
            data=None if data is None else str(data.resolve()),
            drum_map=drum_map,
            bundle=None if bundle is None else str(bundle.resolve()),
            cluster=cluster,
            created=datetime.now().isoformat(timespec="seconds"),
            **computing,
        )
    write_record(out, record)
    write_order(out, "run")
    return record


def take_part(hardware: Hardware) -> None:
    """Do the steps of a run of which another process is the first, until it ends."""
    with interrupted() as is_interrupted:
        follow(hardware, is_interrupted)


def _train(
    record: RunRecord, out: Path, max_minutes: float, yields_to_jams: bool, console: Console
) -> Trainer:
    config = record.config

    def introduce(run: Trainer) -> None:
        model = " ".join(filter(None, (config.preset, config.variant)))
        console.print(
            f"{model}, size {config.size}, on {run.hardware}: {run.parameter_count:,} "
            f"parameters, {run.phrase_count:,} phrases, batches of "
            f"{run.config.optimiser.batch_size}, step {run.step:,} of {config.optimiser.steps:,}"
        )
        bar.update(task, total=config.optimiser.steps, completed=run.step, figures="")

    def show(progress: trainer.Progress) -> None:
        bar.update(task, completed=progress.step, figures=_figures(progress.values))

    with interrupted() as is_interrupted, _progress_bar(console) as bar:
        task = bar.add_task("", total=None, figures=f"corpus {config.corpus}")
        run = steer(
            out,
            record,
            Watcher(
                on_corpus=lambda done, total: bar.update(task, completed=done, total=total),
                on_trainer=introduce,
                on_progress=show,
                on_phase_end=lambda state: console.print(_phase_end(state, config)),
                should_stop=is_interrupted,
            ),
            max_seconds=60.0 * max_minutes,
            yields_to_jams=yields_to_jams,
        )
    if run.is_finished:
        console.print(f"Finished. Make it a bundle with: flatjam bundle {out} --out FOLDER")
    else:
        console.print(f"Stopped at step {run.step:,}; add --resume to go on.")
    return run


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
