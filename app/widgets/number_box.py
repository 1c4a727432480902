"""A box to type a number in."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDoubleSpinBox, QWidget
from typing_extensions import override

from app.theme import numerals


class NumberBox(QDoubleSpinBox):
    """One decimal and a unit; it tells of a number once it is typed, not at each key.

    Letters and Space stay the window's shortcuts while it has the focus; Enter and Escape give the
    other keys back too.

    Parameters
    ----------
    low, high
        Its range.
    unit
        Follows the number.
    width
        Pixels.
    """

    def __init__(
        self, low: float, high: float, unit: str, width: int, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setRange(low, high)
        self.setDecimals(1)
        self.setSuffix(f" {unit}")
        self.setKeyboardTracking(False)
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.setFont(numerals(self.font()))
        self.setFixedWidth(width)
        self.lineEdit().setTextMargins(6, 0, 6, 0)

    def show_number(self, number: float) -> None:
        """Show a number without telling; what is being typed stays where the number is the same."""
        if round(number, self.decimals()) == self.value():
            return
        self.blockSignals(True)
        self.setValue(number)
        self.blockSignals(False)

    @override
    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if event.key() == Qt.Key.Key_Escape:
                event.accept()
                return True
            if event.text() == " " or event.text().isalpha():
                event.ignore()
                return False
        return super().event(event)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        super().keyPressEvent(event)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape):
            self.clearFocus()
