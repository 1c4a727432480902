"""Commands that have a cluster work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fmvae_core.cli.options import DataPath

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from fmvae_core.cluster.sweep import Result, Sweep

_PATIENCE = 1.0  # seconds; who looks whether a run is going on holds its lock for a moment


def train_there(out: Path, *, detach: bool) -> None:
    """Have the cluster that a run's record names train it; show how it goes, or return at once."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    from fmvae_core.cluster.follow import follow
    from fmvae_core.files import alone_in
    from fmvae_core.runs.record import RunState, read_record
    from fmvae_core.runs.supervisor import start_run
    from fmvae_core.runs.words import duration_in_words, figure_in_words, state_in_words
    from fmvae_core.training.interrupts import interrupted

    console = Console()
    if detach:
        process = start_run(out)
        console.print(f"The run is in {out}; process {process.pid} sends and follows it.")
        return
    record = read_record(out)
    bar = Progress(
        MofNCompleteColumn(),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("{task.fields[words]}"),
        console=console,
        refresh_per_second=2,
    )

    def show(state: RunState) -> None:
        left = duration_in_words(state.remaining) if state.remaining else ""
        words = (
            state_in_words(state),
            left and f"{left} to go",
            figure_in_words(state),
            state.device,
            state.note,
        )
        bar.update(
            task,
            total=state.steps or None,
            completed=state.step,
            words="  ".join(filter(None, words)),
        )

    with alone_in(out, _PATIENCE), interrupted() as is_interrupted, bar:
        task = bar.add_task("", total=None, words="")
        state = follow(
            out,
            record,
            should_stop=is_interrupted,
            on_state=show,
            on_corpus=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if state.state == "finished":
        console.print(f"Finished. Make it a bundle with: flatjam bundle {out} --out FOLDER")
    elif state.state == "stopped":
        console.print(f"Stopped at step {state.step:,}; add --resume to go on.")
    else:
        console.print(state.reason, style="bold red")
        raise typer.Exit(1)


def sweep(
    search: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TABLE.NAME=DRAW",
            help="Draw a setting: choice(16, 32), uniform(a, b), loguniform(a, b), randint(a, b).",
        ),
    ] = None,
    space: Annotated[
        Path | None, typer.Option(help="TOML file with what to draw, in tables as in a preset.")
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="How many to try.")] = 20,
    scheduler: Annotated[
        Literal["none", "asha"], typer.Option(help="'asha' ends early what is among the worse.")
    ] = "none",
    metric: Annotated[
        str | None,
        typer.Option(help="Figure on validation phrases; hit_f1 or wrong_steps if none."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the sweep; one in the data folder if none.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with that in --out.")] = False,
    preset: Annotated[str, typer.Option(help="Row of the paper's Table 3.")] = "drums-2bar",
    size: Annotated[str, typer.Option(help="'paper', or a smaller one of the preset.")] = "study",
    variant: Annotated[str, typer.Option(help="Another model; ours if none.")] = "",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="TABLE.NAME=VALUE", help="Change a setting of the preset."),
    ] = None,
    corpus: Annotated[str | None, typer.Option(help="Corpus; the preset's if none.")] = None,
    drum_map: Annotated[str, typer.Option(help="Kit that played a midi_folder.")] = "roland-td-11",
    data: DataPath = None,
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option()] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="Of the CPU, for each trial.")] = 1,
    at_once: Annotated[
        int | None, typer.Option(min=1, help="Trials side by side on this machine.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of what is drawn.")] = 0,
    on: Annotated[
        str | None,
        typer.Option(metavar="http://HEAD:8265", help="Do it on a Ray cluster: docs/cluster.md."),
    ] = None,
    bundle: Annotated[
        Path | None, typer.Option(help="Folder of the best one's bundle; in --out if none.")
    ] = None,
) -> None:
    """Try a run with settings drawn at random, and make the best one a bundle."""
    from rich.console import Console

    from fmvae_core.cluster.head import checked
    from fmvae_core.cluster.sweep import keep_best, read_sweep, sweeps_dir, write_sweep
    from fmvae_core.files import alone_in
    from fmvae_core.runs.store import new_run_folder

    console = Console()
    if resume:
        if out is None:
            raise ValueError(f"name the sweep to go on with in --out; they are in {sweeps_dir()}")
        wanted = read_sweep(out)
    else:
        wanted = _sweep(
            _searched(search or [], space),
            trials,
            scheduler,
            metric,
            seed,
            *(preset, size, variant, settings or [], corpus, drum_map, data, device, threads),
            on=None if on is None else checked(on),
        )
        out = out or new_run_folder(preset, sweeps_dir())
        if (out / "sweep.json").exists():
            raise ValueError(f"{out} already holds a sweep; add --resume, or choose another --out")
    with alone_in(out, _PATIENCE):
        if not resume:
            write_sweep(out, wanted)
        console.print(f"The sweep is in {out}")
        found = _do(out, wanted, at_once, console)
        console.print(_table(found, wanted))
        if not all(result.is_over for result in found):
            console.print(f"Not all is done; go on with: flatjam sweep --resume --out {out}")
            raise typer.Exit(1)
        if not found or found[0].figure is None:
            raise ValueError(
                "no trial has got as far as an evaluation. "
                + next((result.reason for result in found if result.reason), "")
            )
        run = new_run_folder(f"best of {out.name}")
        keep_best(out, found[0], wanted, run)
    from fmvae_core.training.publish import publish

    made = publish(run, bundle or out / "bundle", on_stage=console.print)
    console.print(f"The best is the run {run}, and the bundle {made.path}")


