"""The user's own folder of MIDI files as a corpus."""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path
from typing import Literal

from fmvae_core.data.corpus import Corpus, CorpusError
from fmvae_core.data.midi_pieces import add_drums, add_melody
from fmvae_core.data.pieces import SPLIT_SEED, Collection, Progress, parsed_once, split_and_join
from fmvae_core.music.drums import DEFAULT_DRUM_MAP, drum_map

log = logging.getLogger(__name__)

NAME = "midi_folder"
_PARSER_VERSION = 1
_SUFFIXES = frozenset({".mid", ".midi"})
_MAX_BYTES = 16 * 1024 * 1024


def load_midi_folder(
    path: Path,
    representation: Literal["drums", "melody"],
    *,
    kit: str = DEFAULT_DRUM_MAP,
    track: int | None = None,
    seed: int = SPLIT_SEED,
    cache: Path | None = None,
    progress: Progress = lambda done, total: None,
) -> Corpus:
    """Return the drums or the melodies of all MIDI files in a folder and its subfolders.

    A file is a piece, split 80/10/10. Its style is the folder it lies in.

    Parameters
    ----------
    path
        The folder.
    representation
        ``drums`` reads channel 10 of files in 4/4, ``melody`` the highest notes of all other
        channels of files in a simple metre.
    kit
        Key of the drum map of the device that played.
    track
        Number, from 1, of the track with the melody; all tracks by default.
    seed
        Of the split.
    cache
        Folder for the frames cache (the platform's cache by default).
    progress
        Called with files done and files in all while parsing.

    Raises
    ------
    CorpusError
        If this is not a folder or holds too few files that can be used.
    ValueError
        If there is no such drum map.
    """
    drum_map(kit)  # first of all, whether there is one
    files = _files(path)
    digest = _digest(files, f"{_PARSER_VERSION} {seed} {representation} {kit} {track}")

    def parse() -> Corpus:
        collection = collect(path, representation, kit=kit, track=track, progress=progress)
        return split_and_join(NAME, representation, collection, seed, digest, path)

    return parsed_once(NAME, digest, parse, cache)


def collect(
    path: Path,
    representation: Literal["drums", "melody"],
    *,
    kit: str = DEFAULT_DRUM_MAP,
    track: int | None = None,
    progress: Progress = lambda done, total: None,
) -> Collection:
    """Return the pieces of a folder, and what was skipped and why; see `load_midi_folder`.

    Raises
    ------
    CorpusError
        If this is not a folder or holds no MIDI files.
    ValueError
        If there is no such drum map.
    """
    device = drum_map(kit)
    files = _files(path)
    collection = Collection()
    for done, (source, file) in enumerate(files.items()):
        progress(done, len(files))
        style = file.parent.name
        if representation == "drums":
            add_drums(collection, _read(file), source, style, path.name, device)
        else:
            add_melody(collection, _read(file), source, style, path.name, track)
    progress(len(files), len(files))
    return collection


def _files(path: Path) -> dict[str, Path]:
    """Return the MIDI files by their path from the folder, in its order."""
    if not path.is_dir():
        raise CorpusError(f"{path} is not a folder; give the folder of your MIDI files with --data")
    found = {
        (Path(base) / name).relative_to(path).as_posix(): Path(base) / name
        for base, _, names in os.walk(path)
        for name in names
        if Path(name).suffix.lower() in _SUFFIXES
    }
    if not found:
        raise CorpusError(f"{path} and its subfolders hold no MIDI files (.mid, .midi)")
    return dict(sorted(found.items()))


def _digest(files: dict[str, Path], options: str) -> str:
    digest = hashlib.sha256(options.encode())
    for source, file in files.items():
        digest.update(f"\0{source}\0".encode(errors="surrogateescape"))
        digest.update(hashlib.sha256(_read(file)).digest())
    return digest.hexdigest()


def _read(file: Path) -> bytes:
    """Return a file's bytes, or none where the system refuses: it is skipped as unreadable."""
    try:
        with open(file, "rb") as opened:
            return opened.read(_MAX_BYTES + 1)  # read_midi refuses what is larger
    except OSError as error:
        log.info("%s cannot be read: %s", file, error.strerror)
        return b""
