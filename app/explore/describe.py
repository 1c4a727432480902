"""Landmarks in words, and the two to begin with."""

from __future__ import annotations

import numpy as np

from app.explore.scales import scale_at
from app.state.session import Anchor
from app.widgets.colours import primary
from fmvae_core.models.bundle import Bundle
from fmvae_core.music.attributes import ATTRIBUTES

_QUIET, _BUSY = 0.2, 0.85
_TYPICAL = 0.1


def short_label(bundle: Bundle, landmark: int) -> str:
    """Return a landmark in one line: style, drummer, bar, tempo."""
    marks = bundle.landmarks
    style = marks.styles[marks.style[landmark]]
    drummer = marks.drummers[marks.drummer[landmark]]
    return (
        f"{style} · {_drummer(drummer)} · bar {marks.bar[landmark] + 1} · "
        f"{marks.tempo[landmark]:.0f} bpm"
    )


def hover_text(bundle: Bundle, landmark: int) -> str:
    """Return what the tooltip of a landmark says."""
    marks = bundle.landmarks
    tempo = float(marks.tempo[landmark])
    values = {
        name: scale_at(name, tempo).text(float(value))
        for name, value in zip(ATTRIBUTES, marks.attributes[landmark], strict=True)
    }
    offset = values["offset"].replace("−", "")
    side = "late" if marks.attributes[landmark][2] >= 0 else "early"
    return (
        f"{short_label(bundle, landmark)}\n"
        f"{values['density']} · velocity {values['velocity']} · {offset} {side}"
    )


def landmark_anchor(bundle: Bundle, landmark: int) -> Anchor:
    """Return a landmark as an end of the journey."""
    z = tuple(bundle.landmarks.z[landmark].astype(float).tolist())
    return Anchor(z, short_label(bundle, landmark), landmark)


def opening_landmarks(bundle: Bundle) -> tuple[int, int]:
    """Choose the landmarks of a newcomer's first journey: a quiet, sparse groove and a busy one.

    A is the landmark nearest to the 20th percentile of density and velocity, among those that play
    near the grid and are typical of their style (in the tenth that lies nearest to its middle); B
    is nearest to the 85th, in another style where there is one.
    """
    marks = bundle.landmarks
    values = marks.attributes[:, :2].astype(np.float64)
    spread = values.std(axis=0)
    spread[spread == 0] = 1.0
    style = np.array([primary(name) for name in marks.styles])[marks.style]
    steady = np.abs(marks.attributes[:, 2])
    steady = steady <= np.median(steady)
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
