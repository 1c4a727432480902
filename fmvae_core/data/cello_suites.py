"""Bach's suites for solo cello, a folder of 41 MIDI files, as a corpus."""

from __future__ import annotations

import hashlib
import re
import tomllib
from functools import cache as once
from importlib.resources import files
from pathlib import Path

from fmvae_core.data.corpus import Corpus, CorpusError
from fmvae_core.data.midi_pieces import add_melody
from fmvae_core.data.pieces import (
    SPLIT_SEED,
    Collection,
    Progress,
    parsed_once,
    split_and_join,
)
from fmvae_core.files import cache_dir

ATTRIBUTION = "Suites for solo cello, BWV 1007 to 1012, by Johann Sebastian Bach (public domain)"
NAME = "cello_suites"
_COMPOSER = "Johann Sebastian Bach"
_PARSER_VERSION = 1
_SHOWN = 5  # names in an error
_HELP = (
    "docs/corpora.md says where the scores are and how to make the files; for MIDI files of "
    "another edition, use the corpus midi_folder"
)


@once
def checksums() -> dict[str, str]:
    """Return the SHA-256, in hexadecimal, of each of the 41 files by name."""
    table = tomllib.loads(files("fmvae_core.data").joinpath(f"{NAME}.toml").read_text("utf-8"))
    return dict(table["sha256"])


def read_cello_suites(path: Path) -> dict[str, bytes]:
    """Return the 41 files by name, each the very one that the published figures are about.

    Parameters
    ----------
    path
        Their folder, or one with a folder ``cello_suites``.

    Raises
    ------
    CorpusError
        If a file is missing or another one; the message names it.
    """
    folder = path / NAME if (path / NAME).is_dir() else path
    if not folder.is_dir():
        raise CorpusError(f"{folder} is not a folder with the cello suites; {_HELP}")
    found: dict[str, bytes] = {}
    missing, different = [], []
    for name, sha256 in checksums().items():
        try:
            data = (folder / name).read_bytes()
        except FileNotFoundError:
            missing.append(name)
            continue
        except OSError as error:
            raise CorpusError(f"{folder / name} cannot be read ({error.strerror})") from None
        if hashlib.sha256(data).hexdigest() != sha256:
            different.append(name)
        found[name] = data
    wrong = [
        f"{len(names)} of {len(checksums())} files are {what} ({_listed(names)})"
        for what, names in (("missing", missing), ("not the expected ones", different))
        if names
    ]
    if wrong:
        raise CorpusError(f"{folder}: {' and '.join(wrong)}; {_HELP}")
    return found


def _listed(names: list[str]) -> str:
    more = [f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return ", ".join(names[:_SHOWN] + more)


def load_cello_suites(
    path: Path | None = None,
    *,
    seed: int = SPLIT_SEED,
    cache: Path | None = None,
    progress: Progress = lambda done, total: None,
) -> Corpus:
    """Return the pieces in simple metres, each a melody of its highest notes.

    Phrases are windows of consecutive sixteenths, 16 apart, whatever the metre.

    Parameters
    ----------
    path
        Folder of the files; ``corpora/cello_suites`` in the platform's cache by default.
    seed
        Of the split 80/10/10 by piece.
    cache
        Folder for the frames cache (the platform's cache by default).
    progress
        Called with pieces done and pieces in all while parsing.

    Raises
    ------
    CorpusError
        If the folder does not hold the 41 files.
    """
    folder = path or cache_dir() / "corpora" / NAME
    pieces = read_cello_suites(folder)
    content = " ".join(checksums().values())
    digest = hashlib.sha256(f"{_PARSER_VERSION} {seed} {content}".encode()).hexdigest()

    def parse() -> Corpus:
        collection = Collection()
        for done, (name, data) in enumerate(pieces.items()):
            progress(done, len(pieces))
            add_melody(collection, data, name, _dance(name), _COMPOSER, None)
        progress(len(pieces), len(pieces))
        return split_and_join(NAME, "melody", collection, seed, digest, folder)

    return parsed_once(NAME, digest, parse, cache)


def _dance(name: str) -> str:
    """Return the dance of a file: ``bwv1009_5_bourree1and2.mid`` is a bourree."""
    match = re.search(r"_([a-z]+?)(\d|\.)", name)
    return match[1] if match else name
