"""Colouring landmarks by an attribute or their style, and saying so in a legend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from app.explore.scales import SCALES
from app.widgets.colours import Colours, categories_for, colours_for, limits_for
from app.widgets.legend import Legend

STYLE = "style"
_UNITS = {"velocity": " (1 to 127)", "offset": " (of half a step)", "pitch": " (mean)"}


def schemes_of(representation: str, names: Sequence[str]) -> list[tuple[str, str]]:
    """Return what landmarks can be coloured by, keys and names on screen."""
    scales = SCALES.get(representation, {})
    return [*((name, scales[name].title) for name in names), (STYLE, "Style")]


def coloured(
    scheme: str,
    representation: str,
    names: Sequence[str],
    attributes: npt.NDArray[np.float32],
    styles: Sequence[str],
    legend: Legend,
) -> Colours:
    """Return the colours of landmarks, ``(n, 4)``, and show in the legend what they mean.

    Parameters
    ----------
    scheme
        A key of `schemes_of`.
    representation
        Of the phrases.
    names, attributes
        Of the columns, and ``(n, len(names))``.
    styles
        One a landmark.
    legend
        Where it is said.
    """
    if scheme == STYLE:
        legend.show_categories("Style", categories_for(styles))
        return colours_for(styles, scheme)
    scale = SCALES[representation][scheme]
    factor = 1.0 if scheme == "offset" else scale.factor  # the tempi differ
    values = attributes[:, list(names).index(scheme)].astype(float) * factor
    low, high = limits_for(values, scheme)
    unit = _UNITS.get(scheme, f" ({scale.unit})")
    legend.show_continuous(f"{scale.title}{unit}", low, high, scheme, scale.name)
    return colours_for(values, scheme, (low, high))
