"""A row of buttons of which one is chosen."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QToolButton, QWidget

from app.theme import named


class Segments(QWidget):
    """Chooses one of a few things that are all to be seen.

    Parameters
    ----------
    entries
        Key, title and tip of each; the first is chosen.

    Signals
    -------
    chosen(str)
        A key was chosen by hand.
    """

    chosen = Signal(str)

    def __init__(self, entries: Sequence[tuple[str, str, str]]) -> None:
        super().__init__()
        self.buttons: dict[str, QToolButton] = {}
        group = QButtonGroup(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for key, title, about in entries:
            button = named(QToolButton(), "tab")
            button.setText(title)
            button.setToolTip(about)
            button.setCheckable(True)
            button.setChecked(not self.buttons)
            button.clicked.connect(lambda _on=False, key=key: self.chosen.emit(key))
            group.addButton(button)
            layout.addWidget(button)
            self.buttons[key] = button

    @property
    def current(self) -> str:
        """The key that is chosen."""
        return next(key for key, button in self.buttons.items() if button.isChecked())

    def show_choice(self, key: str) -> None:
        """Show what is chosen, without telling."""
        self.buttons[key].setChecked(True)
