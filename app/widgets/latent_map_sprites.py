"""The pictures on the map that are not landmarks: anchors, the moving point, rings and labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QFontMetricsF,
    QImage,
    QPainter,
    QPainterPath,
    QPen,
    QPolygonF,
    QRadialGradient,
)

from app.theme import colour
from app.widgets.colours import ANCHOR_A, ANCHOR_B
from app.widgets.latent_map_layers import Atlas

ANCHOR_TONES: dict[str, str] = {"A": ANCHOR_A, "B": ANCHOR_B}
ANCHOR_RADIUS = 12.0
MOVING_RADIUS = 13.0
"""Logical pixels around the middle where a press takes hold, at least."""

_GAP = 2  # transparent pixels between pictures, so that none bleeds into its neighbour


def _glow(painter: QPainter, tone: QColor, radius: float, strength: float) -> None:
    gradient = QRadialGradient(QPointF(0, 0), radius)
    for stop in range(9):
        share = stop / 8
        faded = QColor(tone)
        faded.setAlphaF(strength * (1 - share) ** 2)
        gradient.setColorAt(share, faded)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QBrush(gradient))
    painter.drawEllipse(QPointF(0, 0), radius, radius)


def _ring(painter: QPainter, tone: QColor, radius: float, width: float) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(tone, width))
    painter.drawEllipse(QPointF(0, 0), radius, radius)


def _anchor(painter: QPainter, name: str, font: QFont) -> None:
    tone = QColor(ANCHOR_TONES[name])
    _glow(painter, tone, 34, 0.62)
    painter.setPen(QPen(colour("ground", 0.9), 2.5))
    painter.setBrush(tone)
    painter.drawEllipse(QPointF(0, 0), ANCHOR_RADIUS, ANCHOR_RADIUS)
    letter = QFont(font)
    letter.setPixelSize(15)
    letter.setWeight(QFont.Weight.Bold)
    path = QPainterPath()
    path.addText(0, 0, letter, name)
    # By its ink, not by its advance: a letter in a disc must sit in the very middle.
    box = path.boundingRect()
    path.translate(-box.center())
    painter.fillPath(path, colour("ground"))


def _diamond(reach: float) -> QPolygonF:
    return QPolygonF([QPointF(0, -reach), QPointF(reach, 0), QPointF(0, reach), QPointF(-reach, 0)])


def _moving(painter: QPainter, is_held: bool) -> None:
    white = QColor("#ffffff")
    _glow(painter, white, 40 if is_held else 32, 0.60 if is_held else 0.46)
    _ring(painter, colour("text", 0.85 if is_held else 0.5), 20 if is_held else 18, 1.25)
    painter.setPen(QPen(colour("ground", 0.9), 2.5))
    painter.setBrush(white)
    painter.drawPolygon(_diamond(12.5 if is_held else 11))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour("ground", 0.85))
    painter.drawPolygon(_diamond(3.2))


def _current(painter: QPainter) -> None:
    tone = colour("machine")
    _glow(painter, tone, 24, 0.5)
    _ring(painter, colour("ground", 0.75), 9.5, 4.5)
    _ring(painter, tone, 9.5, 2.25)


def _hover(painter: QPainter) -> None:
    _glow(painter, colour("text"), 18, 0.35)
    _ring(painter, colour("ground", 0.75), 8, 3.5)
    _ring(painter, colour("text"), 8, 1.6)


def _target(painter: QPainter, name: str) -> None:
    tone = QColor(ANCHOR_TONES[name])
    _glow(painter, tone, 34, 0.7)
    _ring(painter, tone, 17, 1.5)
    _ring(painter, colour("ground", 0.75), 10.5, 4.5)
    _ring(painter, tone, 10.5, 2.5)


_MARKS: dict[str, tuple[float, Callable[[QPainter, QFont], None]]] = {
    "A": (36, lambda painter, font: _anchor(painter, "A", font)),
    "B": (36, lambda painter, font: _anchor(painter, "B", font)),
    "moving": (42, lambda painter, font: _moving(painter, is_held=False)),
    "held": (42, lambda painter, font: _moving(painter, is_held=True)),
    "current": (26, lambda painter, font: _current(painter)),
    "hover": (20, lambda painter, font: _hover(painter)),
    "target A": (36, lambda painter, font: _target(painter, "A")),
    "target B": (36, lambda painter, font: _target(painter, "B")),
    "shadow": (10, lambda painter, font: _glow(painter, QColor("#ffffff"), 9, 0.75)),
}
"""Name to half the side of the picture in logical pixels, and what paints it about (0, 0)."""


def paint_atlas(
    labels: Mapping[str, str], font: QFont, scale: float, tone: str = "dim", pixels: int = 12
) -> Atlas:
    """Paint all pictures.

    Parameters
    ----------
    labels
        Name of a picture to the text it shows.
    font
        The family of letters and labels.
    scale
        Device pixels of a logical one.
    tone
        Name of the colour of the labels.
    pixels
        Height of the letters of the labels, logical.
    """
    small = QFont(font)
    small.setPixelSize(pixels)
    small.setWeight(QFont.Weight.Medium)
    metrics = QFontMetricsF(small)
    boxes: dict[str, tuple[int, int, int, int]] = {}
    left = _GAP
    sizes = {name: (2 * half, 2 * half) for name, (half, _) in _MARKS.items()}
    for name, text in labels.items():
        sizes[name] = (metrics.horizontalAdvance(text) + 8, metrics.height() + 4)
    for name, (width, height) in sizes.items():
        boxes[name] = (left, _GAP, int(np.ceil(width * scale)), int(np.ceil(height * scale)))
        left += boxes[name][2] + _GAP
    tallest = max(box[3] for box in boxes.values())
    image = QImage(left, tallest + 2 * _GAP, QImage.Format.Format_RGBA8888_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for name, (x, y, width, height) in boxes.items():
        painter.save()
        painter.translate(x + width / 2, y + height / 2)
        painter.scale(scale, scale)
        if name in _MARKS:
            _MARKS[name][1](painter, font)
        else:
            painter.setFont(small)
            painter.setPen(colour(tone))
            box = QRectF(-width / scale / 2, -height / scale / 2, width / scale, height / scale)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, labels[name])
        painter.restore()
    painter.end()
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1, 4)
    return Atlas(rows[:, : image.width()].copy(), boxes, scale)
