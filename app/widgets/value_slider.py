"""A slider whose drags, keys and wheel turns tell where one gesture ends and the next begins."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractSlider, QWidget
from typing_extensions import override

from app.state.session import new_gesture

_PAUSE_MS = 700


class ValueSlider(QAbstractSlider):
    """Base of the horizontal sliders; it is drawn by `paint_slider`.

    A press on the track takes the handle there at once. Arrow keys, Page keys, Home, End and the
    wheel move it; a double click emits `reset_asked`.

    Signals
    -------
    moved(int, int)
        The user moved it: the value, and the number of the gesture this belongs to.
    reset_asked(int)
        A double click; the gesture is that of its first press, which may have moved the handle.
    """

    moved = Signal(int, int)
    reset_asked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self._gesture = new_gesture()
        self._pressed = self._gesture
        self._grip = 0.0  # pixels from the handle's middle to where it was taken
        self._by_user = True
        # Key presses and wheel turns have no end of their own: they end with a pause.
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._pause.timeout.connect(self._next_gesture)
        self.valueChanged.connect(self._tell)

    def show_value(self, value: int) -> None:
        """Put the handle where the state is, without telling."""
        if self.isSliderDown():
            return  # the hand that holds it is right
        self._by_user = False
        self.setValue(value)
        self._by_user = True

    @property
    def margin(self) -> float:
        """Pixels from the widget's edge to the end of the track."""
        return 10.0

    def x_of(self, value: float) -> float:
        """Return where a value lies, in pixels."""
        span = max(1, self.maximum() - self.minimum())
        return self.margin + (value - self.minimum()) / span * (self.width() - 2 * self.margin)

    def handle_rect(self) -> QRectF:
        """Return the square that holds the handle."""
        x = self.x_of(self.value())
        return QRectF(x - 9.0, self.height() / 2 - 9.0, 18.0, 18.0)

    def paint_slider(self, painter: QPainter) -> None:
        """Draw it."""
        raise NotImplementedError

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.paint_slider(painter)
        painter.end()

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._next_gesture()
            self._pressed = self._gesture
            on_handle = self.handle_rect().contains(event.position())
            self._grip = event.position().x() - self.x_of(self.value()) if on_handle else 0.0
            self.setSliderDown(True)
            self._follow(event)

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.isSliderDown():
            self._follow(event)

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(False)
            self._next_gesture()

    @override
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.setSliderDown(False)
        self.reset_asked.emit(self._pressed)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        super().keyPressEvent(event)
        self._pause.start()

    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        # Scrolling past must not change what one hears: only the slider that has the focus turns.
        if self.hasFocus():
            super().wheelEvent(event)
            self._pause.start()
        else:
            event.ignore()

    @override
    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.EnabledChange:
            self.update()
        super().changeEvent(event)

    def _follow(self, event: QMouseEvent) -> None:
        width = max(1.0, self.width() - 2 * self.margin)
        part = min(1.0, max(0.0, (event.position().x() - self._grip - self.margin) / width))
        self.setValue(round(self.minimum() + part * (self.maximum() - self.minimum())))

    def _tell(self, value: int) -> None:
        if self._by_user:
            self.moved.emit(value, self._gesture)

    def _next_gesture(self) -> None:
        self._gesture = new_gesture()
