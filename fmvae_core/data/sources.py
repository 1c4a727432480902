"""Finding a corpus by name: what the user points at, or what has to be fetched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fmvae_core.data.corpus import Corpus, CorpusError, load_corpus

FRAMES_CACHE_SUFFIX = ".safetensors"


def open_corpus(
    name: str,
    data: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Corpus:
    """Return a corpus.

    Parameters
    ----------
    name
        ``groove``.
    data
        Its published zip, a folder, or a frames cache; without it the corpus is downloaded once.
        A frames cache needs neither MIDI nor download code, so a bare GPU machine can use it.
    progress
        Called with amount done and amount in all, of the download and then of the parsing.

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
    if name != "groove":
        raise CorpusError(f"there is no corpus '{name}'; choose groove")
    from fmvae_core.data.groove import load_groove

    if data is None:
        from fmvae_core.data.download import groove_zip

        data = groove_zip(progress)
    return load_groove(data, progress=progress)
