"""What several commands ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fmvae_core.files import resource

DEFAULT_BUNDLE = resource("models", "drums-2bar")

BundlePath = Annotated[
    Path, typer.Option("--bundle", help="Folder of the bundle.", show_default="drums-2bar")
]
SoundFont = Annotated[Path | None, typer.Option(help="SoundFont (.sf2, .sf3); the best if none.")]
DataPath = Annotated[
    Path | None,
    typer.Option("--data", help="Corpus as zip, folder or frames cache; downloaded if none."),
]
