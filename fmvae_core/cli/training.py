"""Commands that train."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fmvae_core.cli.options import DataPath
from fmvae_core.training.choices import Device, Precision

if TYPE_CHECKING:
    from fmvae_core.training.config import HoldOut


def train(
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the run; a new one where the window finds it, if none."),
    ] = None,
    preset: Annotated[str, typer.Option(help="Row of the paper's Table 3.")] = "drums-2bar",
    size: Annotated[str, typer.Option(help="'paper', or a smaller one of the preset.")] = "paper",
    variant: Annotated[
        str, typer.Option(help="Another model on the same data, such as music-vae; ours if none.")
    ] = "",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="TABLE.NAME=VALUE", help="Change a setting of the preset."),
    ] = None,
    corpus: Annotated[
        str | None, typer.Option(help="Corpus to learn, such as midi_folder; the preset's if none.")
    ] = None,
    drum_map: Annotated[str, typer.Option(help="Kit that played a midi_folder.")] = "roland-td-11",
    fine_tune: Annotated[
        Path | None,
        typer.Option(metavar="BUNDLE", help="Begin with the weights of a bundle, for a short run."),
    ] = None,
    hold_out: Annotated[
        str | None,
        typer.Option(metavar="ATTRIBUTE:SHARE", help="Keep the middle of an attribute from it."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    max_minutes: Annotated[
        float | None, typer.Option(min=0, help="Stop after this long; --resume goes on.")
    ] = None,
    data: DataPath = None,
    device: Annotated[Device, typer.Option(help="'auto' is cuda where there is one.")] = "auto",
    devices: Annotated[
        int, typer.Option(min=1, help="GPUs of a machine, which share each batch.")
    ] = 1,
    nodes: Annotated[int, typer.Option(min=1, help="Machines; start it on each of them.")] = 1,
    precision: Annotated[
        Precision, typer.Option(help="Of encoder and decoder; never of flatness.")
    ] = "32-true",
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="The same bits each time, maybe slower.")
    ] = False,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Of the CPU; all but one if none.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of a new run.")] = 0,
    on: Annotated[
        str | None,
        typer.Option(
            metavar="http://HEAD:8265", help="Train it on a Ray cluster: docs/cluster.md."
        ),
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="With --on: return at once; 'flatjam runs' tells more.")
    ] = False,
) -> None:
    """Train a model. Ctrl-C writes a checkpoint and stops. It waits while a jam goes on."""
    import math

    from fmvae_core.runs.store import new_run_folder, runs_dir
    from fmvae_core.training import run
    from fmvae_core.training.hardware import Hardware

    if on is None:
        hardware = Hardware.choose(
            device, devices=devices, nodes=nodes, precision=precision, deterministic=deterministic
        )
        if not hardware.is_first:
            run.take_part(hardware)
            return
    computing = run.Computing(
        device=device,
        devices=devices,
        nodes=nodes,
        precision=precision,
        deterministic=deterministic,
        threads=threads,
    )
    config = run.configure(
        preset,
        size,
        out or runs_dir(),
        resume=resume,
        variant=variant,
        corpus=corpus,
        hold_out=None if hold_out is None else _hold_out(hold_out),
        seed=seed,
        overrides=overrides(settings or []),
        bundle=fine_tune,
    )
    out = out or new_run_folder(preset if fine_tune is None else f"{fine_tune.name} tuned")
    minutes = math.inf if max_minutes is None else max_minutes
    if on is not None:
        from fmvae_core.cli.cluster import train_there
        from fmvae_core.cluster.head import checked

        if max_minutes is not None:
            raise ValueError("--max-minutes is for runs on this machine; leave it out with --on")
        run.describe(
            config,
            out,
            data=data,
            drum_map=drum_map,
            bundle=fine_tune,
            cluster=checked(on),
            **computing,
        )
        train_there(out, detach=detach)
        return
    run.train(
        config,
        out,
        data=data,
        drum_map=drum_map,
        max_minutes=minutes,
        bundle=fine_tune,
        yields_to_jams=True,
        **computing,
    )


def runs() -> None:
    """List the runs of this machine, the newest first: how each stands and how well it does."""
    from rich.console import Console
    from rich.table import Table

    from fmvae_core.runs.store import list_runs, runs_dir
    from fmvae_core.runs.words import figure_in_words, state_in_words

    found = list_runs()
    console = Console()
    if not found:
        console.print(f"There are no runs in {runs_dir()}; 'flatjam train' makes one.")
        return
    table = Table("run", "state", "corpus", "size", "figures", "tags", "folder")
    for run in found:
        config = run.record.config
        table.add_row(
            run.record.name,
            state_in_words(run.state),
            config.corpus,
            config.size,
            figure_in_words(run.state),
            ", ".join(run.record.tags),
            run.folder.name,
        )
    console.print(table)


def overrides(settings: list[str]) -> dict[str, dict[str, Any]]:
    """Return changes by table of settings like ``flatness.eta=100``; values are as in TOML."""
    import tomllib

    tables: dict[str, dict[str, Any]] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        table, dot, key = name.partition(".")
        try:
            if not (equals and dot):
                raise ValueError
            tables.setdefault(table, {})[key] = tomllib.loads(f"value = {value}")["value"]
        except ValueError:
            raise ValueError(
                f"'{setting}' is not TABLE.NAME=VALUE; write for example flatness.eta=100 or "
                'flatness.form="paper"'
            ) from None
    return tables


def _hold_out(text: str) -> HoldOut:
    from fmvae_core.training.config import HoldOut

    attribute, _, share = text.partition(":")
    try:
        return HoldOut(attribute, float(share))
    except ValueError as error:
        raise ValueError(
            f"--hold-out is ATTRIBUTE:SHARE, for example density:0.5 ({error})"
        ) from None
