"""The map: landmarks in three dimensions, the anchors A and B, and the point between them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QShowEvent,
)
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.theme import colour
from app.widgets.latent_map_camera import OrbitCamera
from app.widgets.latent_map_canvas import MapCanvas
from app.widgets.latent_map_gestures import Gestures
from app.widgets.latent_map_gl import Graphics, NoMap, probe
from app.widgets.latent_map_keys import HELP
from app.widgets.latent_map_landmarks import Landmarks
from app.widgets.latent_map_pulse import Pulse
from app.widgets.latent_map_scene import MapScene
from app.widgets.latent_map_trajectories import GROWTH_SECONDS, Trajectories, TrajectoryPoints

log = logging.getLogger(__name__)

SOFTWARE_LIMIT = 5000
"""Landmarks that a software renderer turns smoothly."""

_PULSE_MS = {False: 33, True: 160}
"""From picture to picture of what pulses, by whether a processor draws them: it has more to do."""
_MARGIN = 2  # pixels, where the focus frame is drawn
_PATIENCE_MS = 2000  # in which a map on screen must have got its OpenGL context


class LatentMap(QWidget):
    """The 3-D map of the landmarks.

    Shows what it is told and says what the user wants; it changes nothing but the view by itself.
    Where OpenGL is missing or fails, a text says so in its place, and every method and the keys
    that walk from landmark to landmark still work.

    Parameters
    ----------
    parent
        The widget it lies in.
    software_limit
        Landmarks drawn at most on a software renderer.
    """

    landmark_clicked = Signal(int)
    """Play this landmark: a click, or Enter."""
    landmark_menu = Signal(int, QPoint)
    """A landmark and where on the screen its menu should open."""
    hovered = Signal(int)
    """The landmark under the cursor or reached by keys; -1 for none."""
    moving_drag_started = Signal()
    moving_dragged = Signal(float)
    """Where on the line the moving point should be, 0 at A to 1 at B."""
    moving_drag_finished = Signal()
    anchor_dropped = Signal(str, int)
    """``"A"`` or ``"B"`` was dragged onto a landmark."""
    pin_requested = Signal(str, int)
    """``"A"`` or ``"B"`` should be pinned at a landmark: the keys A and B."""
    gl_failed = Signal(str)
    """The map cannot be drawn, and why. Sent once."""

    def __init__(
        self, parent: QWidget | None = None, *, software_limit: int = SOFTWARE_LIMIT
    ) -> None:
        super().__init__(parent)
        self.hover_text: Callable[[int], str] = lambda index: ""
        self.camera = OrbitCamera()
        self.graphics: Graphics = probe()
        self.canvas: MapCanvas | None = None
        self._landmarks = Landmarks()
        self._scene = MapScene()
        self._limit = software_limit if self.graphics.is_software else None
        self._pins: dict[str, int] = {}
        self._current = -1
        self._is_home = True
        self._pulse = Pulse(self, self._changed, _PULSE_MS[self.graphics.is_software])

        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(240, 180)
        self.setAccessibleName("Map of the landmarks")
        self.setAccessibleDescription(HELP)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, _MARGIN)
        if self.graphics.problem:
            log.warning("no map: %s", self.graphics.problem)
            self._layout.addWidget(NoMap(self.graphics.problem))
            # Nobody can have connected yet.
            QTimer.singleShot(0, self, lambda: self.gl_failed.emit(self.graphics.problem))
        else:
            self.canvas = MapCanvas(
                self._scene,
                self.camera,
                self.font(),
                self._drawing_failed,
                is_software=self.graphics.is_software,
            )
            self.canvas.events.resize.connect(self._resized)
            self.canvas.widget.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            self._layout.addWidget(self.canvas.widget)
        self._gestures = Gestures(
            self,
            self.canvas,
            self._landmarks,
            current=lambda: self._current,
            hover_text=lambda index: self.hover_text(index),
        )
        for name in (
            "landmark_clicked",
            "landmark_menu",
            "hovered",
            "moving_drag_started",
            "moving_dragged",
            "moving_drag_finished",
            "anchor_dropped",
            "pin_requested",
        ):
            getattr(self._gestures, name).connect(getattr(self, name))
        self._gestures.home_requested.connect(self.reset_view)
        self._gestures.camera_moved.connect(self._camera_moved)

    @property
    def total_count(self) -> int:
        """Number of landmarks."""
        return len(self._landmarks)

    @property
    def shown_count(self) -> int:
        """Number of landmarks that are drawn: on a software renderer not more than its limit."""
        return len(self._landmarks.shown)

    @property
    def shown(self) -> npt.NDArray[np.intp]:
        """Indices of the landmarks that are drawn, ascending: only they can be pointed at."""
        return self._landmarks.shown

    @property
    def pulses(self) -> bool:
        """Whether it draws itself again and again, since newest places pulse."""
        return self._pulse.is_running

    def set_landmarks(self, points: npt.ArrayLike, colours: npt.ArrayLike) -> None:
        """Show landmarks. If their number changes, the view is reset and none is current.

        Parameters
        ----------
        points
            ``(n, 3)``.
        colours
            ``(n, 4)``, RGBA in 0..1.

        Raises
        ------
        ValueError
            If the shapes are others or a place is not finite; the map stays as it was.
        """
        before = len(self._landmarks)
        self._landmarks.set(points, colours, self._limit)
        if len(self._landmarks) != before:
            self._current = -1
            self._gestures.forget()
        else:
            self._gestures.refresh()
        self._scene.low, self._scene.high = self._landmarks.low, self._landmarks.high
        self._scene.current = self._landmarks.points[self._current] if self._current >= 0 else None
        self._pins.clear()
        for name, place in self._scene.anchors.items():
            self._pin(name, place)
        self._landmarks.keep(self._kept())
        self._show_landmarks()
        if len(self._landmarks) != before:
            self.reset_view()

    def set_colours(self, colours: npt.ArrayLike) -> None:
        """Colour the landmarks anew, ``(n, 4)``, RGBA in 0..1.

        Raises
        ------
        ValueError
            If there are more or fewer than landmarks.
        """
        self._landmarks.set_colours(colours)
        self._scene.colours = self._landmarks.colours[self._landmarks.shown]
        self._changed("colours")

    def set_axes(
        self,
        texts: tuple[str, str, str],
        directed: tuple[bool, bool, bool] = (False, False, False),
    ) -> None:
        """Name the axes.

        Parameters
        ----------
        texts
            What each axis shows; empty where it shows nothing of its own.
        directed
            Whether a text says what grows along its axis: an arrow tells which way that is.
        """
        self._scene.axis_labels, self._scene.directed = texts, directed
        self._changed("axes")

    def set_anchor(self, name: str, point: npt.ArrayLike | None) -> None:
        """Pin ``"A"`` or ``"B"`` at a place ``(3,)``, or take it away with None."""
        if name not in ("A", "B"):
            raise ValueError(f"the anchors are A and B, not '{name}'")
        self._scene.anchors.pop(name, None)
        self._pins.pop(name, None)
        if point is not None:
            self._scene.anchors[name] = np.array(point, np.float32)
            self._pin(name, self._scene.anchors[name])
        self._keep()
        self._changed("line")

    def set_line(self, points: npt.ArrayLike | None) -> None:
        """Draw the way from A to B through evenly spaced corners ``(m, 3)``, or no line."""
        self._scene.line = None if points is None else np.array(points, np.float32)
        self._changed("line")

    def set_moving(self, point: npt.ArrayLike | None) -> None:
        """Show the moving point at a place ``(3,)``, or not at all."""
        self._scene.moving = None if point is None else np.array(point, np.float32)
        self._changed("moving")

    def set_trajectories(
        self,
        human: TrajectoryPoints,
        machine: TrajectoryPoints,
        links: Sequence[tuple[int, int]] = (),
    ) -> None:
        """Show where both players of a jam have been; empty arrays for nothing.

        A trajectory that goes on from the one shown before grows to its new place; where only its
        newest place is another, that moves.

        Parameters
        ----------
        human, machine
            Places ``(n, 3)``, oldest first.
        links
            Pairs of an index of ``human`` and one of ``machine`` that answered one another, oldest
            first.

        Raises
        ------
        ValueError
            If a shape is another, a place is not finite, or a link has no point at an end.
        """
        self._scene.trajectories = Trajectories.checked(human, machine, links)
        self._pulse.set_wanted(self.canvas is not None and len(self._scene.trajectories) > 0)
        self._pulse.hurry(2 * GROWTH_SECONDS)
        self._changed("trajectories")

    def set_quiet(self, is_quiet: bool) -> None:
        """Let the landmarks step back behind the trajectories, as on stage, or not.

        The names of the axes grow, too.
        """
        self._scene.is_quiet = is_quiet
        self._changed("axes")

    def set_current(self, index: int | None) -> None:
        """Mark the landmark that plays, or none.

        Raises
        ------
        ValueError
            If there is no such landmark.
        """
        self._current = -1 if index is None else self._landmarks.checked(index)
        self._scene.current = None if index is None else self._landmarks.points[index]
        self._keep()
        self._changed("marks")

    def reset_view(self) -> None:
        """Look at all landmarks from the default side."""
        width, height = self.canvas.size if self.canvas else (self.width(), self.height())
        self.camera.fit(self._scene.outline(), width, height)
        self._is_home = True
        self._changed("camera")
        self._gestures.show_text()

    def add_overlay(self, widget: QWidget, corner: Qt.Corner) -> None:
        """Lay a widget (such as the legend) over a corner of the map."""
        self._gestures.overlay.add(widget, corner)

    def _changed(self, *parts: str) -> None:
        if self.canvas is not None:
            self.canvas.changed(*parts)

    def _pin(self, name: str, place: npt.NDArray[np.float32]) -> None:
        index = self._landmarks.at(place)
        if index is not None:
            self._pins[name] = index

    def _kept(self) -> list[int]:
        """Return the landmarks that are drawn in any case."""
        return [*self._pins.values(), *([self._current] if self._current >= 0 else [])]

    def _keep(self) -> None:
        if self._landmarks.keep(self._kept()):
            self._show_landmarks()

    def _show_landmarks(self) -> None:
        shown = self._landmarks.shown
        self._scene.points = self._landmarks.points[shown]
        self._scene.colours = self._landmarks.colours[shown]
        self._changed("points")

    def _camera_moved(self) -> None:
        self._is_home = False
        self._changed("camera")
        self._gestures.show_text()

    def _resized(self, event: object) -> None:
        if self._is_home:
            self.reset_view()
        else:
            self._changed("camera")
            self._gestures.show_text()

    def _drawing_failed(self, problem: str) -> None:
        # Later: the canvas is in the middle of drawing.
        QTimer.singleShot(0, self, lambda: self._give_up(problem))

    def _give_up(self, problem: str) -> None:
        if self.canvas is None:
            return
        canvas, self.canvas = self.canvas, None
        self._pulse.set_wanted(False)
        self._gestures.without_canvas()
        self._layout.removeWidget(canvas.widget)
        canvas.widget.hide()
        canvas.close()
        self._layout.addWidget(NoMap(problem))
        self.gl_failed.emit(problem)

    def _check_context(self) -> None:
        """Give up a map that is on the screen and yet was never drawn."""
        is_seen = self.isVisible() and self.window().windowHandle().isExposed()
        if self.canvas is not None and is_seen and not self.canvas.drawn:
            self._give_up("the window got no OpenGL context")

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Open the menu of the landmark that keys act on, at the menu key."""
        index = self._gestures.pointed()
        if event.reason() == QContextMenuEvent.Reason.Keyboard and index >= 0:
            place = self._gestures.pixel_of_pointed() or QPointF(self.rect().center())
            self.landmark_menu.emit(index, self.mapToGlobal(place.toPoint()))

    def showEvent(self, event: QShowEvent) -> None:
        """See to it that the canvas gets its OpenGL context."""
        super().showEvent(event)
        if self.canvas is not None and not self.canvas.drawn:
            QTimer.singleShot(_PATIENCE_MS, self, self._check_context)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the frame."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Hide the frame."""
        super().focusOutEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the frame that tells where the keys go."""
        painter = QPainter(self)
        painter.setPen(QPen(colour("machine" if self.hasFocus() else "line"), _MARGIN))
        half = _MARGIN / 2
        painter.drawRect(QRectF(self.rect()).adjusted(half, half, -half, -half))
        painter.end()
