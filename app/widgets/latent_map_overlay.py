"""What lies over the map: the text of the landmark under the cursor, and the legend."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPointF, QRect, Qt
from PySide6.QtWidgets import QLabel, QWidget

from app.theme import COLOURS

_EDGE = 12  # pixels from what lies over the map to its rim
_EXPLICIT = Qt.WidgetAttribute.WA_WState_ExplicitShowHide
_BESIDE = 16  # pixels from a landmark to its text


class Overlay(QObject):
    """Keeps widgets in their places over another widget.

    Parameters
    ----------
    ground
        What they lie over.
    """

    def __init__(self, ground: QWidget) -> None:
        super().__init__(ground)
        self._ground = ground
        self._corners: list[tuple[QWidget, Qt.Corner]] = []
        self.label = QLabel(ground)
        self.label.setObjectName("mapHover")
        self.label.setStyleSheet(
            "#mapHover {"
            f" background: {COLOURS['surface']}; color: {COLOURS['text']};"
            f" border: 1px solid {COLOURS['line']}; border-radius: 6px;"
            " padding: 6px 9px; font-size: 12px; }"
        )
        self.label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.label.hide()
        ground.installEventFilter(self)

    def add(self, widget: QWidget, corner: Qt.Corner) -> None:
        """Keep a widget in a corner, whatever its size. One that was hidden stays so."""
        was_hidden = widget.isHidden() and widget.testAttribute(_EXPLICIT)
        widget.setParent(self._ground)
        widget.installEventFilter(self)
        self._corners.append((widget, corner))
        self._place(widget, corner)
        widget.setVisible(not was_hidden)

    def show_text(self, text: str, place: QPointF | None) -> None:
        """Show a text beside a pixel of the ground, or nothing where one of them is missing."""
        if not text or place is None:
            self.label.hide()
            return
        if text != self.label.text():
            self.label.setText(text)
        self.label.adjustSize()
        size, room = self.label.size(), self._ground.rect()
        x, y = round(place.x()) + _BESIDE, round(place.y()) + _BESIDE
        if x + size.width() > room.right() - _EDGE:
            x = round(place.x()) - _BESIDE - size.width()
        if y + size.height() > room.bottom() - _EDGE:
            y = round(place.y()) - _BESIDE - size.height()
        self.label.move(max(_EDGE, x), max(_EDGE, y))
        self.label.show()
        self.label.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the sizes of the ground and of what lies in its corners."""
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Show):
            for widget, corner in self._corners:
                if watched in (widget, self._ground):
                    self._place(widget, corner)
        return False

    def _place(self, widget: QWidget, corner: Qt.Corner) -> None:
        room = self._ground.rect().adjusted(_EDGE, _EDGE, -_EDGE, -_EDGE)
        box = QRect(room.topLeft(), widget.size())
        if corner in (Qt.Corner.TopRightCorner, Qt.Corner.BottomRightCorner):
            box.moveRight(room.right())
        if corner in (Qt.Corner.BottomLeftCorner, Qt.Corner.BottomRightCorner):
            box.moveBottom(room.bottom())
        widget.move(box.topLeft())
        widget.raise_()
