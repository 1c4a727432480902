"""``flatjam ...``: everything that needs no screen.

What a command needs is imported when it runs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from fmvae_core.files import resource

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from rich.table import Table

    from fmvae_core.models.bundle import Bundle

DEFAULT_BUNDLE = resource("models", "drums-2bar")
EXIT_REFUSED = 2
EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="flatjam",
    help="Explore a flat latent space of real drum grooves, and hear one turn into another.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

BundlePath = Annotated[
    Path, typer.Option("--bundle", help="Folder of the bundle.", show_default="drums-2bar")
]
SoundFont = Annotated[Path | None, typer.Option(help="SoundFont (.sf2, .sf3); the best if none.")]
DataPath = Annotated[
    Path | None,
    typer.Option("--data", help="Corpus as zip, folder or frames cache; downloaded if none."),
]


@app.command()
def info(
    bundle: Annotated[
        Path, typer.Argument(help="Folder of the bundle.", show_default="drums-2bar")
    ] = DEFAULT_BUNDLE,
    as_json: Annotated[bool, typer.Option("--json", help="Print the card as JSON.")] = False,
) -> None:
    """Print what a bundle is and how well it does: its card."""
    from fmvae_core.models.bundle import Bundle

    opened = Bundle.open(bundle)
    if as_json:
        import json

        typer.echo(json.dumps(opened.card, indent=2, ensure_ascii=False))
        return
    from rich.console import Console

    console = Console()
    for table in _card_tables(opened):
        console.print(table)


@app.command()
def interpolate(
    a: Annotated[Path, typer.Argument(metavar="A.mid", help="Where to start.")],
    b: Annotated[Path, typer.Argument(metavar="B.mid", help="Where to arrive.")],
    out: Annotated[Path, typer.Option(help="Folder for step-1.mid, step-2.mid, ...")],
    steps: Annotated[int, typer.Option(min=2, max=999, help="Phrases, both ends included.")] = 7,
    bundle: BundlePath = DEFAULT_BUNDLE,
    method: Annotated[
        Literal["lerp", "slerp"], typer.Option(help="Straight, or along an arc about the origin.")
    ] = "lerp",
    drum_map: Annotated[str, typer.Option(help="Kit that played the two files.")] = "roland-td-11",
    tempo: Annotated[float | None, typer.Option(help="Beats a minute; that of A if none.")] = None,
    wav: Annotated[
        bool, typer.Option("--wav", help="Write each step as a sound file, too.")
    ] = False,
    soundfont: SoundFont = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace files of an earlier call.")
    ] = False,
) -> None:
    """Go from one groove to another in equal steps of the latent space, a MIDI file each."""
    import numpy as np
    from rich.console import Console

    from fmvae_core.geometry import interpolation
    from fmvae_core.models.bundle import Bundle
    from fmvae_core.music.drums import drum_map as kit_of
    from fmvae_core.music.midi_file import read_phrase, write_midi
    from fmvae_core.music.representation import DrumRepresentation

    opened = Bundle.open(bundle)
    kit = kit_of(drum_map)
    representation = DrumRepresentation(opened.bars)
    phrases = [read_phrase(path, opened.bars) for path in (a, b)]
    ends = np.stack([representation.encode(phrase, kit) for phrase in phrases])
    for path, frames in zip((a, b), ends, strict=True):
        if not frames.any():
            raise ValueError(
                f"the kit '{drum_map}' knows no drum that {path} plays; choose another --drum-map"
            )
    if tempo is not None:
        phrases[0] = phrases[0].at_tempo(tempo)
    files = [out / f"step-{number}.mid" for number in range(1, steps + 1)]
    sounds = [file.with_suffix(".wav") for file in files] if wav else []
    _refuse_to_replace([*files, *sounds], force)

    from fmvae_core.inference.networks import Networks  # only now: torch takes seconds to load

    networks = Networks(opened)
    z = networks.encode(ends)
    way = interpolation.lerp if method == "lerp" else interpolation.slerp
    frames = networks.decode(way(z[0], z[1], np.linspace(0.0, 1.0, steps)))
    out.mkdir(parents=True, exist_ok=True)
    decoded = [representation.decode(step, phrases[0].tempo, opened.thresholds) for step in frames]
    for phrase, file in zip(decoded, files, strict=True):
        write_midi(phrase, file)
    if wav:
        from fmvae_core.live.render import render as render_sound

        for phrase, file in zip(decoded, sounds, strict=True):
            render_sound(phrase, file, soundfont)
    console = Console()
    console.print(_steps_table(frames, opened.thresholds))
    console.print(f"{steps} phrases in {out}", soft_wrap=True)


@app.command()
def render(
    midi: Annotated[Path, typer.Argument(metavar="X.mid", help="What to play.")],
    out: Annotated[Path, typer.Option(help="Sound file to write (.wav).")],
    soundfont: SoundFont = None,
    bars: Annotated[int | None, typer.Option(min=1, help="From the start; all if none.")] = None,
    turns: Annotated[int, typer.Option(min=1, help="How many times to play it.")] = 1,
    drum_map: Annotated[
        str | None, typer.Option(help="Kit that played it, to be heard on a General MIDI kit.")
    ] = None,
) -> None:
    """Play a MIDI file into a sound file, as the engine would."""
    from fmvae_core.inference.source import fold_pitches
    from fmvae_core.live.render import render as render_sound
    from fmvae_core.music.drums import drum_map as kit_of
    from fmvae_core.music.midi_file import read_midi

    performance = read_midi(midi)
    phrase = performance.phrase(0, bars or performance.bars)
    if drum_map is not None:
        phrase = fold_pitches(phrase, kit_of(drum_map))
    if not phrase.notes:
        raise ValueError(f"{midi} has nothing to play there; ask for more --bars")
    render_sound(phrase, out, soundfont, turns=turns)
    typer.echo(f"{turns * phrase.seconds:.1f} s of music in {out}")


@app.command()
def train(
    out: Annotated[Path, typer.Option(help="Folder of the run.")],
    preset: Annotated[str, typer.Option(help="Row of the paper's Table 3.")] = "drums-2bar",
    size: Annotated[str, typer.Option(help="'paper', or a smaller one of the preset.")] = "paper",
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

    config = run.configure(preset, size, out, resume=resume, seed=seed)
    minutes = math.inf if max_minutes is None else max_minutes
    run.train(config, out, data=data, device=device, max_minutes=minutes, threads=threads)


@app.command()
def bundle(
    run: Annotated[Path, typer.Argument(help="Folder of the run.")],
    out: Annotated[Path, typer.Option(help="Folder of the bundle.")],
    name: Annotated[str | None, typer.Option(help="Of the bundle; the preset's if none.")] = None,
    data: DataPath = None,
) -> None:
    """Measure a trained model and make it a bundle, ready to play."""
    from rich.console import Console

    from fmvae_core.training.publish import publish

    console = Console()
    with console.status("") as status:
        made = publish(run, out, name=name, data=data, on_stage=status.update)
    for table in _card_tables(made):
        console.print(table)


@app.command()
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


def main() -> None:
    """Run the command line; what is known to go wrong ends in one line, not in a traceback."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except Exception as error:
        if not _is_known(error):
            raise
        from rich.console import Console
        from rich.text import Text

        text = str(error) or type(error).__name__
        Console(stderr=True).print(Text(text, style="bold red"), soft_wrap=True)
        sys.exit(EXIT_REFUSED)


