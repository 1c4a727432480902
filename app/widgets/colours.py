"""Colour: the tones of the screen, and how values become colours.

Everything here reads on a dark ground and without telling red from green: scales run in lightness,
the two players and the two anchors differ as warm and cool, and the categories were chosen so that
every pair stays apart under the three kinds of colour blindness (measured in the tests).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fmvae_core.models.landmarks import main_style

BACKGROUND = "#0b0e14"
SURFACE = "#121722"
OUTLINE = "#2a3444"
TEXT = "#e8ebf1"
MUTED = "#98a2b4"
FAINT = "#566074"

HUMAN = "#ffb45e"
MACHINE = "#58c4f2"
ANCHOR_A = "#ffe2b8"
ANCHOR_B = "#5cc6ff"
OTHER = "#5b6373"

CATEGORIES: tuple[str, ...] = (
    "#fbd509",
    "#5285f8",
    "#d37487",
    "#53cbf3",
    "#69931a",
    "#a74fbb",
    "#9af5e8",
    "#f9afa0",
    "#b4ba35",
)
"""Colours of the most frequent categories, most frequent first; the rest share `OTHER`."""

Colours = npt.NDArray[np.float32]
"""RGBA in 0..1, ``(n, 4)``."""

_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def rgb(tone: str) -> npt.NDArray[np.float64]:
    """Return a colour written ``#rrggbb`` as three numbers in 0..1."""
    return np.array([int(tone[at : at + 2], 16) / 255.0 for at in (1, 3, 5)])


def hexadecimal(tone: npt.ArrayLike) -> str:
    """Return a colour given as numbers in 0..1 as ``#rrggbb``."""
    red, green, blue = np.clip(np.round(np.asarray(tone)[:3] * 255), 0, 255).astype(int)
    return f"#{red:02x}{green:02x}{blue:02x}"


def linear(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Undo the screen's gamma (sRGB), so that colours can be added like light."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def oklab(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return sRGB colours ``(n, 3)`` in Oklab, where distance is seen difference."""
    return np.asarray(np.cbrt(linear(values) @ _LMS.T) @ _OKLAB.T)


def _from_oklab(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    light = ((values @ np.linalg.inv(_OKLAB).T) ** 3) @ np.linalg.inv(_LMS).T
    light = np.clip(light, 0.0, 1.0)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def _ramp(*stops: str) -> npt.NDArray[np.float64]:
    """Return 256 colours through evenly spaced stops, blended in Oklab."""
    at = np.linspace(0.0, 1.0, 256)
    known = np.linspace(0.0, 1.0, len(stops))
    lab = oklab(np.stack([rgb(stop) for stop in stops]))
    return _from_oklab(np.stack([np.interp(at, known, lab[:, k]) for k in range(3)], axis=1))


_SEQUENTIAL = _ramp("#5a50b4", "#4379c4", "#2fa6b0", "#7dcb7a", "#fbf0a4")
_DIVERGING = _ramp("#4fb4ff", "#4a7fae", "#565d6c", "#b07c4f", "#ffa657")
GRADIENT_A_TO_B = _ramp(ANCHOR_A, ANCHOR_B)
"""256 colours of the line from A to B."""
VELOCITY = _ramp("#28516b", "#3585ad", ANCHOR_B, "#e8f8ff")
"""256 colours of a hit, from soft to hard."""
VELOCITY_HUMAN = _ramp("#6d4a24", "#b3762f", HUMAN, "#fff4e2")
"""The same of a hit of the human."""


@dataclass(frozen=True)
class Scheme:
    """How one kind of value is coloured.

    Parameters
    ----------
    key
        Name in the program: an attribute, or ``style``.
    ramp
        256 colours from low to high; none for categories.
    is_diverging
        Whether 0 is the middle and both ends are of equal size.
    ends
        What the low and the high end mean, for the legend.
    """

    key: str
    ramp: npt.NDArray[np.float64] | None
    is_diverging: bool = False
    ends: tuple[str, str] = ("", "")


SCHEMES: dict[str, Scheme] = {
    scheme.key: scheme
    for scheme in (
        Scheme("density", _SEQUENTIAL, ends=("sparse", "busy")),
        Scheme("velocity", _SEQUENTIAL, ends=("soft", "hard")),
        Scheme("pitch", _SEQUENTIAL, ends=("low", "high")),
        Scheme("offset", _DIVERGING, is_diverging=True, ends=("early", "late")),
        Scheme("style", None),
    )
}


def _scheme(key: str) -> Scheme:
    if key not in SCHEMES:
        raise ValueError(f"there is no colour scheme '{key}'; choose one of: {', '.join(SCHEMES)}")
    return SCHEMES[key]


def limits_for(values: npt.ArrayLike, scheme: str) -> tuple[float, float]:
    """Return the values at the two ends of the colour scale.

    The scale spans the middle 98 % of the values, so that one odd phrase does not leave all others
    in one colour. A diverging scale is symmetric about 0.
    """
    numbers = np.asarray(values, np.float64)
    numbers = numbers[np.isfinite(numbers)]
    if not numbers.size:
        return (-1.0, 1.0) if _scheme(scheme).is_diverging else (0.0, 1.0)
    low, high = (float(value) for value in np.percentile(numbers, [1, 99]))
    if _scheme(scheme).is_diverging:
        reach = max(abs(low), abs(high)) or 1.0
        return -reach, reach
    return (low, high) if high > low else (low, low + 1.0)


def categories_for(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return the categories that get a colour of their own, then ``other`` if there are more.

    Parameters
    ----------
    names
        One a landmark. Only the part before a ``/`` counts.
    """
    counts = Counter(main_style(name) for name in names)
    # Ties are broken by name, so that the colours do not depend on the order of the landmarks.
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    entries = list(zip(ranked, CATEGORIES, strict=False))
    if len(ranked) > len(CATEGORIES):
        entries.append(("other", OTHER))
    return entries


def colours_for(
    values: npt.ArrayLike | Sequence[str],
    scheme: str,
    limits: tuple[float, float] | None = None,
) -> Colours:
    """Return the colours of landmarks.

    Parameters
    ----------
    values
        ``(n,)`` numbers, or names for the scheme ``style``.
    scheme
        A key of `SCHEMES`.
    limits
        Values at the ends of the scale; `limits_for` by default. What lies outside takes the
        colour of the end, what is not a number that of `OTHER`.

    Returns
    -------
    colours
        ``(n, 4)`` float32.

    Raises
    ------
    ValueError
        If there is no such scheme.
    """
    ramp = _scheme(scheme).ramp
    items: Any = values
    if ramp is None:
        table = dict(categories_for(items))
        return _opaque(np.array([rgb(table.get(main_style(name), OTHER)) for name in items]))
    numbers = np.asarray(items, np.float64)
    low, high = limits or limits_for(numbers, scheme)
    known = np.isfinite(numbers)
    share = np.clip((np.where(known, numbers, low) - low) / (high - low or 1.0), 0.0, 1.0)
    chosen = ramp[np.rint(share * 255).astype(int)]
    return _opaque(np.where(known[:, None], chosen, rgb(OTHER)))


def _opaque(colours: npt.NDArray[np.float64]) -> Colours:
    result = np.ones((len(colours), 4), np.float32)
    if len(colours):
        result[:, :3] = colours
    return result
