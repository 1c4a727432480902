"""What the map is drawn with: discs, strokes and sprites, each one OpenGL program.

Made for a software renderer: no depth buffer, no multisampling and short shaders. Discs are drawn
from back to front with soft rims, which costs a sort of the points each time the eye moves and is
cleaner than a depth test, where the rims of near points cut holes into far ones.

Colours are premultiplied by their alpha everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from vispy import gloo

from app.widgets.latent_map_camera import Matrix, Points
from app.widgets.latent_map_shaders import (
    BACKDROP_FRAGMENT,
    BACKDROP_VERTEX,
    DISC_FRAGMENT,
    DISC_VERTEX,
    SPRITE_FRAGMENT,
    SPRITE_VERTEX,
    STROKE_FRAGMENT,
    STROKE_VERTEX,
)

_QUIET = 0.7  # share of their light that quiet discs lose
_SMALLEST, _LARGEST = 2.6, 22.0  # diameter of a disc, logical pixels


@dataclass(frozen=True)
class View:
    """What all layers must know of the eye and the screen.

    Parameters
    ----------
    matrix
        From the map to clip space.
    width, height
        Logical pixels.
    scale
        Device pixels of a logical one.
    fitted_distance, distance, radius
        Of the camera.
    """

    matrix: Matrix
    width: float
    height: float
    scale: float
    fitted_distance: float
    distance: float
    radius: float

    @property
    def half(self) -> tuple[float, float]:
        """Half the screen, logical pixels."""
        return 0.5 * self.width, 0.5 * self.height

    @property
    def haze(self) -> tuple[float, float]:
        """Depth at which the haze begins, and its growth with depth."""
        begin = self.distance - 0.75 * self.radius
        return begin, 1.0 / (2.1 * self.radius)


def disc_size(count: int, height: float) -> float:
    """Return the diameter, at the fitted distance, of so many discs on a screen of a height.

    Both in logical pixels.
    """
    crowd = (5000.0 / max(count, 1)) ** 0.25
    return float(np.clip(7.0 * crowd, 4.6, 10.0)) * room(height)


def room(height: float) -> float:
    """Return how much larger things are drawn on a screen of a height in logical pixels."""
    return float(np.clip(height / 800.0, 0.4, 2.0)) ** 0.5


def disc_radii(
    depth: npt.NDArray[np.float32], size: float, fitted_distance: float, distance: float
) -> npt.NDArray[np.float32]:
    """Return the radii ``(n,)`` in logical pixels at which discs are drawn.

    Perspective holds within a picture, but coming nearer by a factor makes the discs grow by its
    root only, so that clusters open up.
    """
    near = np.maximum(depth, np.float32(1e-6))
    size_at = np.float32(size * np.sqrt(fitted_distance * distance))
    return (0.5 * np.clip(size_at / near, _SMALLEST, _LARGEST)).astype(np.float32)


class Discs:
    """The landmarks."""

    def __init__(self, ground: npt.ArrayLike) -> None:
        self._program = gloo.Program(DISC_VERTEX, DISC_FRAGMENT)
        self._program["u_ground"] = np.asarray(ground, np.float32)
        self._program["u_limits"] = (_SMALLEST, _LARGEST)
        self._places = gloo.VertexBuffer()
        self._colours = gloo.VertexBuffer()
        self._order = gloo.IndexBuffer()
        self._points = np.zeros((0, 3), np.float32)
        self.is_quiet = False

    def set_points(self, points: Points) -> None:
        """Take the places ``(n, 3)``. Colours must follow where the number changes."""
        self._points = np.ascontiguousarray(points, np.float32)
        if len(points):
            self._places.set_data(self._points)

    def set_colours(self, colours: npt.NDArray[np.float32]) -> None:
        """Take the colours ``(n, 4)``."""
        if len(colours):
            self._colours.set_data(np.ascontiguousarray(colours, np.float32))

    def sort(self, view: View) -> None:
        """Order the discs from back to front."""
        if len(self._points):
            depth = self._points @ view.matrix[:3, 3].astype(np.float32)
            self._order.set_data(np.argsort(-depth).astype(np.uint32))

    def draw(self, view: View) -> None:
        """Draw all discs."""
        if not len(self._points):
            return
        program = self._program
        program["a_position"] = self._places
        program["a_colour"] = self._colours
        program["u_matrix"] = view.matrix
        size = disc_size(len(self._points), view.height)
        program["u_size"] = size * np.sqrt(view.fitted_distance * view.distance)
        program["u_scale"] = view.scale
        program["u_haze"] = view.haze
        program["u_quiet"] = _QUIET if self.is_quiet else 0.0
        program.draw("points", self._order)


_STROKE = np.dtype(
    [
        ("a_start", np.float32, 3),
        ("a_end", np.float32, 3),
        ("a_side", np.float32, 2),
        ("a_colour", np.float32, 4),
        ("a_width", np.float32),
    ]
)
_SIDES = np.array([(-1, 0), (1, 0), (1, 1), (-1, 0), (1, 1), (-1, 1)], np.float32)


@dataclass(frozen=True)
class Stroke:
    """A straight stroke.

    Parameters
    ----------
    start, end
        Places on the map, ``(3,)``.
    colours
        RGBA in 0..1 at both ends.
    width
        Logical pixels.
    """

    start: npt.ArrayLike
    end: npt.ArrayLike
    colours: tuple[npt.ArrayLike, npt.ArrayLike]
    width: float = 1.0


def arrow(
    start: npt.NDArray[np.float64],
    way: npt.NDArray[np.float64],
    side: npt.NDArray[np.float64],
    tone: npt.ArrayLike,
    width: float,
) -> list[Stroke]:
    """Return the strokes of an arrow that grows clearer towards its tip.

    Parameters
    ----------
    start, way
        Where it begins and how far it goes, ``(3,)``.
    side
        A direction ``(3,)`` that is not that of the way: its head opens along it.
    tone
        RGBA in 0..1.
    width
        Logical pixels.
    """
    length = float(np.linalg.norm(way))
    across = side - way * (side @ way) / length**2
    across *= 0.035 * length / float(np.linalg.norm(across))
    clear = np.asarray(tone, np.float64)
    faint = clear * (1.0, 1.0, 1.0, 0.2)
    tip, back = start + way, start + 0.93 * way
    return [
        Stroke(start, tip, (faint, clear), width),
        Stroke(tip, back + across, (clear, clear), width),
        Stroke(tip, back - across, (clear, clear), width),
    ]


class StrokeRows(NamedTuple):
    """Many strokes at once.

    Parameters
    ----------
    starts, ends
        ``(n, 3)``.
    colours
        RGBA in 0..1 at both ends, ``(n, 2, 4)``.
    widths
        ``(n,)`` logical pixels.
    """

    starts: npt.NDArray[np.floating]
    ends: npt.NDArray[np.floating]
    colours: npt.NDArray[np.floating]
    widths: npt.NDArray[np.floating]


class Strokes:
    """Straight strokes with soft edges, of one width from near to far."""

    def __init__(self) -> None:
        self._program = gloo.Program(STROKE_VERTEX, STROKE_FRAGMENT)
        self._buffer = gloo.VertexBuffer()
        self._count = 0

    def set(self, strokes: Sequence[Stroke]) -> None:
        """Replace all strokes."""
        rows = StrokeRows(
            np.array([stroke.start for stroke in strokes], np.float32),
            np.array([stroke.end for stroke in strokes], np.float32),
            np.array([stroke.colours for stroke in strokes], np.float32),
            np.array([stroke.width for stroke in strokes], np.float32),
        )
        self.set_rows([rows] if strokes else [])

    def set_rows(self, rows: Sequence[StrokeRows]) -> None:
        """Replace all strokes by many."""
        self._count = sum(len(part.widths) for part in rows)
        if not self._count:
            return
        data = np.zeros((self._count, 6), _STROKE)
        data["a_side"] = _SIDES
        tones = np.concatenate([part.colours for part in rows]).astype(np.float32)
        tones[..., :3] *= tones[..., 3:]
        data["a_colour"] = tones[:, _SIDES[:, 1].astype(int)]
        data["a_start"] = np.concatenate([part.starts for part in rows])[:, None]
        data["a_end"] = np.concatenate([part.ends for part in rows])[:, None]
        data["a_width"] = np.concatenate([part.widths for part in rows])[:, None]
        self._buffer.set_data(data.ravel())

    def draw(self, view: View) -> None:
        """Draw all strokes, first to last."""
        if not self._count:
            return
        program = self._program
        program.bind(self._buffer)
        program["u_matrix"] = view.matrix
        program["u_half"] = view.half
        program["u_scale"] = view.scale
        program["u_near"] = 0.02 * view.distance
        program["u_haze"] = view.haze
        program.draw("triangles")


_SPRITE = np.dtype(
    [
        ("a_position", np.float32, 3),
        ("a_corner", np.float32, 2),
        ("a_texture", np.float32, 2),
        ("a_alpha", np.float32),
    ]
)
_CORNERS = np.array([(-1, -1), (1, -1), (1, 1), (-1, -1), (1, 1), (-1, 1)], np.float32)


@dataclass(frozen=True)
class Sprite:
    """A picture of the atlas that stands at a place and always faces the eye."""

    picture: str
    place: npt.ArrayLike
    alpha: float = 1.0


@dataclass(frozen=True)
class Atlas:
    """All pictures in one image.

    Parameters
    ----------
    pixels
        ``(height, width, 4)`` uint8, premultiplied.
    boxes
        Name to left, top, width, height in device pixels.
    scale
        Device pixels of a logical one.
    """

    pixels: npt.NDArray[np.uint8]
    boxes: dict[str, tuple[int, int, int, int]]
    scale: float


class Sprites:
    """Pictures at places."""

    def __init__(self) -> None:
        self._program = gloo.Program(SPRITE_VERTEX, SPRITE_FRAGMENT)
        self._buffer = gloo.VertexBuffer()
        self._count = 0

    def set_texture(self, texture: gloo.Texture2D) -> None:
        """Take the atlas's picture."""
        self._program["u_atlas"] = texture

    def set(self, sprites: Sequence[Sprite], atlas: Atlas) -> None:
        """Replace all sprites."""
        self._count = len(sprites)
        if not sprites:
            return
        height, width = atlas.pixels.shape[:2]
        data = np.zeros((len(sprites), 6), _SPRITE)
        for row, sprite in zip(data, sprites, strict=True):
            left, top, wide, high = atlas.boxes[sprite.picture]
            row["a_position"] = sprite.place
            row["a_alpha"] = sprite.alpha
            row["a_corner"] = _CORNERS * (wide / atlas.scale / 2, high / atlas.scale / 2)
            across, down = (_CORNERS[:, 0] + 1) / 2, (1 - _CORNERS[:, 1]) / 2
            row["a_texture"][:, 0] = (left + across * wide) / width
            row["a_texture"][:, 1] = (top + down * high) / height
        self._buffer.set_data(data.ravel())

    def draw(self, view: View) -> None:
        """Draw all sprites, first to last."""
        if not self._count:
            return
        program = self._program
        program.bind(self._buffer)
        program["u_matrix"] = view.matrix
        program["u_half"] = view.half
        program.draw("triangles")


