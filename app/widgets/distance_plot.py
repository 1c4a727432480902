"""How far apart the players are, turn by turn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QLinearGradient, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget
from typing_extensions import override

from app.theme import colour, numerals

_NUMBER = 76  # width of the newest number
_SHOWN = 48  # newest turns that are drawn
_PAD = 8


class DistancePlot(QWidget):
    """The latent distance between the players over the turns: the newest as a number, and a line.

    The line begins at 0, so that its height is the distance.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._distances: tuple[float, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Distance between the players")
        self._say()

    def set_distances(self, values: Sequence[float]) -> None:
        """Show the distances of the exchanges so far, oldest first.

        Raises
        ------
        ValueError
            If one is negative or not finite.
        """
        distances = tuple(float(value) for value in values)
        if not all(np.isfinite(value) and value >= 0.0 for value in distances):
            raise ValueError(f"distances are finite and not negative, not {distances}")
        if distances != self._distances:
            self._distances = distances
            self._say()
            self.update()

    def _say(self) -> None:
        told = "no exchange yet"
        if self._distances:
            count = len(self._distances)
            told = f"{self._distances[-1]:.2f} in the model's space, after {count} exchanges"
        self.setAccessibleDescription(told)
        self.setToolTip(f"Distance between what you played and what the machine answered: {told}.")

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        flags = Qt.AlignmentFlag.AlignLeft
        column = QRectF(_PAD, 4, _NUMBER, self.height() - 8)
        font = QFont(numerals(self.font()))
        font.setPixelSize(12)
        painter.setFont(font)
        painter.setPen(colour("dim"))
        painter.drawText(column, flags | Qt.AlignmentFlag.AlignTop, "Distance")
        font.setPixelSize(22)
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(colour("text" if self._distances else "faint"))
        number = f"{self._distances[-1]:.2f}" if self._distances else "–"
        painter.drawText(column, flags | Qt.AlignmentFlag.AlignBottom, number)
        self._paint_line(painter)
        painter.end()

    def _paint_line(self, painter: QPainter) -> None:
        field = QRectF(self.rect()).adjusted(_PAD + _NUMBER, 7, -_PAD - 4, -7)
        painter.setPen(QPen(colour("line"), 1))
        painter.drawLine(field.bottomLeft(), field.bottomRight())
        shown = self._distances[-_SHOWN:]
        if not shown:
            return
        highest = max(shown) or 1.0
        step = field.width() / max(len(shown) - 1, 11)
        left = field.right() - step * (len(shown) - 1)
        places = [
            QPointF(left + at * step, field.bottom() - value / highest * field.height())
            for at, value in enumerate(shown)
        ]
        line = QPainterPath(places[0])
        for place in places[1:]:
            line.lineTo(place)
        area = QPainterPath(line)
        area.lineTo(field.right(), field.bottom())
        area.lineTo(left, field.bottom())
        light = QLinearGradient(field.topLeft(), field.bottomLeft())
        light.setColorAt(0.0, colour("text", 0.18))
        light.setColorAt(1.0, colour("text", 0.0))
        painter.fillPath(area, light)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colour("text", 0.75), 1.8))
        painter.drawPath(line)
        painter.setPen(QPen(colour("ground"), 1.5))
        painter.setBrush(colour("text"))
        painter.drawEllipse(places[-1], 4.5, 4.5)

    @override
    def sizeHint(self) -> QSize:
        return QSize(280, 52)

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(180, 44)
