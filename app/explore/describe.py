"""Landmarks in words, and the two to begin with."""

from __future__ import annotations

from pathlib import PurePosixPath

import numpy as np

from app.explore.scales import scales_of
from app.state.session import Anchor
from fmvae_core.models.bundle import Bundle
from fmvae_core.models.landmarks import main_style

_QUIET, _BUSY = 0.2, 0.85
_TYPICAL = 0.1


def short_label(bundle: Bundle, landmark: int) -> str:
    """Return a landmark in one line: style, drummer or piece, bar, tempo."""
    marks = bundle.landmarks
    if bundle.representation.name == "drums":
        whose = _drummer(marks.drummers[marks.drummer[landmark]])
    else:
        whose = PurePosixPath(marks.performances[marks.performance[landmark]]).stem
    parts = (
        marks.styles[marks.style[landmark]],
        whose,
        f"bar {marks.bar[landmark] + 1}",
        f"{marks.tempo[landmark]:.0f} bpm",
    )
    return " · ".join(part for part in parts if part)


def hover_text(bundle: Bundle, landmark: int) -> str:
    """Return what the tooltip of a landmark says."""
    marks = bundle.landmarks
    scales = scales_of(bundle.representation, float(marks.tempo[landmark]))
    told = []
    for (name, scale), value in zip(scales.items(), marks.attributes[landmark], strict=True):
        text = scale.text(float(value))
        if name == "offset":
            text = f"{text.replace('−', '')} {'late' if value >= 0 else 'early'}"
        needs_its_name = not scale.unit or scale.name is not None
        told.append(f"{name} {text}" if needs_its_name else text)
    return f"{short_label(bundle, landmark)}\n{' · '.join(told)}"


def landmark_anchor(bundle: Bundle, landmark: int) -> Anchor:
    """Return a landmark as an end of the journey."""
    z = tuple(bundle.landmarks.z[landmark].astype(float).tolist())
    return Anchor(z, short_label(bundle, landmark), landmark)


def opening_landmarks(bundle: Bundle) -> tuple[int, int]:
    """Choose the landmarks of a newcomer's first journey: a quiet, sparse phrase and a busy one.

    A is the landmark nearest to the 20th percentile of density and velocity (or pitch), among those
    that play near the grid and are typical of their style (in the tenth that lies nearest to its
    middle); B is nearest to the 85th, in another style where there is one.
    """
    marks = bundle.landmarks
    names = bundle.representation.attribute_names
    values = marks.attributes[:, :2].astype(np.float64)
    spread = values.std(axis=0)
    spread[spread == 0] = 1.0
    style = np.array([main_style(name) for name in marks.styles])[marks.style]
    steady = np.ones(len(marks), bool)
    if "offset" in names:
        off_the_grid = np.abs(marks.attributes[:, names.index("offset")])
        steady = off_the_grid <= np.median(off_the_grid)
    for name in np.unique(style):
        own = style == name
        away = np.linalg.norm(marks.z - marks.z[own].mean(axis=0), axis=1)
        steady &= ~own | (away <= np.quantile(away[own], _TYPICAL))

    def nearest(quantile: float, allowed: np.ndarray) -> int:
        target = np.quantile(values, quantile, axis=0)
        distance = (((values - target) / spread) ** 2).sum(axis=1)
        return int(np.argmin(np.where(allowed, distance, np.inf)))

    a = nearest(_QUIET, steady)
    others = steady & (style != style[a])
    if not others.any():
        others = np.arange(len(marks)) != a
    return a, nearest(_BUSY, others) if others.any() else a


def _drummer(name: str) -> str:
    digits = "".join(c for c in name if c.isdigit())
    return f"drummer {digits}" if name.startswith("drummer") and digits else name
