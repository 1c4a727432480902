"""The nine drum categories (Table 4) and the drum maps of devices."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


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


@cache
def drum_maps() -> dict[str, DrumMap]:
    """Return the drum maps that ship with Flatjam, by key."""
    table = tomllib.loads((files("fmvae_core.music") / "drum_maps.toml").read_text("utf-8"))
    maps = {}
    for key, entry in table.items():
        categories = {pitch: index for index, drum in enumerate(DRUMS) for pitch in entry[drum.key]}
        maps[key] = DrumMap(key, entry["title"], categories)
    return maps


def drum_map(key: str = DEFAULT_DRUM_MAP) -> DrumMap:
    """Return one drum map.

    Raises
    ------
    ValueError
        If no map has that key; the message lists those that exist.
    """
    try:
        return drum_maps()[key]
    except KeyError:
        known = ", ".join(sorted(drum_maps()))
        raise ValueError(f"there is no drum map '{key}'; choose one of: {known}") from None
