"""The nine drum categories (Table 4) and the drum maps of devices."""

from __future__ import annotations

import json
import logging
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from fmvae_core.files import config_dir, replacing

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Drum:
    """One of the nine categories: its key, its name on screen and the pitch that stands for it."""

    key: str
    title: str
    pitch: int


DRUMS: tuple[Drum, ...] = (
    Drum("bass", "Bass", 36),
    Drum("snare", "Snare", 38),
    Drum("high_tom", "High tom", 50),
    Drum("low_mid_tom", "Low-mid tom", 47),
    Drum("high_floor_tom", "Floor tom", 43),
    Drum("open_hi_hat", "Open hi-hat", 46),
    Drum("closed_hi_hat", "Closed hi-hat", 42),
    Drum("crash", "Crash", 49),
    Drum("ride", "Ride", 51),
)
"""Table 4, in the paper's order, which is the order of the features of a drum frame."""

DEFAULT_DRUM_MAP = "roland-td-11"


@dataclass(frozen=True)
class DrumMap:
    """Which category each pitch of a device plays.

    Parameters
    ----------
    key, title
        Name in files and on screen.
    categories
        Pitch to index into `DRUMS`. Pitches that are missing are not heard.
    """

    key: str
    title: str
    categories: dict[int, int]


def drum_maps() -> dict[str, DrumMap]:
    """Return the drum maps that ship with Flatjam and those the user has learnt, by key.

    A file of the user's that cannot be read is left out here; `drum_map` tells what is wrong.
    """
    maps = dict(_shipped_drum_maps())
    for path in sorted(_user_maps().glob("*.toml")):
        try:
            maps[path.stem] = _read_user_map(path)
        except ValueError as error:
            log.warning("%s", error)
    return maps


def _read_user_map(path: Path) -> DrumMap:
    try:
        return _read(path.stem, tomllib.loads(path.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"the drum map {path} cannot be read ({error!r}); learn it again, or remove it"
        ) from None


@cache
def _shipped_drum_maps() -> dict[str, DrumMap]:
    table = tomllib.loads((files("fmvae_core.music") / "drum_maps.toml").read_text("utf-8"))
    return {key: _read(key, entry) for key, entry in table.items()}


def _read(key: str, entry: dict[str, Any]) -> DrumMap:
    categories = {
        int(pitch): index for index, drum in enumerate(DRUMS) for pitch in entry[drum.key]
    }
    return DrumMap(key, str(entry["title"]), categories)


def _user_maps() -> Path:
    return config_dir() / "drum_maps"


def save_drum_map(title: str, categories: dict[int, int]) -> DrumMap:
    """Keep a drum map of the user's own; one of the same title is replaced.

    Parameters
    ----------
    title
        Name on screen; its letters and digits make the key.
    categories
        Pitch to index into `DRUMS`.

    Raises
    ------
    ValueError
        If the title has no letter or digit, or is that of a map which ships with Flatjam.
    OSError
        If it cannot be written.
    """
    key = check_drum_map_title(title)
    lines = [f"title = {json.dumps(title)}"]
    for index, drum in enumerate(DRUMS):
        pitches = [pitch for pitch, category in categories.items() if category == index]
        lines.append(f"{drum.key} = {pitches}")
    with replacing(_user_maps() / f"{key}.toml") as scratch:
        scratch.write_text("\n".join(lines) + "\n", "utf-8")
    return DrumMap(key, title, dict(categories))


def check_drum_map_title(title: str) -> str:
    """Return the key of a drum map of the user's own.

    Raises
    ------
    ValueError
        If the title has no letter or digit, or is that of a map which ships with Flatjam.
    """
    key = "-".join(re.findall(r"[a-z0-9]+", title.lower()))
    if not key:
        raise ValueError("a drum map needs a name; give it one with letters or digits")
    if key in _shipped_drum_maps():
        raise ValueError(f"'{key}' ships with Flatjam; give your drum map another name")
    return key


class DrumMapLearner:
    """Learns a drum map: the drums are asked for one after the other, and each is hit once.

    A kit sends pitches that nobody thinks of (rims, edges, the hi-hat's pedal), so what was not hit
    falls back on another map.

    Parameters
    ----------
    base
        Where a pitch that was not hit is looked up.
    """

    def __init__(self, base: DrumMap) -> None:
        self._base = base
        self._learnt: dict[int, int] = {}
        self._next = 0

    @property
    def wanted(self) -> Drum | None:
        """The drum to hit next; ``None`` once all have been asked for."""
        return DRUMS[self._next] if self._next < len(DRUMS) else None

    def hit(self, pitch: int) -> bool:
        """Take a hit as the wanted drum; return whether it was.

        A pitch that stands for another drum already is refused: most often a pad rings twice.
        """
        if self.wanted is None or pitch in self._learnt:
            return False
        self._learnt[pitch] = self._next
        self._next += 1
        return True

    def skip(self) -> None:
        """Go on to the next drum: the kit has none of this one."""
        if self.wanted is not None:
            self._next += 1

    @property
    def categories(self) -> dict[int, int]:
        """Pitch to index into `DRUMS`, as far as learnt."""
        return self._base.categories | self._learnt


def drum_map(key: str = DEFAULT_DRUM_MAP) -> DrumMap:
    """Return one drum map.

    Raises
    ------
    ValueError
        If no map has that key (the message lists those that exist), or its file cannot be read.
    """
    if key in _shipped_drum_maps():
        return _shipped_drum_maps()[key]
    path = _user_maps() / f"{key}.toml"
    if key in {each.stem for each in _user_maps().glob("*.toml")}:
        return _read_user_map(path)
    known = ", ".join(sorted(drum_maps()))
    raise ValueError(f"there is no drum map '{key}'; choose one of: {known}")
