"""The way from A to B: a slider, thumbnails along it, and how much changes from step to step."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QBrush,
    QColor,
    QKeyEvent,
    QLinearGradient,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from app.theme import colour, numerals
from app.widgets.colours import ANCHOR_A, ANCHOR_B
from app.widgets.miniature import Miniature, paint_miniature
from app.widgets.value_slider import ValueSlider

POINTS = 7
"""Thumbnails along the journey, both ends included."""

STEPS = 1200
"""Steps of the slider; a multiple of `POINTS` - 1, so that each thumbnail is hit exactly."""

_GAP = 3
_NO_STEPS = "pin A and B to see the steps between them"


class JourneySlider(ValueSlider):
    """A ●────◆────● B, with values from 0 to `STEPS`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setRange(0, STEPS)
        self.setSingleStep(STEPS // 60)
        self.setPageStep(STEPS // (POINTS - 1))
        self.setFixedHeight(40)
        self.setAccessibleName("Journey from A to B")

    @property
    def margin(self) -> float:
        """Half a thumbnail, so that the ends lie over the first and the last one."""
        return thumbnail_width(self.width()) / 2

    @override
    def paint_slider(self, painter: QPainter) -> None:
        middle = self.height() / 2
        left, right = self.x_of(0), self.x_of(STEPS)
        on = self.isEnabled()
        from_a, to_b = (QColor(ANCHOR_A), QColor(ANCHOR_B)) if on else 2 * (colour("faint"),)
        gradient = QLinearGradient(left, 0, right, 0)
        gradient.setColorAt(0, from_a)
        gradient.setColorAt(1, to_b)
        painter.setPen(QPen(QBrush(gradient), 4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(QPointF(left, middle), QPointF(right, middle))

        font = self.font()
        font.setPixelSize(13)
        font.setWeight(font.Weight.DemiBold)
        painter.setFont(font)
        for x, name, paint in ((left, "A", from_a), (right, "B", to_b)):
            painter.setPen(QPen(colour("surface"), 3))
            painter.setBrush(paint)
            painter.drawEllipse(QPointF(x, middle), 12, 12)
            painter.setPen(colour("ground"))
            painter.drawText(
                QRectF(x - 12, middle - 12, 24, 24), Qt.AlignmentFlag.AlignCenter, name
            )

        x = self.x_of(self.value())
        size = 13.0
        diamond = QPolygonF(
            [
                QPointF(x, middle - size),
                QPointF(x + size, middle),
                QPointF(x, middle + size),
                QPointF(x - size, middle),
            ]
        )
        painter.setPen(QPen(colour("surface"), 3))
        painter.setBrush(colour("text") if on else colour("faint"))
        painter.drawPolygon(diamond)
        if self.value() in (0, STEPS):  # it lies on the end's own letter
            painter.setPen(colour("ground"))
            painter.drawText(
                QRectF(x - 12, middle - 12, 24, 24),
                Qt.AlignmentFlag.AlignCenter,
                "A" if self.value() == 0 else "B",
            )
        if self.hasFocus():
            painter.setPen(QPen(colour("machine"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPolygon(diamond)


def thumbnail_width(width: int) -> float:
    """Return the width of a thumbnail where `POINTS` of them share so many pixels."""
    return (width - _GAP * (POINTS - 1)) / POINTS


class Thumbnails(QWidget):
    """Small pictures of the phrases along the journey; a click, or Enter on one, goes there.

    Signals
    -------
    chosen(int)
        Number of the picture, from 0.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(46)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Seven steps from A to B")
        self.setToolTip("Click a step to hear it. With the keyboard: left, right, Enter.")
        self._pictures: tuple[Miniature, ...] = ()
        self._position: float | None = None
        self._cursor = 0
        self._hovered = -1

    def set_pictures(self, pictures: tuple[Miniature, ...]) -> None:
        """Show the phrases along the way; none while there is no journey."""
        self._pictures = pictures
        shape = Qt.CursorShape.PointingHandCursor if pictures else Qt.CursorShape.ArrowCursor
        self.setCursor(shape)
        self.update()

    def set_position(self, position: float | None) -> None:
        """Mark the picture that is heard; ``None`` marks none."""
        self._position = position
        if position is not None and not self.hasFocus():
            self._cursor = round(position * (POINTS - 1))
        self.update()

    def rect_of(self, index: int) -> QRect:
        """Return where a picture lies."""
        width = thumbnail_width(self.width())
        left = index * (width + _GAP)
        return QRectF(left, 1, width, self.height() - 2).toRect()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        here = None if self._position is None else self._position * (POINTS - 1)
        for index in range(POINTS):
            rect = QRectF(self.rect_of(index))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("hover" if index == self._hovered else "ground"))
            painter.drawRoundedRect(rect, 4, 4)
            if index < len(self._pictures):
                paint_miniature(painter, rect.adjusted(3, 3, -3, -3), self._pictures[index])
            near = here is not None and abs(here - index) < 0.5
            focused = self.hasFocus() and index == self._cursor
            if (near and self._pictures) or focused:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(colour("machine" if focused else "text"), 1.5))
                painter.drawRoundedRect(rect.adjusted(0.75, 0.75, -0.75, -0.75), 4, 4)
        painter.end()

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hovered = self._at(event) if self._pictures else -1
        self.update()

    @override
    def leaveEvent(self, event: object) -> None:
        self._hovered = -1
        self.update()

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self._at(event)
        if event.button() == Qt.MouseButton.LeftButton and index >= 0 and self._pictures:
            self._cursor = index
            self.chosen.emit(index)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if event.key() in moves:
            self._cursor = min(POINTS - 1, max(0, self._cursor + moves[Qt.Key(event.key())]))
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._pictures:
            self.chosen.emit(self._cursor)
        else:
            super().keyPressEvent(event)

    def _at(self, event: QMouseEvent) -> int:
        point = event.position().toPoint()
        for index in range(POINTS):
            if self.rect_of(index).contains(point):
                return index
        return -1


class StepStrip(QWidget):
    """How many hits or notes change from one thumbnail to the next, as bars with their numbers."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(62)
        self._changes: tuple[int, ...] = ()
        self._what = "hits"

    @property
    def changes(self) -> tuple[int, ...]:
        """Changed hits or notes from step to step."""
        return self._changes

    def set_changes(self, changes: tuple[int, ...], what: str = "hits") -> None:
        """Show other numbers, and what they count."""
        self._changes = changes
        self._what = what
        words = ", ".join(map(str, changes)) or "not known yet"
        self.setAccessibleName(f"Changed {what} from step to step")
        self.setAccessibleDescription(words)
        self.setToolTip(f"{what.capitalize()} that change from one step to the next: {words}")
        self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = numerals(self.font())
        font.setPixelSize(12)
        painter.setFont(font)
        width = thumbnail_width(self.width()) + _GAP
        most = max(self._changes, default=0) or 1
        base, tall = 26.0, 22.0
        for index, count in enumerate(self._changes):
            x = (index + 1) * width - _GAP / 2
            height = max(2.0, tall * count / most)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("machine", 0.75))
            painter.drawRoundedRect(QRectF(x - 9, base - height, 18, height), 2, 2)
            painter.setPen(colour("dim"))
            painter.drawText(
                QRectF(x - 20, base + 2, 40, 16), Qt.AlignmentFlag.AlignCenter, str(count)
            )
        caption = f"{self._what} that change, step by step" if self._changes else _NO_STEPS
        painter.setPen(colour("dim"))
        painter.drawText(
            QRectF(0, base + 18, self.width(), 18), Qt.AlignmentFlag.AlignCenter, caption
        )
        painter.end()
