"""Mouse gestures: what is a click, what a drag, and of what."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

_CLICK_PIXELS = 4.0  # a hand that clicks moves this far without meaning to
_WHEEL_NOTCH = 120.0


class Pointer(QObject):
    """Turns the mouse events of a widget into gestures; the widget sees none of them.

    Signals carry logical pixels of the widget.

    Parameters
    ----------
    widget
        Where the mouse is.
    grip
        Called at a press of the left button with the place; returns the name of what can be
        dragged there, or an empty text, and the place of its middle.
    """

    moved = Signal(QPointF)
    """The mouse moved with no button held."""
    left = Signal()
    clicked = Signal(QPointF)
    menu_requested = Signal(QPointF, QPoint)
    """The right button, with the place on the widget and on the screen."""
    drag_started = Signal(str)
    """Something with a name was moved from its place."""
    dragged = Signal(str, QPointF)
    """It moved; the place is where its middle should be."""
    dropped = Signal(str, QPointF)
    """It was let go, with the place of the cursor."""
    drag_cancelled = Signal(str)
    orbited = Signal(float, float)
    """Pixels right and down."""
    panned = Signal(float, float)
    zoomed = Signal(float, QPointF)
    """Notches of the wheel, forward positive."""

    def __init__(self, widget: QWidget, grip: Callable[[QPointF], tuple[str, QPointF]]) -> None:
        super().__init__(widget)
        self._grip = grip
        self._button = Qt.MouseButton.NoButton
        self._start = QPointF()
        self._last = QPointF()
        self._is_drag = False
        self._pans = False
        self._held = ""
        self._reach = QPointF()
        widget.setMouseTracking(True)
        widget.installEventFilter(self)

    @property
    def is_busy(self) -> bool:
        """Whether a button is held."""
        return self._button != Qt.MouseButton.NoButton

    def cancel(self) -> bool:
        """Give up the drag of a thing; return whether there was one."""
        if not (self._held and self._is_drag):
            return False
        held, self._held = self._held, ""
        self._button = Qt.MouseButton.NoButton
        self.drag_cancelled.emit(held)
        return True

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take the widget's mouse events."""
        kind = event.type()
        if isinstance(event, QWheelEvent):
            delta = event.angleDelta().y() or event.angleDelta().x()
            if delta:
                self.zoomed.emit(delta / _WHEEL_NOTCH, event.position())
            return True
        if isinstance(event, QMouseEvent):
            if kind in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick):
                self._press(event)
            elif kind == QEvent.Type.MouseMove:
                self._move(event)
            elif kind == QEvent.Type.MouseButtonRelease:
                self._release(event)
            return True
        if kind == QEvent.Type.Leave and not self.is_busy:
            self.left.emit()
        return False

    def _press(self, event: QMouseEvent) -> None:
        if self.is_busy:
            return  # a second button during a drag changes nothing
        self._button = event.button()
        self._start = self._last = event.position()
        self._is_drag = False
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._pans = shift or self._button == Qt.MouseButton.MiddleButton
        self._held = ""
        if self._button == Qt.MouseButton.LeftButton and not shift:
            self._held, middle = self._grip(event.position())
            # Held where it was taken: it must not jump under the cursor.
            self._reach = middle - event.position()

    def _move(self, event: QMouseEvent) -> None:
        place = event.position()
        if not self.is_busy:
            self.moved.emit(place)
            return
        if not event.buttons() & self._button:
            self._finish(place)  # the release went to another window
            return
        way = place - self._start
        if not self._is_drag and QPointF.dotProduct(way, way) <= _CLICK_PIXELS**2:
            return
        if not self._is_drag:
            self._is_drag = True
            if self._held:
                self.drag_started.emit(self._held)
        step = place - self._last
        self._last = place
        if self._held:
            self.dragged.emit(self._held, place + self._reach)
        elif self._pans:
            self.panned.emit(step.x(), step.y())
        elif self._button == Qt.MouseButton.LeftButton:
            self.orbited.emit(step.x(), step.y())

    def _release(self, event: QMouseEvent) -> None:
        if event.button() != self._button:
            return
        button, was_drag = self._button, self._is_drag
        self._finish(event.position())
        if was_drag:
            return
        if button == Qt.MouseButton.LeftButton and not self._pans:
            self.clicked.emit(event.position())
        elif button == Qt.MouseButton.RightButton:
            self.menu_requested.emit(event.position(), event.globalPosition().toPoint())

    def _finish(self, place: QPointF) -> None:
        self._button = Qt.MouseButton.NoButton
        held, self._held = self._held, ""
        if held and self._is_drag:
            self.dropped.emit(held, place)
        elif self._is_drag:
            self.moved.emit(place)