def _is_known(error: Exception) -> bool:
    """Whether an error tells of bad input or a missing thing (all of ours say what to do)."""
    from fmvae_core.data.download import DownloadError
    from fmvae_core.live.library import SoundError

    return isinstance(error, (ValueError, OSError, FloatingPointError, DownloadError, SoundError))


def _refuse_to_replace(files: list[Path], force: bool) -> None:
    there = [file for file in files if file.exists()]
    if there and not force:
        raise ValueError(f"{there[0]} exists; choose another --out, or add --force to replace it")


def _steps_table(frames: npt.NDArray[np.float32], thresholds: npt.NDArray[np.float32]) -> Table:
    from rich.table import Table

    from fmvae_core.geometry.interpolation import step_changes
    from fmvae_core.music.attributes import ATTRIBUTES, attributes

    table = Table("step", *ATTRIBUTES, "changed hits")
    changes = ["", *map(str, step_changes(frames, thresholds).tolist())]
    heard = attributes(frames, thresholds).tolist()
    for number, ((density, velocity, offset), changed) in enumerate(
        zip(heard, changes, strict=True), start=1
    ):
        table.add_row(str(number), f"{density:.0f}", f"{velocity:.2f}", f"{offset:+.2f}", changed)
    return table


def _card_tables(opened: Bundle) -> list[Table]:
    """Return a bundle's card as tables: known parts as tables of their own, then all the rest."""
    from rich.table import Column, Table

    from fmvae_core.music.drums import DRUMS

    card = dict(opened.card)
    splits = {name: card.pop(name) for name in ("validation", "test") if name in card}
    by_attribute = card.pop("attributes", {})
    card.pop("configuration", None)  # long, and of no use without the code: see --json
    card.pop("thresholds", None)

    head = Table("", Column("", overflow="fold"), title=opened.name, show_header=False)
    head.add_row("folder", str(opened.path))
    head.add_row("SHA-256", opened.sha256)
    head.add_row("phrases", f"{opened.bars} bars of drums")
    head.add_row("latent dimensions", str(opened.latent_dim))
    head.add_row("landmarks", f"{len(opened.landmarks):,}")
    for key, value in _flat(card):
        head.add_row(key, _shown(value))
    tables = [head]
    if splits:
        quality = Table("reconstruction", *splits)
        first = next(iter(splits.values()))
        for measure in (key for key, value in first.items() if not isinstance(value, dict)):
            quality.add_row(measure, *(_shown(part.get(measure)) for part in splits.values()))
        tables.append(quality)
        drums = Table("hit F1", *splits, "threshold")
        for drum, threshold in zip(DRUMS, opened.thresholds.tolist(), strict=True):
            parts = (part.get("drums", {}).get(drum.key, {}) for part in splits.values())
            drums.add_row(
                drum.title, *(_shown(part.get("hit_f1")) for part in parts), f"{threshold:.2f}"
            )
        tables.append(drums)
    if by_attribute:
        columns = list(next(iter(by_attribute.values())))
        table = Table("attribute", *columns)
        for name, figures in by_attribute.items():
            table.add_row(name, *(_shown(figures.get(column)) for column in columns))
        tables.append(table)
    return tables


def _flat(values: dict[str, Any], before: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in values.items():
        if isinstance(value, dict):
            rows += _flat(value, f"{before}{key}.")
        else:
            rows.append((f"{before}{key}", value))
    return rows


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


if __name__ == "__main__":
    main()
