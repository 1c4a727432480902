"""Finding a corpus by name: what the user points at, or what has to be fetched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from fmvae_core.data.corpus import Corpus, CorpusError, load_corpus
from fmvae_core.music.drums import DEFAULT_DRUM_MAP

CORPORA = ("groove", "ryans_mammoth", "cello_suites", "midi_folder", "sequences")
"""Names of the corpora."""

FRAMES_CACHE_SUFFIX = ".safetensors"


def open_corpus(
    name: str,
    data: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    representation: Literal["drums", "melody", "motion"] = "drums",
    drum_map: str = DEFAULT_DRUM_MAP,
    track: int | None = None,
) -> Corpus:
    """Return a corpus.

    Parameters
    ----------
    name
        One of `CORPORA`.
    data
        Where it lies: a file, a folder, or a frames cache. Without it ``groove`` is downloaded
        once, ``ryans_mammoth`` is that of the installed music21, and ``cello_suites`` is looked for
        in the cache. A frames cache needs neither MIDI nor download code, so a bare GPU machine can
        use it.
    progress
        Called with amount done and amount in all, of the download and then of the parsing.
    representation, drum_map, track
        Of ``midi_folder``: see `fmvae_core.data.midi_folder.load_midi_folder`.

    Raises
    ------
    CorpusError
        If there is no such corpus, or `data` does not hold it.
    DownloadError
        If it cannot be downloaded.
    """
    if data is not None and data.suffix == FRAMES_CACHE_SUFFIX:
        corpus = load_corpus(data)
        if corpus.name != name:
            raise CorpusError(f"{data} holds the corpus '{corpus.name}', not '{name}'")
        return corpus
    if name == "groove":
        from fmvae_core.data.download import groove_zip
        from fmvae_core.data.groove import load_groove

        return load_groove(data or groove_zip(progress), progress=progress)
    if name == "ryans_mammoth":
        from fmvae_core.data.ryans_mammoth import load_ryans_mammoth

        return load_ryans_mammoth(data, progress=progress)
    if name == "cello_suites":
        from fmvae_core.data.cello_suites import load_cello_suites

        return load_cello_suites(data, progress=progress)
    if name not in CORPORA:
        raise CorpusError(f"there is no corpus '{name}'; choose {', '.join(CORPORA)}")
    if data is None:
        raise CorpusError(f"the corpus '{name}' is yours; say with --data where it is")
    if name == "sequences":
        from fmvae_core.data.sequences import load_sequences

        return load_sequences(data)
    if representation == "motion":
        raise CorpusError("MIDI files hold no movements; choose the corpus 'sequences'")
    from fmvae_core.data.midi_folder import load_midi_folder

    return load_midi_folder(data, representation, kit=drum_map, track=track, progress=progress)


def attribution(name: str) -> str:
    """Return whose work a corpus is and under which licence, for a card."""
    from fmvae_core.data import cello_suites, groove, ryans_mammoth

    known = {
        "groove": groove.ATTRIBUTION,
        "ryans_mammoth": ryans_mammoth.ATTRIBUTION,
        "cello_suites": cello_suites.ATTRIBUTION,
    }
    return known.get(name, "the user's own files")
