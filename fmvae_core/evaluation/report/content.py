"""What a report says: which sections about which models, and the phrases of all of them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from fmvae_core.evaluation.measure import PICTURE_POINTS, Measured, Subject
from fmvae_core.evaluation.report.blocks import Chapter, Picture, Report, Section
from fmvae_core.evaluation.report.pictures import phrases_picture
from fmvae_core.evaluation.report.sections import (
    Entry,
    figure2,
    flatness,
    full_title,
    provenance,
    reconstruction,
    short_title,
    table1,
    table2,
)
from fmvae_core.music.representation import representation

_MODELS_IN_A_PICTURE = 4
_FIGURES = {
    "drums": {
        "": "Figures 4, 6 and 7",
        "density": "Figures 3, 8 and 9",
        "velocity": "Figures 10 and 11",
    },
    "melody": {"": "Figures 4, 12 and 13", "density": "Figures 14 and 15"},
}
"""Of the paper, by representation and attribute; interpolations under none."""
_UNITS = {
    "drums": {
        "density": "hits",
        "velocity": "mean velocity, 0 to 1",
        "offset": "mean offset in half steps, positive: late",
    },
    "melody": {"density": "notes", "pitch": "mean MIDI pitch"},
}


def report(title: str, summary: str, entries: Sequence[Entry], *, pictures: bool = True) -> Report:
    """Arrange what was measured, and what was not, preset by preset.

    Parameters
    ----------
    title, summary
        Of the whole.
    entries
        Models in the order in which they are to be shown; ours first.
    pictures
        Whether to draw them, for which matplotlib is needed.
    """
    chapters = []
    for preset in dict.fromkeys(subject.preset for subject, _ in entries):
        of_preset = [entry for entry in entries if entry[0].preset == preset]
        whole = [entry for entry in of_preset if entry[0].held_out is None]
        middle = [entry for entry in of_preset if entry[0].held_out is not None]
        sections = []
        if whole:
            sections += [
                figure2(preset, whole, pictures),
                table2(whole),
                flatness(whole),
                reconstruction(whole),
            ]
        if middle:
            sections.insert(1, table1(middle))
        if pictures and any(measured for _, measured in whole):
            sections.append(_phrases(preset, whole))
        if any(measured for _, measured in of_preset):
            sections.append(provenance(of_preset))
        chapters.append(Chapter(preset, tuple(sections)))
    configurations = {
        f"{full_title(subject)}: {measured.name}": measured.provenance["configuration"]
        for subject, measured in entries
        if measured is not None
    }
    return Report(title, summary, tuple(chapters), configurations)


def _phrases(preset: str, entries: Sequence[Entry]) -> Section:
    done: list[tuple[Subject, Measured]] = []
    for subject, measured in entries:
        known = {(other.variant, other.latents) for other, _ in done}
        if measured is not None and (subject.variant, subject.latents) not in known:
            done.append((subject, measured))
    done = done[:_MODELS_IN_A_PICTURE]
    shape = done[0][1].provenance["configuration"]["model"]
    music = representation(shape["representation"], shape["bars"])
    labels = [short_title(subject, done, lines=True) for subject, _ in done]
    thresholds = [measured.arrays["thresholds"] for _, measured in done]
    onsets = "hits" if music.name == "drums" else "notes"
    shares = [f"{index}/{PICTURE_POINTS - 1}" for index in range(1, PICTURE_POINTS - 1)]
    blocks = []
    pairs = range(len(done[0][1].arrays["interpolations"]))
    for pair in pairs:
        frames = [measured.arrays["interpolations"][pair] for _, measured in done]
        blocks.append(
            Picture(
                f"{preset}-interpolation-{pair + 1}",
                f"Interpolation, as in {_FIGURES[music.name]['']}. Δ: {onsets} that change from "
                "the phrase before.",
                phrases_picture(music, labels, frames, thresholds, ["A", *shares, "B"]),
            )
        )
    scales = [2 * index / (PICTURE_POINTS - 1) - 1 for index in range(PICTURE_POINTS)]
    columns = [f"{scale:+.2f}" if scale else "the phrase" for scale in scales]
    for name, pair in itertools.product(music.attribute_names, pairs):
        frames = [measured.arrays[f"sweep.{name}"][pair] for _, measured in done]
        blocks.append(
            Picture(
                f"{preset}-{name}-{pair + 1}",
                f"Along the {name} vector{_like(music.name, name)}, at the scale above each "
                f"phrase. Below it: {_UNITS[music.name][name]}.",
                phrases_picture(music, labels, frames, thresholds, columns, name),
            )
        )
    return Section(
        "Phrases",
        "Test phrases chosen by seed. Every model starts from the same ones. Lines are beats and "
        "bars"
        + ("; the stronger the colour, the louder the hit." if music.name == "drums" else "."),
        tuple(blocks),
    )


def _like(kind: str, attribute: str) -> str:
    figures = _FIGURES[kind].get(attribute)
    return f", as in {figures}" if figures else ""
