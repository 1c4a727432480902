"""The picture of the map: what is shown, drawn again only where something changed."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import vispy
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QWidget
from vispy import app as vispy_app
from vispy import gloo

from app.theme import COLOURS
from app.widgets.colours import GRADIENT_A_TO_B, rgb
from app.widgets.latent_map_camera import OrbitCamera, Projection, project
from app.widgets.latent_map_layers import (
    Atlas,
    Backdrop,
    Discs,
    Sprite,
    Sprites,
    Stroke,
    Strokes,
    View,
    arrow,
    disc_radii,
    disc_size,
)
from app.widgets.latent_map_picture import MapPicture
from app.widgets.latent_map_scene import MapScene, Place
from app.widgets.latent_map_sprites import ANCHOR_TONES, paint_atlas
from app.widgets.latent_map_trajectories import TrajectoryLayer

log = logging.getLogger(__name__)

_GLOW = "#18202c"
_CELLS = 8  # of the floor, along each side
_UPRIGHT = 0.7  # of the height of the map
_LABEL, _SMALLEST_STAGE_LABEL, _LARGEST_STAGE_LABEL = 12, 13, 24  # pixels
_LINE_CORNERS = 24
_LINE_PASSES = ((11.0, 0.13), (6.0, 0.20), (2.4, 0.95))  # width and alpha: a glow, then the line


class MapCanvas(vispy_app.Canvas):
    """Draws a `MapScene` through an `OrbitCamera`.

    Call `changed` after changing either; several changes are drawn at once.

    Parameters
    ----------
    scene, camera
        What is drawn and from where. Shared with the widget.
    font
        Of the labels.
    failed
        Called once, with what went wrong, if drawing fails; nothing is drawn after that.
    is_software
        Whether a processor draws, not a graphics card.
    """

    def __init__(
        self,
        scene: MapScene,
        camera: OrbitCamera,
        font: QFont,
        failed: Callable[[str], None],
        *,
        is_software: bool,
    ) -> None:
        vispy.use("pyside6", "gl2")
        # QOpenGLWidget shows by itself what was drawn; swapping as well costs as much again.
        super().__init__(
            keys=None,
            show=False,
            autoswap=False,
            config={"samples": 0, "depth_size": 0, "stencil_size": 0},
        )
        self.scene = scene
        self.camera = camera
        self.drawn = 0
        self.widget: QWidget = self.native
        """On the screen."""
        if is_software:
            self.widget = MapPicture(self.native, lambda: self._is_stale)
        self._font = font
        self._failed = failed
        self._is_broken = False
        self._is_stale = True
        self._changes: set[str] = {"points", "colours", "axes", "trajectories", "camera"}
        self._atlas: Atlas | None = None
        self._label = 0
        self._corner: tuple[float, float] | None = None
        self._backdrop = Backdrop(rgb(COLOURS["ground"]), rgb(_GLOW))
        self._floor = Strokes()
        self._labels = Sprites()
        self._discs = Discs(rgb(COLOURS["ground"]))
        self._journey = Strokes()
        self._marks = Sprites()
        self._stem = Strokes()
        self._moving = Sprites()
        self._trajectories = TrajectoryLayer()
        # Otherwise vispy logs an error in a callback and goes on with a black picture.
        self.events.draw.ignore_callback_errors = False

    def changed(self, *parts: str) -> None:
        """Draw again soon.

        Parameters
        ----------
        parts
            Of ``points``, ``colours``, ``axes``, ``line`` (and the anchors at its ends), ``marks``
            (rings round landmarks), ``moving``, ``trajectories`` and ``camera``.
        """
        self._changes.update(parts)
        self._is_stale = True
        self.widget.update()

    def view(self) -> View:
        """Return the camera and the screen as the layers need them."""
        width, height = self.size
        camera = self.camera
        return View(
            camera.matrix(width, height),
            width,
            height,
            self.physical_size[0] / max(width, 1),
            camera.fitted_distance,
            camera.distance,
            camera.radius,
        )

    def projected(self, points: npt.ArrayLike) -> Projection:
        """Return where places ``(n, 3)`` lie on the widget, in logical pixels."""
        width, height = self.size
        places = np.asarray(points, np.float32).reshape(-1, 3)
        return project(places, self.camera.matrix(width, height), width, height)

    def disc_radii(self, screen: Projection) -> npt.NDArray[np.float32]:
        """Return the radii in logical pixels at which the landmarks are drawn."""
        return disc_radii(
            screen.depth,
            disc_size(len(self.scene.points), self.size[1]),
            self.camera.fitted_distance,
            self.camera.distance,
        )

    def on_draw(self, event: object) -> None:
        """Draw (called by vispy)."""
        if self._is_broken:
            return
        self._is_stale = False
        try:
            self._draw()
            # Here, and not when vispy gets to it: the driver's errors are to be caught below.
            self.context.flush_commands()
            if not self.drawn:
                gloo.gl.check_error("the first drawing of the map")
        except Exception as error:
            self._is_broken = True
            log.exception("the map cannot be drawn")
            self._failed(str(error) or type(error).__name__)
            return
        self.drawn += 1

    def _draw(self) -> None:
        view = self.view()
        self._upload(view)
        gloo.set_viewport(0, 0, *self.physical_size)
        gloo.set_state(
            blend=True,
            depth_test=False,
            cull_face=False,
            blend_func=("one", "one_minus_src_alpha"),
            # vispy's Qt backend fills the alpha channel with that of this colour after drawing.
            clear_color=(0.0, 0.0, 0.0, 1.0),
        )
        self._backdrop.draw()
        self._floor.draw(view)
        self._labels.draw(view)
        self._discs.draw(view)
        # A, B, the line and the moving point lie over all landmarks: they must never be lost.
        self._journey.draw(view)
        self._stem.draw(view)
        self._marks.draw(view)
        self._moving.draw(view)
        self._trajectories.draw(view)

    def _upload(self, view: View) -> None:
        """Hand to the graphics card what changed since the last picture, and only that."""
        changes, self._changes = self._changes, set()
        label = self._label_height(view)
        if (
            self._atlas is None
            or (self._atlas.scale, self._label) != (view.scale, label)
            or "axes" in changes
        ):
            labels = {f"axis {k}": text for k, text in enumerate(self.scene.axis_labels)}
            tone = "text" if any(self.scene.directed) else "dim"
            self._label = label
            self._atlas = paint_atlas(labels, self._font, view.scale, tone, label)
            texture = gloo.Texture2D(self._atlas.pixels, interpolation="linear")
            for sprites in (self._labels, self._marks, self._moving):
                sprites.set_texture(texture)
            self._corner = None
            changes |= {"axes", "line", "marks", "moving"}
        if "points" in changes:
            self._discs.set_points(self.scene.points)
            self._corner = None
        if changes & {"points", "colours"}:
            self._discs.set_colours(self.scene.colours)
        if changes & {"points", "camera"}:
            self._discs.sort(view)
        if changes & {"points", "camera", "axes"}:
            self._upload_floor(self._atlas)
        if changes & {"points", "line"}:
            self._upload_line()
        if changes & {"points", "line", "marks"}:
            self._upload_marks(self._atlas)
        if changes & {"points", "line", "moving"}:
            self._upload_moving(self._atlas)
        if changes & {"points", "trajectories"}:
            self._trajectories.set(self.scene.trajectories, self.scene.floor())
        self._discs.is_quiet = self.scene.is_quiet

    def _label_height(self, view: View) -> int:
        """Return the height of letters at the axes, in logical pixels."""
        if not self.scene.is_quiet:
            return _LABEL
        height = round(view.height / 40.0)
        return min(max(height, _SMALLEST_STAGE_LABEL), _LARGEST_STAGE_LABEL)

    def _upload_floor(self, atlas: Atlas) -> None:
        """Draw the floor, its upright at the corner farthest from the eye, and the axes' names."""
        scene = self.scene
        middle = 0.5 * (scene.low + scene.high)
        eye = self.camera.eye()
        corner = (1.0 if eye[0] < middle[0] else -1.0, 1.0 if eye[1] < middle[1] else -1.0)
        if corner == self._corner:
            return
        self._corner = corner
        floor = scene.floor()
        top = floor + _UPRIGHT * (float(scene.high[2]) - floor)
        reach = 0.5 * (scene.high - scene.low)[:2]
        (left, front), (right, rear) = middle[:2] - reach, middle[:2] + reach
        tone = rgb(COLOURS["dim"])
        faint, clear = (*tone, 0.13), (*tone, 0.42)
        strokes = []
        for share in np.linspace(0.0, 1.0, _CELLS + 1):
            is_rim = share in (0.0, 1.0)
            colours = (clear, clear) if is_rim else (faint, faint)
            x, y = left + share * (right - left), front + share * (rear - front)
            strokes.append(Stroke((x, front, floor), (x, rear, floor), colours))
            strokes.append(Stroke((left, y, floor), (right, y, floor), colours))
        far_x, far_y = middle[:2] + reach * corner
        near_x, near_y = middle[:2] - reach * corner
        strokes.append(Stroke((far_x, far_y, floor), (far_x, far_y, top), (clear, (*tone, 0.1))))
        # Names lie outside of the rims nearest to the eye, that of the third above the upright;
        # where something grows along an axis, at the tip of its arrow.
        out = -np.array([*corner, 0.0])
        at = [
            np.array([middle[0], near_y, floor]),
            np.array([near_x, middle[1], floor]),
            np.array([far_x, far_y, floor]),
        ]
        ways = np.diag([0.66 * reach[0], 0.66 * reach[1], 1.06 * (top - floor)])
        sprites = []
        for axis in range(3):
            aside = np.zeros(3) if axis == 2 else out * np.array([*reach, 0.0])
            aside[axis] = 0.0
            if scene.directed[axis]:
                tones = (*rgb(COLOURS["text"]), 0.75)
                width = 2.4 if scene.is_quiet else 1.6
                strokes += arrow(at[axis] + 0.05 * aside, ways[axis], out, tones, width)
            share = 1.1 if axis == 2 else 1.32 if scene.directed[axis] else 0.0
            place = at[axis] + (0.06 if scene.directed[axis] else 0.09) * aside
            sprites.append(Sprite(f"axis {axis}", place + share * ways[axis]))
        self._floor.set(strokes)
        self._labels.set(sprites, atlas)

    def _upload_line(self) -> None:
        scene = self.scene
        marks = scene.marks()
        line = scene.line
        if scene.held in marks and len(marks) == 2:
            line = np.stack([marks["A"], marks["B"]])
        strokes = []
        if line is not None and len(line) > 1:
            # More corners than a straight line needs, so that its colour can turn on the way.
            at = np.linspace(0.0, 1.0, max(len(line), _LINE_CORNERS))
            known = np.linspace(0.0, 1.0, len(line))
            places = np.stack([np.interp(at, known, line[:, k]) for k in range(3)], axis=1)
            shadow = places.copy()
            shadow[:, 2] = scene.floor()
            dim = (*rgb(COLOURS["text"]), 0.20)
            strokes += [
                Stroke(shadow[k], shadow[k + 1], (dim, dim), 1.5) for k in range(len(at) - 1)
            ]
            tones = GRADIENT_A_TO_B[np.rint(at * 255).astype(int)]
            for width, alpha in _LINE_PASSES:
                colours = np.column_stack([tones, np.full(len(at), alpha)])
                strokes += [
                    Stroke(places[k], places[k + 1], (colours[k], colours[k + 1]), width)
                    for k in range(len(at) - 1)
                ]
        strokes += [self._stem_of(place, rgb(ANCHOR_TONES[name])) for name, place in marks.items()]
        self._journey.set(strokes)

    def _upload_marks(self, atlas: Atlas) -> None:
        scene = self.scene
        marks = scene.marks()
        sprites = [Sprite("shadow", self._below(place), 0.4) for place in marks.values()]
        if scene.current is not None:
            sprites.append(Sprite("current", scene.current))
        if scene.hovered is not None:
            sprites.append(Sprite("hover", scene.hovered))
        if scene.target is not None:
            sprites.append(Sprite(f"target {scene.held}", scene.target))
        sprites += [
            Sprite(name, place, 0.8 if name == scene.held else 1.0) for name, place in marks.items()
        ]
        self._marks.set(sprites, atlas)

    def _upload_moving(self, atlas: Atlas) -> None:
        place = self.scene.moving
        # While an anchor is held the line is not yet the one on which the point lies.
        if place is None or self.scene.held in ANCHOR_TONES:
            self._stem.set([])
            self._moving.set([], atlas)
            return
        self._stem.set([self._stem_of(place, rgb(COLOURS["text"]))])
        picture = "held" if self.scene.held == "moving" else "moving"
        sprites = [Sprite("shadow", self._below(place), 0.6), Sprite(picture, place)]
        self._moving.set(sprites, atlas)

    def _below(self, place: Place) -> tuple[float, float, float]:
        return float(place[0]), float(place[1]), self.scene.floor()

    def _stem_of(self, place: Place, tone: npt.NDArray[np.float64]) -> Stroke:
        """Return a faint upright from the floor, which tells how far away a place is."""
        return Stroke(self._below(place), place, ((*tone, 0.10), (*tone, 0.45)))
