"""Discs of single places, which may shine and pulse: one OpenGL program."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from vispy import gloo

from app.theme import COLOURS
from app.widgets.colours import rgb
from app.widgets.latent_map_layers import View, room
from app.widgets.latent_map_shaders import BEAD_FRAGMENT, BEAD_VERTEX

_BEAD = np.dtype(
    [
        ("a_position", np.float32, 3),
        ("a_corner", np.float32, 2),
        ("a_colour", np.float32, 4),
        ("a_radius", np.float32),
        ("a_halo", np.float32),
    ]
)
_CORNERS = np.array([(-1, -1), (1, -1), (1, 1), (-1, -1), (1, 1), (-1, 1)], np.float32)

BeadRows = npt.NDArray[Any]
"""Beads ready for the graphics card, ``(n, 6)``."""


def beads(
    places: npt.ArrayLike,
    tone: npt.ArrayLike,
    alphas: npt.ArrayLike,
    radii: npt.ArrayLike,
    halos: npt.ArrayLike = 0.0,
) -> BeadRows:
    """Return beads of one tone.

    Parameters
    ----------
    places
        ``(n, 3)``.
    tone
        RGB in 0..1.
    alphas, radii, halos
        ``(n,)`` or one for all: opacity, and the radii in logical pixels of the disc and of the
        light round it. Beads with a light pulse.
    """
    points = np.asarray(places, np.float32)
    rows = np.zeros((len(points), 6), _BEAD)
    rows["a_position"] = points[:, None]
    rows["a_corner"] = _CORNERS
    rows["a_colour"][..., :3] = np.asarray(tone)
    rows["a_colour"][..., 3] = np.broadcast_to(alphas, len(points))[:, None]
    rows["a_radius"] = np.broadcast_to(radii, len(points))[:, None]
    rows["a_halo"] = np.broadcast_to(halos, len(points))[:, None]
    return rows


class Beads:
    """Discs with a dark rim; those with a halo pulse."""

    def __init__(self) -> None:
        self._program = gloo.Program(BEAD_VERTEX, BEAD_FRAGMENT)
        self._program["u_ground"] = rgb(COLOURS["ground"])
        self._buffer = gloo.VertexBuffer()
        self._count = 0

    def set(self, rows: BeadRows | None) -> None:
        """Replace all beads."""
        self._count = 0 if rows is None else len(rows)
        if rows is not None and len(rows):
            self._buffer.set_data(rows.ravel())

    def draw(self, view: View, phase: float = 0.0) -> None:
        """Draw all beads, first to last, at a phase 0..1 of the pulse."""
        if not self._count:
            return
        program = self._program
        program.bind(self._buffer)
        program["u_matrix"] = view.matrix
        program["u_half"] = view.half
        program["u_scale"] = view.scale
        program["u_haze"] = view.haze
        program["u_reach"] = room(view.height) * np.sqrt(view.fitted_distance * view.distance)
        program["u_phase"] = phase
        program.draw("triangles")
