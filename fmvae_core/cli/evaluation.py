"""Commands that measure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fmvae_core.cli.options import DataPath


def evaluate(
    bundles: Annotated[list[Path], typer.Argument(metavar="BUNDLE...", help="Ours first.")],
    out: Annotated[Path, typer.Option(help="Folder of the report.")],
    data: DataPath = None,
    threads: Annotated[int, typer.Option(min=1, help="Of the CPU.")] = 1,
) -> None:
    """Measure bundles as the paper does, and write a report: HTML, Markdown and JSON."""
    import time

    import torch
    from rich.console import Console

    from fmvae_core.data.sources import open_corpus
    from fmvae_core.evaluation.measure import configuration, measure
    from fmvae_core.evaluation.report.content import report
    from fmvae_core.evaluation.report.pictures import require_matplotlib
    from fmvae_core.evaluation.report.write import by_bundle, write_report
    from fmvae_core.models.bundle import Bundle

    require_matplotlib()
    opened = [Bundle.open(path) for path in bundles]
    learnt = [configuration(bundle) for bundle in opened]
    names = [config.corpus for config in learnt]
    if data is not None and len(set(names)) > 1:
        raise ValueError(
            f"the bundles learnt from different corpora ({', '.join(sorted(set(names)))}), and "
            "--data can name but one; evaluate them in two calls"
        )
    torch.set_num_threads(threads)
    console = Console()
    measured = []
    with console.status("") as status:
        corpora = {}
        for bundle, config in zip(opened, learnt, strict=True):
            name = config.corpus
            if name not in corpora:
                status.update(f"reading the corpus {name}")
                corpora[name] = open_corpus(name, data, representation=config.model.representation)
            measured.append(
                measure(
                    bundle,
                    corpora[name],
                    lambda stage, name=bundle.name: status.update(f"{name}: {stage}"),  # type: ignore[misc]
                )
            )
        status.update("drawing")
        made = report(
            "How flat, how smooth",
            f"Measured with Flatjam on {time.strftime('%Y-%m-%d')}: "
            f"{', '.join(dict.fromkeys(one.name for one in measured))}.",
            [(one.subject, one) for one in measured],
        )
        write_report(made, by_bundle(measured), out)
    console.print(f"{out / 'report.html'}", soft_wrap=True)


def reproduce(
    out: Annotated[Path, typer.Option(help="Folder of the queue; the same call goes on with it.")],
    only: Annotated[
        str, typer.Option(help="Of fig2, table1, table2, with commas; all if none.")
    ] = "fig2,table1,table2",
    size: Annotated[str, typer.Option(help="'paper', or a smaller one of the presets.")] = "study",
    data: Annotated[
        Path | None, typer.Option(help="Folder that holds the corpora; fetched if none.")
    ] = None,
    report: Annotated[
        bool, typer.Option("--report", help="Train nothing: write down what there is.")
    ] = False,
    max_minutes: Annotated[
        float | None, typer.Option(min=0, help="Stop after this long; the same call goes on.")
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="Trainings at a time.")] = 2,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Train and measure everything behind the paper's figures and tables. Ctrl-C stops, to resume.

    One call at a time may use a folder. Each row of the queue is a process of one thread, with a
    folder of its own that holds run, bundle, result.json and log.
    """
    import math
    import signal
    import time

    from rich.console import Console
    from rich.table import Table

    from fmvae_core.evaluation.report.pictures import require_matplotlib
    from fmvae_core.reproduce.queue import Outcome, Queue
    from fmvae_core.reproduce.results import write_results
    from fmvae_core.reproduce.rows import place, rows

    require_matplotlib()
    chosen = rows([name.strip() for name in only.split(",") if name.strip()])
    for row in chosen:
        row.configuration(size)  # says now if there is no such size
    console = Console()
    outcome = Outcome()
    if not report:
        # To be ended is to be interrupted: no training is left running, or lost.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        until = math.inf if max_minutes is None else time.monotonic() + 60 * max_minutes

        def tell(key: str, state: str) -> None:
            console.print(f"{time.strftime('%H:%M')}  {state:9} {key}", soft_wrap=True)

        queue = Queue(out, size, data, processes, device)
        outcome = queue.work_off(
            chosen, should_stop=lambda: time.monotonic() >= until, on_change=tell
        )
    with console.status("writing the report"):
        write_results(out, size, chosen)
    table = Table("row", "state")
    for row in chosen:
        state = "[dim]not run[/dim]"
        if place(out, size, row).measured is not None:
            state = "[green]finished[/green]"
        elif row.key in outcome.failed:
            state = "[red]failed[/red]"
        elif place(out, size, row).run.exists():
            state = "begun"
        table.add_row(row.key, state)
    console.print(table)
    console.print(f"{out / 'report.html'}", soft_wrap=True)
    if outcome.failed:
        key, reason = next(iter(outcome.failed.items()))
        raise ValueError(
            f"{len(outcome.failed)} rows failed and will be tried again by the same call; "
            f"{key}: {reason}"
        )
