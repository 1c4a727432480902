"""Which SoundFonts there are, the best first."""

from __future__ import annotations

import os
from pathlib import Path

from fmvae_core.files import soundfont_dirs
from fmvae_core.live.library import SoundError
from fmvae_core.live.messages import Problem

SUFFIXES = (".sf2", ".sf3")
_PREFERRED = ("fluidr3_gm", "timgm6mb")


def search_dirs() -> tuple[Path, ...]:
    """Return the folders to search: ``FLATJAM_SOUNDFONTS`` (a path list) where it is set."""
    override = os.environ.get("FLATJAM_SOUNDFONTS")
    if override is None:
        return soundfont_dirs()
    return tuple(Path(entry) for entry in override.split(os.pathsep) if entry)


def find_soundfonts() -> tuple[Path, ...]:
    """Return every SoundFont found, each file once.

    Earlier folders come first, so what a user puts into ``soundfonts/`` is taken before what the
    system brings; within a folder FluidR3_GM comes before TimGM6mb before the rest by name.
    """
    found: dict[Path, Path] = {}
    for folder in search_dirs():
        try:
            entries = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES]
        except OSError:  # a folder that does not exist or may not be read holds no fonts for us
            continue
        for path in sorted(entries, key=_rank):
            if path.is_file():
                found.setdefault(path.resolve(), path)
    return tuple(found.values())


def first_soundfont() -> Path:
    """Return the SoundFont to take where none was chosen.

    Raises
    ------
    SoundError
        If there is none.
    """
    fonts = find_soundfonts()
    if not fonts:
        raise SoundError(no_soundfont())
    return fonts[0]


def no_soundfont() -> Problem:
    """Return the problem to show where none is found."""
    folders = search_dirs()
    where = f"Put an .sf2 or .sf3 file into {folders[0]}" if folders else "Get an .sf2 or .sf3 file"
    return Problem(
        code="no_soundfont",
        text="There is no SoundFont, so nothing can sound.",
        remedy=f"{where} and choose it, or install one "
        "('sudo apt install fluid-soundfont-gm' on Debian and Ubuntu).",
    )


def _rank(path: Path) -> tuple[int, str]:
    stem = path.stem.lower()
    for rank, name in enumerate(_PREFERRED):
        if stem == name:
            return rank, stem
    return len(_PREFERRED), stem
