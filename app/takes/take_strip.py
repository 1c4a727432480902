"""A take from its beginning to its end: who played when, and where it is heard now."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget
from typing_extensions import override

from app.theme import colour
from fmvae_core.jam.replay import Passage
from fmvae_core.music.phrase import BEATS_PER_BAR

_SIDE = 8.0  # pixels at either end
_LANE_GAP = 4.0
_TICK = 1.4  # width of a hit
_KEYS = {
    Qt.Key.Key_Left: -1.0,
    Qt.Key.Key_Right: 1.0,
    Qt.Key.Key_PageUp: -2.0 * BEATS_PER_BAR,
    Qt.Key.Key_PageDown: 2.0 * BEATS_PER_BAR,
}


class TakeStrip(QWidget):
    """Two lanes, the human's above the machine's; a press or a drag seeks.

    Signals
    -------
    sought(float)
        The user is at this beat, a drag may go on.
    settled(float)
        The user has come to this beat.
    """

    sought = Signal(float)
    settled = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._human: Sequence[Passage] = ()
        self._machine: Sequence[Passage] = ()
        self._beats = 0.0
        self._beat = 0.0
        self._is_dragging = False
        self._picture: QPixmap | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName("Place in the take")

    @property
    def beat(self) -> float:
        """Where the take is."""
        return self._beat

    @property
    def is_dragging(self) -> bool:
        """Whether the user holds the playhead."""
        return self._is_dragging

    def show_take(self, beats: float, human: Sequence[Passage], machine: Sequence[Passage]) -> None:
        """Show a take of some length in beats, from its beginning; 0 beats for none."""
        self._beats, self._human, self._machine = beats, human, machine
        self._picture = None
        self._is_dragging = False
        self.show_beat(0.0)
        self.update()

    def show_beat(self, beat: float) -> None:
        """Show where the take is."""
        before, self._beat = self._x(self._beat), min(max(0.0, beat), self._beats)
        for x in (before, self._x(self._beat)):
            self.update(QRectF(x - 8, 0, 16, self.height()).toAlignedRect())
        self.setAccessibleDescription(f"beat {self._beat:.0f} of {self._beats:.0f}")

    def _x(self, beat: float) -> float:
        share = beat / self._beats if self._beats else 0.0
        return _SIDE + share * (self.width() - 2 * _SIDE)

    def _beat_at(self, x: float) -> float:
        share = (x - _SIDE) / max(1.0, self.width() - 2 * _SIDE)
        return min(max(0.0, share), 1.0) * self._beats

    # Painting

    def _paint_picture(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(colour("surface"))
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        height = (self.height() - _LANE_GAP - 12.0) / 2
        for top, tone, passages in (
            (6.0, "human", self._human),
            (6.0 + height + _LANE_GAP, "machine", self._machine),
        ):
            lane = QRectF(_SIDE, top, self.width() - 2 * _SIDE, height)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("ground"))
            painter.drawRoundedRect(lane, 4, 4)
            for passage in passages:
                self._paint_passage(painter, lane, passage, tone)
        painter.end()
        return picture

    def _paint_passage(self, painter: QPainter, lane: QRectF, passage: Passage, tone: str) -> None:
        left, right = self._x(passage.turn.start), self._x(min(passage.turn.end, self._beats))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour(f"{tone}_deep"))
        painter.drawRoundedRect(QRectF(left, lane.top(), right - left - 1.0, lane.height()), 4, 4)
        for note in passage.phrase.notes:
            x = max(left + 1.0, self._x(passage.turn.start + note.onset))
            if x > right:
                continue  # the take was stopped before
            light = QColor(colour(tone))
            light.setAlphaF(0.25 + 0.75 * note.velocity / 127)
            length = (0.25 + 0.6 * note.velocity / 127) * lane.height()
            middle = lane.center().y()
            painter.setPen(QPen(light, _TICK))
            painter.drawLine(QPointF(x, middle - length / 2), QPointF(x, middle + length / 2))

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        if self._picture is None:
            self._picture = self._paint_picture()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._picture)
        if self._beats:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            x = self._x(self._beat)
            painter.setPen(QPen(colour("text"), 2))
            painter.drawLine(QPointF(x, 4), QPointF(x, self.height() - 4))
            painter.setBrush(colour("text"))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawEllipse(QPointF(x, 5), 4, 4)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(colour("machine"), 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 5, 5)
        painter.end()

    # Events

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and self._beats:
            self._is_dragging = True
            self._seek(self._beat_at(event.position().x()))

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._is_dragging:
            self._seek(self._beat_at(event.position().x()))

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._is_dragging and event.button() is Qt.MouseButton.LeftButton:
            self._is_dragging = False
            self.settled.emit(self._beat)

    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        self._step(-event.angleDelta().y() / 120.0)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in _KEYS:
            self._step(_KEYS[key])
        elif key is Qt.Key.Key_Home:
            self._step(-self._beats)
        elif key is Qt.Key.Key_End:
            self._step(self._beats)
        else:
            super().keyPressEvent(event)

    def _step(self, beats: float) -> None:
        if self._beats:
            self._seek(self._beat + beats)
            self.settled.emit(self._beat)

    def _seek(self, beat: float) -> None:
        self.show_beat(beat)
        self.sought.emit(self._beat)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        self._picture = None
        super().resizeEvent(event)

    @override
    def sizeHint(self) -> QSize:
        return QSize(700, 72)

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(200, 72)
