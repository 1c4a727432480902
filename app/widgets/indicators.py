"""Small lights and the level meter of the transport bar."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget
from typing_extensions import override

from app.theme import colour

_FLOOR_DB = -48.0
_FALL_DB = 2.0
_TICK_MS = 40


class _Dot(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(QSize(10, 10))
        self.colour = "faint"

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour(self.colour))
        painter.drawEllipse(QPointF(5, 5), 4, 4)
        painter.end()


class StatusLight(QWidget):
    """A light with a word beside it; never colour alone."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._dot = _Dot()
        self._label = QLabel()
        self._label.setProperty("role", "small")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self._dot)
        layout.addWidget(self._label)
        self.show_status("faint", "starting", "")

    @property
    def text(self) -> str:
        """The word that is shown."""
        return self._label.text()

    def show_status(self, paint: str, word: str, tip: str) -> None:
        """Show a state: colour of the theme, word, and more in the tooltip."""
        self._dot.colour = paint
        self._dot.update()
        self._label.setText(f"{self._name} {word}")
        self.setToolTip(tip)
        self.setAccessibleName(f"{self._name}: {word}")
        self.setAccessibleDescription(tip)


class LevelMeter(QWidget):
    """The output's peak on a scale of decibels, falling slowly."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(QSize(84, 8))
        self.setAccessibleName("Output level")
        self._level = _FLOOR_DB
        self._fall = QTimer(self, interval=_TICK_MS)
        self._fall.timeout.connect(self._sink)

    def show_peak(self, peak: float | None) -> None:
        """Show a peak, 0 to 1; ``None`` where the output cannot be metered."""
        self.setVisible(peak is not None)
        if peak is None:
            return
        level = max(_FLOOR_DB, 20.0 * math.log10(peak)) if peak > 0 else _FLOOR_DB
        if level > self._level:
            self._level = level
            self._fall.start()
            self.update()

    def _sink(self) -> None:
        self._level = max(_FLOOR_DB, self._level - _FALL_DB)
        if self._level <= _FLOOR_DB:
            self._fall.stop()
        self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour("raised"))
        painter.drawRoundedRect(QRectF(self.rect()), 4, 4)
        part = 1.0 - self._level / _FLOOR_DB
        if part > 0:
            painter.setBrush(colour("machine" if self._level < -3.0 else "human"))
            width = max(8.0, part * self.width())
            painter.drawRoundedRect(QRectF(0, 0, width, self.height()), 4, 4)
        painter.end()
