"""What a corpus holds, before anything is learnt from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fmvae_core.data.corpus import SPLITS, Corpus, CorpusError
from fmvae_core.data.midi_folder import NAME as MIDI_FOLDER
from fmvae_core.data.midi_folder import collect
from fmvae_core.data.pieces import MIN_PIECES
from fmvae_core.data.sources import attribution, open_corpus
from fmvae_core.music.drums import DEFAULT_DRUM_MAP

FEW_PHRASES = 300
"""Training phrases below which a model hardly learns more than to repeat them."""

_LISTED = 200


@dataclass(frozen=True)
class Preview:
    """What a corpus holds.

    Parameters
    ----------
    pieces
        That can be used.
    phrases
        Of each split.
    skipped
        Number of files left out, by reason.
    left_out
        Files left out and why, as far as they are known and at most 200.
    warning
        Why it is too small, or empty.
    problem
        Why it cannot be used, or empty.
    licence
        Whose work it is, and what to keep in mind.
    """

    pieces: int
    phrases: dict[str, int]
    skipped: dict[str, int]
    left_out: list[tuple[str, str]] = field(default_factory=list)
    warning: str = ""
    problem: str = ""
    licence: str = ""


_OWN = (
    "Your own files stay on this machine. A model can repeat what it learnt: before you pass a "
    "bundle on, be sure that you may pass on the music."
)


def preview(
    name: str,
    data: Path | None,
    *,
    representation: Literal["drums", "melody", "motion"],
    bars: int,
    drum_map: str = DEFAULT_DRUM_MAP,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Preview:
    """Return what a corpus holds; see `fmvae_core.data.sources.open_corpus`.

    Raises
    ------
    CorpusError, DownloadError
        If it cannot be read at all.
    """
    left_out: list[tuple[str, str]] = []
    licence = _OWN if name in (MIDI_FOLDER, "sequences") else attribution(name)
    if name == MIDI_FOLDER and data is not None and data.is_dir() and representation != "motion":
        collection = collect(data, representation, kit=drum_map, progress=progress)
        left_out = collection.left_out[:_LISTED]
        if (count := len(collection.pieces)) < MIN_PIECES:
            return Preview(
                count,
                {},
                dict(collection.skipped),
                left_out,
                problem=f"{count} files can be used, and {MIN_PIECES} are needed to set some aside "
                "for validation and test. Add more files.",
                licence=licence,
            )
    corpus = open_corpus(name, data, progress, representation=representation, drum_map=drum_map)
    if corpus.representation != representation:
        raise CorpusError(
            f"the corpus holds {corpus.representation}, and this preset learns {representation}; "
            "choose another preset"
        )
    return _of(corpus, bars, left_out, licence)


def _of(corpus: Corpus, bars: int, left_out: list[tuple[str, str]], licence: str) -> Preview:
    phrases: dict[str, int] = {split: len(corpus.windows(bars, split)) for split in SPLITS}
    warning = problem = ""
    if phrases["training"] == 0:
        problem = (
            f"No piece has {bars} bars to learn from. Choose a preset of shorter phrases, or add "
            "longer files."
        )
    elif phrases["training"] < FEW_PHRASES:
        warning = (
            f"{phrases['training']} phrases to learn from are few: a model from scratch would "
            "repeat them rather than learn a style. Fine-tune a bundle, or add files."
        )
    skipped = dict(corpus.skipped)
    if short := corpus.left_out(bars).short:
        skipped[f"shorter than {bars} bars"] = short
    pieces = len(corpus.performances) - short
    return Preview(pieces, phrases, skipped, left_out, warning, problem, licence)
