"""Commands that train."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from fmvae_core.cli.options import DataPath

if TYPE_CHECKING:
    from fmvae_core.training.config import HoldOut


def train(
    out: Annotated[Path, typer.Option(help="Folder of the run.")],
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
    hold_out: Annotated[
        str | None,
        typer.Option(metavar="ATTRIBUTE:SHARE", help="Keep the middle of an attribute from it."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    max_minutes: Annotated[
        float | None, typer.Option(min=0, help="Stop after this long; --resume goes on.")
    ] = None,
    data: DataPath = None,
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option()] = "auto",
    threads: Annotated[
        int | None, typer.Option(min=1, help="Of the CPU; all but one if none.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of a new run.")] = 0,
) -> None:
    """Train a model. Ctrl-C writes a checkpoint and stops."""
    import math

    from fmvae_core.training import run

    config = run.configure(
        preset,
        size,
        out,
        resume=resume,
        variant=variant,
        corpus=corpus,
        hold_out=None if hold_out is None else _hold_out(hold_out),
        seed=seed,
        overrides=_overrides(settings or []),
    )
    minutes = math.inf if max_minutes is None else max_minutes
    run.train(config, out, data=data, device=device, max_minutes=minutes, threads=threads)


def _overrides(settings: list[str]) -> dict[str, dict[str, Any]]:
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
