"""What the hand does on the map: pointing, choosing, dragging and walking."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject, QPoint, QPointF, Qt, Signal
from PySide6.QtWidgets import QWidget

from app.widgets.latent_map_camera import nearest_on_line, pick
from app.widgets.latent_map_canvas import MapCanvas
from app.widgets.latent_map_keys import HELP, Keys
from app.widgets.latent_map_landmarks import Landmarks
from app.widgets.latent_map_overlay import Overlay
from app.widgets.latent_map_pointer import Pointer
from app.widgets.latent_map_scene import Place
from app.widgets.latent_map_sprites import ANCHOR_RADIUS, MOVING_RADIUS
from app.widgets.latent_map_walk import Walk

_HOVER_SLACK = 4.0  # pixels round a landmark that still count as on it
_DROP_SLACK = 22.0  # an anchor lands on the landmark nearest to the cursor within this
_DEGREES_PER_PIXEL = 0.35
_ZOOM_PER_NOTCH = 1.18
_KEY_DEGREES, _KEY_PIXELS = 6.0, 40.0


class Gestures(QObject):
    """Turns mouse and keys into looks at the map (done here) and wishes of the user (signals).

    Signals are those of `app.widgets.latent_map.LatentMap`.

    Parameters
    ----------
    widget
        The map; has the focus and the keys.
    canvas
        What is drawn, with its scene and camera.
    landmarks
        What can be pointed at.
    current
        Returns the landmark that plays, or -1.
    hover_text
        Returns what to say of a landmark.
    """

    landmark_clicked = Signal(int)
    landmark_menu = Signal(int, QPoint)
    hovered = Signal(int)
    moving_drag_started = Signal()
    moving_dragged = Signal(float)
    moving_drag_finished = Signal()
    anchor_dropped = Signal(str, int)
    pin_requested = Signal(str, int)
    home_requested = Signal()
    camera_moved = Signal()

    def __init__(
        self,
        widget: QWidget,
        canvas: MapCanvas | None,
        landmarks: Landmarks,
        current: Callable[[], int],
        hover_text: Callable[[int], str],
    ) -> None:
        super().__init__(widget)
        self.index = -1
        self.overlay = Overlay(widget)
        self._widget = widget
        self._canvas = canvas
        self._landmarks = landmarks
        self._current = current
        self._hover_text = hover_text
        self._text = ""
        self._walk = Walk()
        self._pointer: Pointer | None = None
        if canvas is not None:
            self._connect_pointer(Pointer(canvas.widget, self._grip))
        keys = Keys(widget)
        turn = _KEY_DEGREES / _DEGREES_PER_PIXEL
        keys.turned.connect(lambda dx, dy: self._orbit(-dx * turn, -dy * turn))
        keys.shifted.connect(lambda dx, dy: self._pan(-dx * _KEY_PIXELS, -dy * _KEY_PIXELS))
        keys.zoomed.connect(lambda notches: self._zoom(notches, None))
        keys.home.connect(self.home_requested)
        keys.walked_on.connect(self._walk_on)
        keys.walked_back.connect(self._walk_back)
        keys.played.connect(self._play)
        keys.pinned.connect(self._pin)
        keys.escaped.connect(self._escape)

    def _connect_pointer(self, pointer: Pointer) -> None:
        self._pointer = pointer
        pointer.moved.connect(self._hover_at)
        pointer.left.connect(lambda: self.point_at(-1))
        pointer.clicked.connect(self._click_at)
        pointer.menu_requested.connect(self._menu_at)
        pointer.drag_started.connect(self._start_drag)
        pointer.dragged.connect(self._drag)
        pointer.dropped.connect(self._drop)
        pointer.drag_cancelled.connect(self._cancel_drag)
        pointer.orbited.connect(self._orbit)
        pointer.panned.connect(self._pan)
        pointer.zoomed.connect(self._zoom)

    def forget(self) -> None:
        """Let go of all landmarks: others have come in their place."""
        self._walk.restart()
        self.point_at(-1)

    def without_canvas(self) -> None:
        """Go on with the keys alone."""
        self._canvas = self._pointer = None
        self.show_text()

    # Pointing

    def point_at(self, index: int) -> None:
        """Point at a landmark, or at none with -1."""
        if index != self.index:
            self.index = index
            self.refresh()
            self.hovered.emit(index)

    def refresh(self) -> None:
        """Show again what is pointed at; its place or text may have changed."""
        self._text = self._hover_text(self.index) if self.index >= 0 else ""
        self._widget.setAccessibleDescription(self._text or HELP)
        if self._canvas is not None:
            points = self._landmarks.points
            self._canvas.scene.hovered = points[self.index] if self.index >= 0 else None
            self._canvas.changed("marks")
        self.show_text()

    def show_text(self) -> None:
        """Put the text beside the landmark that is pointed at."""
        place = None
        if self._canvas is not None and self.index >= 0:
            place = self._pixel(self._landmarks.points[self.index])
        if place is not None and self._canvas is not None:
            place = QPointF(self._canvas.widget.pos()) + place
        self.overlay.show_text(self._text, place)

    def pointed(self) -> int:
        """Return the landmark that keys act on: the one pointed at, else the current one, or -1."""
        return self.index if self.index >= 0 else self._current()

    def pixel_of_pointed(self) -> QPointF | None:
        """Return where on the canvas the landmark is seen that keys act on."""
        return self._pixel(self._landmarks.points[self.pointed()]) if self.pointed() >= 0 else None

    def _pixel(self, place: Place) -> QPointF | None:
        if self._canvas is None:
            return None
        screen = self._canvas.projected(place)
        if screen.depth[0] <= 0:
            return None
        return QPointF(float(screen.x[0]), float(screen.y[0]))

    def _pick(self, place: QPointF, slack: float) -> int:
        if self._canvas is None:
            return -1
        screen = self._canvas.projected(self._canvas.scene.points)
        found = pick(screen, self._canvas.disc_radii(screen), place.x(), place.y(), slack)
        return -1 if found is None else int(self._landmarks.shown[found])

    def _hover_at(self, place: QPointF) -> None:
        is_grip = bool(self._grip(place)[0])
        self.point_at(-1 if is_grip else self._pick(place, _HOVER_SLACK))
        if is_grip:
            self._set_cursor(Qt.CursorShape.OpenHandCursor)
        elif self.index >= 0:
            self._set_cursor(Qt.CursorShape.PointingHandCursor)
        else:
            self._set_cursor(Qt.CursorShape.ArrowCursor)

    def _set_cursor(self, shape: Qt.CursorShape) -> None:
        if self._canvas is not None:
            self._canvas.widget.setCursor(shape)

    # Choosing

    def _click_at(self, place: QPointF) -> None:
        self._widget.setFocus(Qt.FocusReason.MouseFocusReason)
        index = self._pick(place, _HOVER_SLACK)
        if index >= 0 and not self._grip(place)[0]:
            self.landmark_clicked.emit(index)

    def _menu_at(self, place: QPointF, on_screen: QPoint) -> None:
        self._widget.setFocus(Qt.FocusReason.MouseFocusReason)
        index = self._pick(place, _HOVER_SLACK)
        if index >= 0:
            self.landmark_menu.emit(index, on_screen)

    def _play(self) -> None:
        if self.pointed() >= 0:
            self.landmark_clicked.emit(self.pointed())

    def _pin(self, name: str) -> None:
        if self.pointed() >= 0:
            self.pin_requested.emit(name, self.pointed())

    def _escape(self) -> None:
        if self._pointer is None or not self._pointer.cancel():
            self.point_at(-1)

    # Dragging

    def _grip(self, place: QPointF) -> tuple[str, QPointF]:
        """Return what can be dragged at a pixel, and the pixel of its middle."""
        if self._canvas is not None:
            scene = self._canvas.scene
            things = [(name, where, ANCHOR_RADIUS) for name, where in scene.anchors.items()]
            if scene.moving is not None and scene.line is not None:
                things.insert(0, ("moving", scene.moving, MOVING_RADIUS))
            for name, where, radius in things:
                middle = self._pixel(where)
                if middle is not None:
                    way = middle - place
                    if QPointF.dotProduct(way, way) <= radius**2:
                        return name, middle
        return "", place

    def _start_drag(self, name: str) -> None:
        self._widget.setFocus(Qt.FocusReason.MouseFocusReason)
        self.point_at(-1)
        self._set_cursor(Qt.CursorShape.ClosedHandCursor)
        if self._canvas is not None:
            self._canvas.scene.held = name
            self._canvas.changed("line")
        if name == "moving":
            self.moving_drag_started.emit()

    def _drag(self, name: str, place: QPointF) -> None:
        if self._canvas is None:
            return
        scene = self._canvas.scene
        if name == "moving":
            if scene.line is not None and len(scene.line) > 1:
                screen = self._canvas.projected(scene.line)
                self.moving_dragged.emit(nearest_on_line(screen, place.x(), place.y()))
        elif name in scene.anchors:
            self.point_at(self._pick(place, _DROP_SLACK))
            scene.target = scene.hovered
            scene.ghost = self._beside(self._canvas, scene.anchors[name], place)
            self._canvas.changed("line")

    def _beside(self, canvas: MapCanvas, point: Place, place: QPointF) -> Place:
        """Return the place on the map under a pixel, as far from the eye as a point is."""
        screen = canvas.projected(point)
        right, up, _ = canvas.camera.axes()
        unit = canvas.camera.pixels_per_unit(*canvas.size) * canvas.camera.distance
        way = right * (place.x() - float(screen.x[0])) - up * (place.y() - float(screen.y[0]))
        return np.asarray(point + way * float(screen.depth[0]) / unit, np.float32)

    def _drop(self, name: str, place: QPointF) -> None:
        target = self.index
        self._cancel_drag(name)
        if name != "moving" and target >= 0:
            self.anchor_dropped.emit(name, target)
        self._hover_at(place)

    def _cancel_drag(self, name: str) -> None:
        if self._canvas is not None:
            scene = self._canvas.scene
            scene.held, scene.ghost, scene.target = "", None, None
            self._canvas.changed("line")
        self.point_at(-1)
        if name == "moving":
            self.moving_drag_finished.emit()

    # Looking

    def _orbit(self, dx: float, dy: float) -> None:
        if self._canvas is not None:
            self._canvas.camera.orbit(-dx * _DEGREES_PER_PIXEL, dy * _DEGREES_PER_PIXEL)
            self.camera_moved.emit()

    def _pan(self, dx: float, dy: float) -> None:
        if self._canvas is not None:
            self._canvas.camera.pan(dx, dy, *self._canvas.size)
            self.camera_moved.emit()

    def _zoom(self, notches: float, place: QPointF | None) -> None:
        if self._canvas is not None:
            width, height = self._canvas.size
            x, y = (place.x(), place.y()) if place is not None else (0.5 * width, 0.5 * height)
            self._canvas.camera.zoom(_ZOOM_PER_NOTCH**notches, x, y, width, height)
            self.camera_moved.emit()

    # Walking

    def _walk_on(self) -> None:
        shown, points = self._landmarks.shown, self._landmarks.points
        start = self.pointed()
        if start >= 0:
            index = self._walk.on(points, shown, start)
        elif len(shown):
            middle = 0.5 * (self._landmarks.low + self._landmarks.high)
            if self._canvas is not None:
                middle = self._canvas.camera.centre.astype(np.float32)
            index = int(shown[np.argmin(((points[shown] - middle) ** 2).sum(axis=1))])
        else:
            index = None
        self._reach(index)

    def _walk_back(self) -> None:
        self._reach(self._walk.back())

    def _reach(self, index: int | None) -> None:
        """Point at a landmark and bring it into view."""
        if index is None:
            return
        if self._canvas is not None:
            place = self._pixel(self._landmarks.points[index])
            if place is None or not self._canvas.widget.rect().contains(place.toPoint()):
                self._canvas.camera.centre = self._landmarks.points[index].astype(np.float64)
                self.camera_moved.emit()
        self.point_at(index)
