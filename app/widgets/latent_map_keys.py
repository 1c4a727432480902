"""The keys of the map."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

HELP = (
    "Arrows turn the map, plus and minus zoom, Shift with arrows shifts it, Home resets it. "
    "Tab or ] goes to the nearest landmark not yet visited, [ goes back, Enter plays it, "
    "A and B pin it, Escape lets go. Shift+Tab leaves the map."
)

_ARROWS = {
    Qt.Key.Key_Left: (-1.0, 0.0),
    Qt.Key.Key_Right: (1.0, 0.0),
    Qt.Key.Key_Up: (0.0, -1.0),
    Qt.Key.Key_Down: (0.0, 1.0),
}


class Keys(QObject):
    """Turns the keys of a focused widget into commands.

    They come before the window's shortcuts, and before Tab moves the focus.

    Parameters
    ----------
    widget
        Whose keys they are.
    """

    turned = Signal(float, float)
    """Steps right and down."""
    shifted = Signal(float, float)
    """Steps right and down."""
    zoomed = Signal(float)
    """Notches; positive is nearer."""
    home = Signal()
    walked_on = Signal()
    walked_back = Signal()
    played = Signal()
    pinned = Signal(str)
    """``"A"`` or ``"B"``."""
    escaped = Signal()

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take the keys that mean something here."""
        if not isinstance(event, QKeyEvent):
            return False
        command = self._command(event)
        if command is None:
            return False
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        if event.type() == QEvent.Type.KeyPress:
            command()
            return True
        return False

    def _command(self, event: QKeyEvent) -> Callable[[], None] | None:
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        has_shift = modifiers == Qt.KeyboardModifier.ShiftModifier
        key = Qt.Key(event.key())
        if key in _ARROWS and (has_shift or not modifiers):
            signal = self.shifted if has_shift else self.turned
            return lambda: signal.emit(*_ARROWS[key])
        # By what is written on the key: many keyboards need AltGr for a bracket, Shift for a plus.
        by_text: dict[str, Callable[[], None]] = {
            "+": lambda: self.zoomed.emit(1.0),
            "=": lambda: self.zoomed.emit(1.0),
            "-": lambda: self.zoomed.emit(-1.0),
            "]": self.walked_on.emit,
            "[": self.walked_back.emit,
        }
        if event.text() in by_text:
            return by_text[event.text()]
        if modifiers:
            return None
        by_key: dict[Qt.Key, Callable[[], None]] = {
            Qt.Key.Key_Home: self.home.emit,
            Qt.Key.Key_Tab: self.walked_on.emit,
            Qt.Key.Key_Return: self.played.emit,
            Qt.Key.Key_Enter: self.played.emit,
            Qt.Key.Key_A: lambda: self.pinned.emit("A"),
            Qt.Key.Key_B: lambda: self.pinned.emit("B"),
            Qt.Key.Key_Escape: self.escaped.emit,
        }
        return by_key.get(key)
