"""The small lights of the transport bar."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget
from typing_extensions import override

from app.theme import colour


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
