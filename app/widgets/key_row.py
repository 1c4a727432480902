"""Keys of a piano on the screen, for the mouse and the computer's keys."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget
from typing_extensions import override

from app.theme import colour
from app.widgets.pad_row import KEY_VELOCITY, KEYS
from app.widgets.piano_roll_places import is_black, pitch_name

LOWEST, HIGHEST = 48, 83  # C3 to B5
_FIRST = 60  # C4 is the computer's first key
_WHITE = tuple(pitch for pitch in range(LOWEST, HIGHEST + 1) if not is_black(pitch))
_OF_KEYS = tuple(pitch for pitch in _WHITE if pitch >= _FIRST)[: len(KEYS)]
_KEY_MS = 220  # for which one of the computer's keys holds a note: it does not tell when it is up
_SOFTEST, _HARDEST = 30, 127  # at the top and at the bottom of a key
_BLACK_HEIGHT, _BLACK_WIDTH = 0.6, 0.62


class KeyRow(QWidget):
    """Three octaves. A key sounds as long as the mouse holds it, the louder the lower on the key.

    Parameters
    ----------
    parent
        The widget it lies in.
    """

    moved = Signal(int, int)
    """A pitch, and its velocity, 1 to 127, or 0 where it is let go."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lit: set[int] = set()
        self._held: int | None = None  # by the mouse
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAccessibleName("Piano keys")
        letters = (
            f"{chr(key.value)}: {pitch_name(p)}" for key, p in zip(KEYS, _OF_KEYS, strict=True)
        )
        self.setAccessibleDescription(", ".join(letters))
        self.setToolTip("Press a key near its end to play loudly, near its back to play softly.")

    def key(self, pitch: int) -> QRectF:
        """Return where a key lies."""
        wide = self.width() / len(_WHITE)
        if not is_black(pitch):
            return QRectF(_WHITE.index(pitch) * wide, 0, wide, self.height())
        middle = (_WHITE.index(pitch - 1) + 1) * wide
        return QRectF(
            middle - _BLACK_WIDTH * wide / 2, 0, _BLACK_WIDTH * wide, _BLACK_HEIGHT * self.height()
        )

    def flash(self, pitch: int, velocity: int) -> None:
        """Light a key up as long as it is down, here or on a keyboard."""
        before = len(self._lit)
        if velocity:
            self._lit.add(pitch)
        else:
            self._lit.discard(pitch)
        if len(self._lit) != before:
            self.update()

    def forget(self) -> None:
        """Let no key be down."""
        self._lit.clear()
        self.update()

    def key_pressed(self, key: int) -> bool:
        """Play the key of one of the computer's for a moment, and return whether it has one."""
        if key not in KEYS:
            return False
        pitch = _OF_KEYS[KEYS.index(Qt.Key(key))]
        self.moved.emit(pitch, KEY_VELOCITY)
        QTimer.singleShot(_KEY_MS, self, lambda: self.moved.emit(pitch, 0))
        return True

    def _at(self, x: float, y: float) -> int | None:
        order = sorted(range(LOWEST, HIGHEST + 1), key=lambda pitch: not is_black(pitch))
        return next((pitch for pitch in order if self.key(pitch).contains(x, y)), None)

    # Events

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = event.position()
        pitch = self._at(place.x(), place.y())
        if event.button() == Qt.MouseButton.LeftButton and pitch is not None:
            self._held = pitch
            share = place.y() / self.key(pitch).height()
            velocity = round(_SOFTEST + share * (_HARDEST - _SOFTEST))
            self.moved.emit(pitch, min(max(velocity, 1), 127))

    @override
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._held is not None:
            self.moved.emit(self._held, 0)
            self._held = None

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.isAutoRepeat() or event.modifiers() or not self.key_pressed(event.key()):
            super().keyPressEvent(event)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for pitch in sorted(range(LOWEST, HIGHEST + 1), key=is_black):
            self._paint_key(painter, pitch)
        painter.end()

    def _paint_key(self, painter: QPainter, pitch: int) -> None:
        box = self.key(pitch).adjusted(1, 0, -1, -1)
        painter.setPen(QPen(colour("line"), 1.0))
        if pitch in self._lit:
            painter.setBrush(colour("human", 0.85))
        else:
            painter.setBrush(colour("ground") if is_black(pitch) else colour("raised"))
        painter.drawRoundedRect(box, 4, 4)
        if is_black(pitch):
            return
        font = QFont(self.font())
        font.setPixelSize(11)
        painter.setFont(font)
        painter.setPen(colour("ground" if pitch in self._lit else "dim"))
        name = pitch_name(pitch) if pitch % 12 == 0 else ""
        letter = chr(KEYS[_OF_KEYS.index(pitch)].value) if pitch in _OF_KEYS else ""
        lower = QRectF(box.left(), box.bottom() - 32, box.width(), 30)
        words = "\n".join(filter(None, (letter, name)))
        painter.drawText(lower, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom, words)

    @override
    def sizeHint(self) -> QSize:
        return QSize(len(_WHITE) * 42, 84)

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(len(_WHITE) * 18, 64)
