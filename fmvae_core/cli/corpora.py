"""Commands about corpora."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fmvae_core.cli.options import DataPath

if TYPE_CHECKING:
    from rich.table import Table

    from fmvae_core.data.corpus import Corpus


def fetch(
    corpus: Annotated[Literal["groove"], typer.Argument(help="Which corpus.")],
) -> None:
    """Download a corpus into the cache, once."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

    from fmvae_core.data.download import groove_zip

    with Progress(BarColumn(), DownloadColumn(), TransferSpeedColumn(), transient=True) as bar:
        task = bar.add_task(corpus, total=None)
        path = groove_zip(lambda done, total: bar.update(task, completed=done, total=total))
    typer.echo(f"{corpus} is in {path}")


def corpus(
    name: Annotated[
        str,
        typer.Argument(help="groove, ryans_mammoth, cello_suites, midi_folder or sequences."),
    ],
    data: DataPath = None,
    representation: Annotated[
        Literal["drums", "melody"], typer.Option(help="What to read of a midi_folder.")
    ] = "drums",
    drum_map: Annotated[str, typer.Option(help="Kit that played a midi_folder.")] = "roland-td-11",
    track: Annotated[
        int | None, typer.Option(min=1, help="Track with a midi_folder's melody; all if none.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Frames cache (.safetensors) to write, to train from.")
    ] = None,
) -> None:
    """Open a corpus: what is in it, and what was skipped and why."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress

    from fmvae_core.data.corpus import CorpusError, save_corpus
    from fmvae_core.data.sources import FRAMES_CACHE_SUFFIX, open_corpus

    if out is not None and out.suffix != FRAMES_CACHE_SUFFIX:
        raise CorpusError(f"{out} would not be found as a frames cache; end it in .safetensors")
    console = Console()
    with Progress(BarColumn(), MofNCompleteColumn(), console=console, transient=True) as bar:
        task = bar.add_task(name, total=None)
        opened = open_corpus(
            name,
            data,
            lambda done, total: bar.update(task, completed=done, total=total),
            representation=representation,
            drum_map=drum_map,
            track=track,
        )
    for table in _corpus_tables(opened):
        console.print(table)
    if out is not None:
        save_corpus(opened, out)
        console.print(f"frames in {out}", soft_wrap=True)


def _corpus_tables(opened: Corpus) -> list[Table]:
    from rich.table import Table

    from fmvae_core.data.corpus import MIN_ONSETS, SPLITS

    contents = Table("", *SPLITS, "all", title=f"{opened.name}: {opened.representation}")
    pieces = [sum(piece.split == split for piece in opened.performances) for split in SPLITS]
    contents.add_row("performances", *(f"{count:,}" for count in [*pieces, sum(pieces)]))
    for bars in (2, 4):
        phrases = [len(opened.windows(bars, split)) for split in SPLITS]
        counts = (f"{count:,}" for count in [*phrases, sum(phrases)])
        contents.add_row(f"phrases of {bars} bars", *counts)
        left_out = [opened.left_out(bars, split) for split in (*SPLITS, None)]
        contents.add_row("  shorter performances", *(f"{part.short:,}" for part in left_out))
        contents.add_row(f"  under {MIN_ONSETS} onsets", *(f"{part.sparse:,}" for part in left_out))
    skipped = Table("skipped because", "files")
    for reason, count in sorted(opened.skipped.items(), key=lambda item: -item[1]):
        skipped.add_row(reason, f"{count:,}")
    return [contents, skipped] if opened.skipped else [contents]
