"""``flatjam journal``: what a jam was, from the file that was written while it was played."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from fmvae_core.jam.journal import Journal


def journal(
    file: Annotated[Path, typer.Argument(metavar="TAKE.jsonl", help="The journal of a jam.")],
    midi: Annotated[
        Path | None,
        typer.Option(metavar="OUT.mid", help="Write it as MIDI: a track for each player."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file of an earlier call.")
    ] = False,
) -> None:
    """Print what happened in a jam, and write it as a MIDI file."""
    from rich.console import Console

    from fmvae_core.jam.export import write_midi_of
    from fmvae_core.jam.journal import read_journal

    take = read_journal(file)
    if midi is not None and midi.exists() and not force:
        raise ValueError(f"{midi} exists; choose another --midi, or add --force to replace it")
    console = Console()
    console.print(_table(take))
    if midi is not None:
        write_midi_of(take, midi)
        console.print(f"both players in {midi}", soft_wrap=True)


def _table(take: Journal) -> Table:
    from datetime import datetime

    from rich.table import Column, Table

    from fmvae_core.jam.records import Answered, End, HumanHit, Played, Trouble
    from fmvae_core.jam.rules import How

    table = Table("", Column("", overflow="fold"), show_header=False)
    began = datetime.fromtimestamp(take.head.wall)
    last = take.records[-1].time if take.records else take.head.time
    table.add_row("began", f"{began:%Y-%m-%d %H:%M}")
    table.add_row("length", f"{last - take.head.time:.0f} s")
    table.add_row("tempo", f"{take.head.tempo:g} bpm")
    table.add_row("mode", take.head.settings.mode.replace("_", " "))
    table.add_row("hits of the human", str(sum(isinstance(r, HumanHit) for r in take.records)))
    counts = Counter(record.how for record in take.records if isinstance(record, Played))
    for how in How:
        table.add_row(f"answers: {how}", str(counts[how]))
    answers = [record.answer for record in take.records if isinstance(record, Answered)]
    if answers:
        longest = max(answer.milliseconds for answer in answers)
        table.add_row("slowest answer", f"{longest:.0f} ms")
    for sha256 in dict.fromkeys(answer.bundle for answer in answers):
        table.add_row("model, SHA-256", sha256)
    for record in take.records:
        if isinstance(record, Trouble):
            table.add_row("trouble", record.text)
    if not any(isinstance(record, End) for record in take.records):
        table.add_row("end", "none: the take is going on, or its process was ended")
    return table
