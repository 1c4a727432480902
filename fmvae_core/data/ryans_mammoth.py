"""Ryan's Mammoth Collection, fiddle tunes that come with the music21 package, as a corpus."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fmvae_core.data.corpus import Corpus, CorpusError
from fmvae_core.data.pieces import (
    COMPOUND,
    SPLIT_SEED,
    Collection,
    Piece,
    Progress,
    is_compound,
    parsed_once,
    split_and_join,
)
from fmvae_core.music.melody_representation import REST, melody_events
from fmvae_core.music.phrase import STEPS_PER_BAR, STEPS_PER_BEAT, Note

if TYPE_CHECKING:
    from music21 import abcFormat

ATTRIBUTION = (
    "Ryan's Mammoth Collection of Fiddle Tunes (Elias Howe, Boston 1883), transcribed to ABC by "
    "contributors of the tune's files, from the corpus of music21 (Cuthbert and Ariza 2010)"
)
_PARSER_VERSION = 1
_TEMPO = 120.0  # the collection gives none
_VELOCITY = 64  # has no say in a melody's events
_UNREADABLE = "not readable as ABC"
_NO_METER = "no metre"


def tunes_folder() -> Path:
    """Return the folder of the tunes in the installed music21 package.

    Raises
    ------
    CorpusError
        If music21 is not installed.
    """
    found = importlib.util.find_spec("music21")  # not imported: that takes seconds
    for base in (found and found.submodule_search_locations) or ():
        folder = Path(base) / "corpus" / "ryansMammoth"
        if folder.is_dir():
            return folder
    raise CorpusError(
        "Ryan's Mammoth Collection comes with the package music21, which is not installed; install "
        "it with: pip install -c constraints.txt 'flatjam[corpora]'"
    )


def load_ryans_mammoth(
    path: Path | None = None,
    *,
    seed: int = SPLIT_SEED,
    cache: Path | None = None,
    progress: Progress = lambda done, total: None,
) -> Corpus:
    """Return the tunes in simple metres; parsed once, then read from a cache.

    Repeats are not played: a tune is what is printed. A tune's upbeat is the end of a bar that is
    silent before it, so that phrases begin on a bar line.

    Parameters
    ----------
    path
        Folder of ABC files with a tune each; those of music21 by default.
    seed
        Of the split 80/10/10 by tune.
    cache
        Folder for the frames cache (the platform's cache by default).
    progress
        Called with tunes done and tunes in all while parsing.

    Raises
    ------
    CorpusError
        If music21 is not installed or the folder holds no tunes.
    """
    folder = path or tunes_folder()
    texts = {
        file.stem: file.read_text(encoding="utf-8", errors="replace")
        for file in sorted(folder.glob("*.abc"))
    }
    content = "\0".join(f"{name}\0{text}" for name, text in texts.items())
    digest = hashlib.sha256(f"{_PARSER_VERSION} {seed} {content}".encode()).hexdigest()

    def parse() -> Corpus:
        collection = _parse(texts, progress)
        return split_and_join("ryans_mammoth", "melody", collection, seed, digest, folder)

    return parsed_once("ryans_mammoth", digest, parse, cache)


def _parse(texts: dict[str, str], progress: Progress) -> Collection:
    tunes_folder()  # says what to do where there is no music21
    from music21.exceptions21 import Music21Exception

    collection = Collection()
    for done, (name, text) in enumerate(texts.items()):
        progress(done, len(texts))
        try:
            _add(collection, name, text)
        except (Music21Exception, ValueError, LookupError, TypeError, AttributeError) as error:
            # What music21 raises at a broken tune depends on what is broken.
            collection.skip(name, _UNREADABLE, error)
    progress(len(texts), len(texts))
    return collection


def _add(collection: Collection, name: str, text: str) -> None:
    from music21 import abcFormat

    # Its tokens hold all that is needed; making a score of them takes ten times as long.
    tokens = abcFormat.ABCFile().readstr(text).tokens
    meters = [
        found[:2]
        for token in tokens
        if isinstance(token, abcFormat.ABCMetadata)
        and token.isMeter()
        and (found := token.getTimeSignatureParameters())
    ]
    if not meters:
        collection.skip(name, _NO_METER)
    elif any(map(is_compound, meters)):
        collection.skip(name, COMPOUND)
    else:
        collection.add(_piece(name, text, tokens, meters[0]))


def _piece(name: str, text: str, tokens: list[abcFormat.ABCToken], meter: tuple[int, int]) -> Piece:
    notes, beats, upbeat = _notes(tokens)
    bar_beats = 4 * meter[0] / meter[1]
    lead = -round(upbeat * STEPS_PER_BEAT) % STEPS_PER_BAR if upbeat < bar_beats else 0
    bars = -(-(lead + round(beats * STEPS_PER_BEAT)) // STEPS_PER_BAR)
    silence = np.full(lead, REST, np.uint8)
    return Piece(
        source=name,
        style=_field(text, "R").lower() or "other",
        drummer=_field(text, "C").title() or "Traditional",
        tempo=_TEMPO,
        frames=np.concatenate([silence, melody_events(notes, bars * STEPS_PER_BAR - lead)]),
    )


def _notes(tokens: list[abcFormat.ABCToken]) -> tuple[list[Note], float, float]:
    """Return the notes of a tune, its length in beats, and that of its upbeat (or first bar)."""
    from music21 import abcFormat
    from music21.pitch import Pitch

    notes: list[Note] = []
    now = 0.0
    first_bar: float | None = None
    for token in tokens:
        if isinstance(token, abcFormat.ABCBar) and notes and first_bar is None:
            first_bar = now
        if not isinstance(token, abcFormat.ABCNote) or token.inGrace:
            continue
        length = float(token.quarterLength)
        if token.activeTuplet is not None:
            length *= float(token.activeTuplet.tupletMultiplier())
        if length <= 0:
            continue
        voices = token.subTokens if isinstance(token, abcFormat.ABCChord) else [token]
        for voice in voices:
            if not isinstance(voice, abcFormat.ABCNote) or voice.pitchName is None:
                continue
            pitch = Pitch(voice.pitchName).midi
            is_tied = token.tie in ("stop", "continue") and notes and notes[-1].pitch == pitch
            if is_tied:
                before = notes.pop()
                notes.append(Note(before.onset, pitch, _VELOCITY, before.duration + length))
            else:
                notes.append(Note(now, pitch, _VELOCITY, length))
        now += length
    return notes, now, now if first_bar is None else first_bar


def _field(text: str, key: str) -> str:
    """Return a field of the tune's head, such as R (rhythm) or C (composer); empty if none."""
    lines = (line.strip() for line in text.splitlines())
    return next((line[2:].strip(" .") for line in lines if line.startswith(f"{key}:")), "")