class Backdrop:
    """A still ground, a little lighter behind the middle of the map."""

    def __init__(self, ground: npt.ArrayLike, glow: npt.ArrayLike) -> None:
        self._program = gloo.Program(BACKDROP_VERTEX, BACKDROP_FRAGMENT)
        corners = np.array([(-1, -1), (1, -1), (-1, 1), (1, 1)], np.float32)
        self._program["a_position"] = corners
        self._program["u_picture"] = gloo.Texture2D(
            _vignette(np.asarray(ground), np.asarray(glow)), interpolation="nearest"
        )

    def draw(self) -> None:
        """Fill the screen."""
        self._program.draw("triangle_strip")


def _vignette(
    ground: npt.NDArray[np.float64], glow: npt.NDArray[np.float64]
) -> npt.NDArray[np.uint8]:
    """Return the picture ``(rows, columns, 3)`` of a soft light."""
    y, x = np.mgrid[-1:1:200j, -1:1:300j]
    light = np.exp(-1.9 * (x**2 + (y - 0.05) ** 2))[..., None]
    tones = 255 * (ground + light * (glow - ground))
    # So dark a gradient has only a dozen steps: noise of half a step hides their edges.
    noise = np.random.default_rng(0).random((*tones.shape[:2], 1))
    return np.floor(tones + noise).astype(np.uint8)
