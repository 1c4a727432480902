"""Commands about bundles."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fmvae_core.cli.options import DEFAULT_BUNDLE, DataPath


def info(
    bundle: Annotated[
        Path, typer.Argument(help="Folder of the bundle.", show_default="drums-2bar")
    ] = DEFAULT_BUNDLE,
    as_json: Annotated[bool, typer.Option("--json", help="Print the card as JSON.")] = False,
) -> None:
    """Print what a bundle is and how well it does: its card."""
    from fmvae_core.cli.tables import card_tables
    from fmvae_core.models.bundle import Bundle

    opened = Bundle.open(bundle)
    if as_json:
        import json

        typer.echo(json.dumps(opened.card, indent=2, ensure_ascii=False))
        return
    from rich.console import Console

    console = Console()
    for table in card_tables(opened):
        console.print(table)


def bundle(
    run: Annotated[Path, typer.Argument(help="Folder of the run.")],
    out: Annotated[Path, typer.Option(help="Folder of the bundle.")],
    name: Annotated[str | None, typer.Option(help="Of the bundle; the preset's if none.")] = None,
    data: DataPath = None,
) -> None:
    """Measure a trained model and make it a bundle, ready to play."""
    from rich.console import Console

    from fmvae_core.cli.tables import card_tables
    from fmvae_core.training.publish import publish

    console = Console()
    with console.status("") as status:
        made = publish(run, out, name=name, data=data, on_stage=status.update)
    for table in card_tables(made):
        console.print(table)
