"""Commands that make music."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from fmvae_core.cli.options import DEFAULT_BUNDLE, BundlePath, SoundFont


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
    """Go from one phrase to another in equal steps of the latent space, a MIDI file each.

    Phrases are of drums (channel 10), or melodies with a --bundle that plays melodies.
    """
    import numpy as np
    from rich.console import Console

    from fmvae_core.cli.tables import steps_table
    from fmvae_core.geometry import interpolation
    from fmvae_core.models.bundle import Bundle
    from fmvae_core.music.drum_representation import DrumRepresentation
    from fmvae_core.music.drums import drum_map as kit_of
    from fmvae_core.music.midi_file import read_phrase, write_midi

    opened = Bundle.open(bundle)
    kit = kit_of(drum_map)
    representation = opened.representation
    is_drums = isinstance(representation, DrumRepresentation)
    wanted = None if is_drums else False  # a song with drums has a melody, too
    phrases = [read_phrase(path, opened.bars, drums=wanted) for path in (a, b)]
    if isinstance(representation, DrumRepresentation):
        ends = np.stack([representation.encode(phrase, kit) for phrase in phrases])
    else:
        ends = np.stack([representation.encode(phrase) for phrase in phrases])
    for path, frames in zip((a, b), ends, strict=True):
        if not representation.onsets(frames).any():
            raise ValueError(
                f"the kit '{drum_map}' knows no drum that {path} plays; choose another --drum-map"
                if is_drums
                else f"{path} plays nothing on the 88 keys of a piano; choose another file"
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
            render_sound(phrase, file, soundfont, instrument=opened.instrument)
    console = Console()
    console.print(steps_table(representation, frames, opened.thresholds))
    console.print(f"{steps} phrases in {out}", soft_wrap=True)


def render(
    midi: Annotated[Path, typer.Argument(metavar="X.mid", help="What to play.")],
    out: Annotated[Path, typer.Option(help="Sound file to write (.wav).")],
    soundfont: SoundFont = None,
    bars: Annotated[int | None, typer.Option(min=1, help="From the start; all if none.")] = None,
    turns: Annotated[int, typer.Option(min=1, help="How many times to play it.")] = 1,
    drum_map: Annotated[
        str | None, typer.Option(help="Kit that played it, to be heard on a General MIDI kit.")
    ] = None,
    instrument: Annotated[
        int, typer.Option(min=0, max=127, help="General MIDI program of a melody; 42 is a cello.")
    ] = 0,
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
    render_sound(phrase, out, soundfont, turns=turns, instrument=instrument)
    typer.echo(f"{turns * phrase.seconds:.1f} s of music in {out}")


def _refuse_to_replace(files: list[Path], force: bool) -> None:
    there = [file for file in files if file.exists()]
    if there and not force:
        raise ValueError(f"{there[0]} exists; choose another --out, or add --force to replace it")
