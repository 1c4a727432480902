"""Nine pads on the screen, one a drum, for the mouse and the computer's keys."""

from __future__ import annotations

import time

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget
from typing_extensions import override

from app.theme import colour
from fmvae_core.music.drums import DRUMS

KEYS: tuple[Qt.Key, ...] = (
    Qt.Key.Key_A,
    Qt.Key.Key_S,
    Qt.Key.Key_D,
    Qt.Key.Key_F,
    Qt.Key.Key_G,
    Qt.Key.Key_H,
    Qt.Key.Key_J,
    Qt.Key.Key_K,
    Qt.Key.Key_L,
)
"""The key of each drum: the home row, with bass drum and snare under the left hand."""

KEY_VELOCITY = 100

_SOFTEST, _HARDEST = 30, 127  # at the bottom and at the top of a pad
_FADE_SECONDS = 0.28
_FRAME_MS = 16
_BRIGHT = 0.8  # light from which dark letters are read better
_GAP = 6


class PadRow(QWidget):
    """Nine pads. A press hits one at once, the harder the higher on the pad; so do keys.

    Parameters
    ----------
    parent
        The widget it lies in.
    accent
        Colour of the theme in which a pad lights up.
    """

    hit = Signal(int, int)
    """A drum, index into `DRUMS`, and its velocity, 1 to 127."""

    def __init__(self, parent: QWidget | None = None, *, accent: str = "human") -> None:
        super().__init__(parent)
        self._accent = accent
        self._lit: dict[int, tuple[float, int]] = {}  # drum to when and how hard
        self._fading = QTimer(self, interval=_FRAME_MS)
        self._fading.timeout.connect(self._fade)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAccessibleName("Drum pads")
        self.setAccessibleDescription(
            ", ".join(f"{_letter(drum)}: {DRUMS[drum].title}" for drum in range(len(DRUMS)))
        )
        self.setToolTip("Hit a pad near its top to play hard, near its bottom to play softly.")

    def pad(self, drum: int) -> QRectF:
        """Return where a drum's pad lies."""
        step = (self.width() + _GAP) / len(DRUMS)
        left, right = round(drum * step), round((drum + 1) * step)
        return QRectF(left, 0, right - left - _GAP, self.height())

    def flash(self, drum: int, velocity: int) -> None:
        """Light a drum's pad up for a moment: it was hit, here or on the kit."""
        self._lit[drum] = (time.monotonic(), velocity)
        if not self._fading.isActive():
            self._fading.start()
        self.update(self.pad(drum).toAlignedRect())

    def key_pressed(self, key: int, is_repeat: bool = False) -> bool:
        """Hit the pad of a key, and return whether it has one.

        A key that repeats by itself since it is held down belongs to its pad, but hits nothing.
        """
        if key not in KEYS:
            return False
        if not is_repeat:
            self._strike(KEYS.index(Qt.Key(key)), KEY_VELOCITY)
        return True

    def _strike(self, drum: int, velocity: int) -> None:
        self.hit.emit(drum, velocity)
        self.flash(drum, velocity)

    def _fade(self) -> None:
        now = time.monotonic()
        for drum in self._lit:
            self.update(self.pad(drum).toAlignedRect())
        self._lit = {d: lit for d, lit in self._lit.items() if now - lit[0] < _FADE_SECONDS}
        if not self._lit:
            self._fading.stop()

    # Events

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = event.position()
        for drum in range(len(DRUMS)):
            pad = self.pad(drum)
            if event.button() == Qt.MouseButton.LeftButton and pad.contains(place):
                share = 1.0 - (place.y() - pad.top()) / pad.height()
                velocity = round(_SOFTEST + share * (_HARDEST - _SOFTEST))
                self._strike(drum, min(max(velocity, 1), 127))

    @override
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        # The second of two quick hits.
        self.mousePressEvent(event)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.modifiers() or not self.key_pressed(event.key(), event.isAutoRepeat()):
            super().keyPressEvent(event)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        now = time.monotonic()
        for drum in range(len(DRUMS)):
            if event.rect().intersects(self.pad(drum).toAlignedRect()):
                since, velocity = self._lit.get(drum, (0.0, 0))
                left = max(0.0, 1.0 - (now - since) / _FADE_SECONDS)
                self._paint_pad(painter, drum, left * (0.35 + 0.65 * velocity / 127))
        painter.end()

    def _paint_pad(self, painter: QPainter, drum: int, light: float) -> None:
        box = self.pad(drum).adjusted(1, 1, -1, -1)
        painter.setPen(QPen(colour(self._accent if light > 0.0 else "line"), 1.2))
        painter.setBrush(colour("raised"))
        painter.drawRoundedRect(box, 8, 8)
        if light > 0.0:
            painter.setBrush(colour(self._accent, 0.75 * light))
            painter.drawRoundedRect(box, 8, 8)
        key = QFont(self.font())
        key.setPixelSize(max(12, min(24, round(0.34 * box.height()))))
        key.setWeight(QFont.Weight.DemiBold)
        painter.setFont(key)
        painter.setPen(colour("ground" if light > _BRIGHT else "text"))
        upper = QRectF(box.left(), box.top(), box.width(), 0.58 * box.height())
        painter.drawText(upper, Qt.AlignmentFlag.AlignCenter, _letter(drum))
        name = QFont(self.font())
        name.setPixelSize(12)
        painter.setFont(name)
        painter.setPen(colour("ground" if light > _BRIGHT else "text" if light > 0.0 else "dim"))
        lower = QRectF(QPointF(box.left(), box.top() + 0.54 * box.height()), box.bottomRight())
        painter.drawText(lower, Qt.AlignmentFlag.AlignCenter, DRUMS[drum].title)

    @override
    def sizeHint(self) -> QSize:
        return QSize(9 * 96, 72)

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(9 * 56, 56)


def _letter(drum: int) -> str:
    return chr(KEYS[drum].value)