def _do(out: Path, wanted: Sweep, at_once: int | None, console: Console) -> list[Result]:
    """Do what is left of a sweep, here or on its cluster, and show how it goes."""
    from rich.live import Live

    from fmvae_core.training.interrupts import interrupted

    with Live(console=console, transient=True, refresh_per_second=2) as live:

        def show(found: list[Result]) -> None:
            live.update(_table(found, wanted))

        if wanted.cluster is not None:
            from fmvae_core.cluster.follow_sweep import follow_sweep

            with interrupted() as is_interrupted:
                return follow_sweep(
                    out,
                    wanted,
                    wanted.cluster,
                    should_stop=is_interrupted,
                    on_results=show,
                    on_note=console.print,
                )
        from fmvae_core.cluster.here import sweep_here

        return sweep_here(out, wanted, at_once, show)


def _sweep(
    search: dict[str, str],
    trials: int,
    scheduler: Literal["none", "asha"],
    metric: str | None,
    seed: int,
    preset: str,
    size: str,
    variant: str,
    settings: list[str],
    corpus: str | None,
    drum_map: str,
    data: Path | None,
    device: str,
    threads: int,
    *,
    on: str | None,
) -> Sweep:
    import dataclasses

    from fmvae_core.cli.training import overrides
    from fmvae_core.cluster.sweep import Sweep, default_metric
    from fmvae_core.runs.record import RunRecord
    from fmvae_core.training.config import load_preset

    config = load_preset(preset, size, overrides(settings), variant=variant)
    if corpus is not None:
        config = dataclasses.replace(config, corpus=corpus)
    record = RunRecord(
        name=" ".join(filter(None, (preset, variant, size))),
        config=config,
        data=None if data is None else str(data.resolve()),
        drum_map=drum_map,
        device=device,
        threads=threads,
    )
    chosen = metric or default_metric(config.model.representation)
    made = Sweep(record, search, trials, scheduler, chosen, seed, on)
    made.check()
    return made


def _searched(search: list[str], space: Path | None) -> dict[str, str]:
    from fmvae_core.cluster.sweep import read_space

    found = {} if space is None else read_space(space)
    for entry in search:
        name, equals, draw = entry.partition("=")
        if not equals or "." not in name:
            raise ValueError(
                f"'{entry}' is not TABLE.NAME=DRAW; write for example "
                "model.latent_dim=choice(16, 32)"
            )
        found[name.strip()] = draw
    return found


def _table(found: list[Result], sweep: Sweep) -> Table:
    from rich.table import Table

    from fmvae_core.runs.words import STATES

    table = Table("trial", "state", "step", sweep.metric, *sweep.search)
    for result in found:
        figure = "–" if result.figure is None else f"{result.figure:.4f}"
        values = (
            f"{value:.4g}" if isinstance(value, float) else str(value)
            for value in result.values.values()
        )
        table.add_row(str(result.number), STATES[result.state], f"{result.step:,}", figure, *values)
    return table
