"""``flatjam journal``: what a jam was, from the file that was written while it was played."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fmvae_core.cli.options import DEFAULT_BUNDLE, BundlePath, SoundFont

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from fmvae_core.jam.journal import Journal


def journal(
    file: Annotated[Path, typer.Argument(metavar="TAKE.jsonl", help="The journal of a jam.")],
    midi: Annotated[
        Path | None,
        typer.Option(metavar="OUT.mid", help="Write it as MIDI: a track for each player."),
    ] = None,
    wav: Annotated[
        Path | None, typer.Option(metavar="OUT.wav", help="Write it as sound, both players.")
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Play the hits through the rules and the model again: the same has to come out.",
        ),
    ] = False,
    bundle: BundlePath = DEFAULT_BUNDLE,
    soundfont: SoundFont = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file of an earlier call.")
    ] = False,
) -> None:
    """Print what happened in a jam, check it, and write it as MIDI and sound."""
    from rich.console import Console

    from fmvae_core.jam.export import write_midi_of
    from fmvae_core.jam.journal import read_journal

    take = read_journal(file)
    for out, option in ((midi, "--midi"), (wav, "--wav")):
        if out is not None and out.exists() and not force:
            raise ValueError(f"{out} exists; choose another {option}, or add --force to replace it")
    console = Console()
    console.print(_table(take))
    if midi is not None:
        write_midi_of(take, midi)
        console.print(f"both players in {midi}", soft_wrap=True)
    if wav is not None:
        from fmvae_core.live.render_take import render_take

        with _progress(console, "sound") as report:
            render_take(take, wav, soundfont, progress=report)
        console.print(f"both players in {wav}", soft_wrap=True)
    if check:
        _check(console, take, bundle)


@contextmanager
def _progress(console: Console, what: str) -> Iterator[Callable[[int, int], None]]:
    from rich.progress import Progress

    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _check(console: Console, take: Journal, bundle: Path) -> None:
    """Tell whether the take comes out the same again; end with 1 if it does not."""
    from fmvae_core.jam.check import answer_differences, differences
    from fmvae_core.jam.records import Answered
    from fmvae_core.models.bundle import Bundle

    found = list(differences(take))
    if not found:
        console.print("the rules: the same turns, requests and answers played")
    opened = Bundle.open(bundle)
    answers = [record.answer for record in take.records if isinstance(record, Answered)]
    ours = sum(answer.bundle == opened.sha256 for answer in answers)
    if ours:
        from fmvae_core.inference.networks import Networks  # torch takes seconds to load
        from fmvae_core.inference.partner import MachinePlayer

        machine = MachinePlayer(opened, Networks(opened))
        again = []
        with _progress(console, "answers") as report:
            for told in answer_differences(take, opened.sha256, machine.answer):
                again.append(told)
                report(len(again), ours)
        same = again.count(None)
        found += [told for told in again if told is not None]
        console.print(f"{opened.name}: {same} of {ours} answers the same")
    for sha256 in dict.fromkeys(answer.bundle for answer in answers):
        if sha256 != opened.sha256:
            console.print(
                f"the answers of model {sha256[:12]} were not checked; name it with --bundle",
                soft_wrap=True,
            )
    for told in found:
        console.print(told, style="bold red", soft_wrap=True, markup=False)
    if found:
        raise typer.Exit(1)


def _table(take: Journal) -> Table:
    from datetime import datetime

    from rich.table import Column, Table

    from fmvae_core.jam.records import Answered, End, HumanHit, HumanKey, Played, Trouble
    from fmvae_core.jam.rules import How

    table = Table("", Column("", overflow="fold"), show_header=False)
    began = datetime.fromtimestamp(take.head.wall)
    last = take.records[-1].time if take.records else take.head.time
    table.add_row("began", f"{began:%Y-%m-%d %H:%M}")
    table.add_row("length", f"{last - take.head.time:.0f} s")
    table.add_row("tempo", f"{take.head.tempo:g} bpm")
    table.add_row("mode", take.head.settings.mode.replace("_", " "))
    is_drums = take.head.settings.plays == "drums"
    played = sum(isinstance(r, (HumanHit, HumanKey)) and r.velocity > 0 for r in take.records)
    table.add_row(f"{'hits' if is_drums else 'keys'} of the human", str(played))
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
