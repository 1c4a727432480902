"""Small parts that the panels at the right of the Jam tab are made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QFrame, QGridLayout, QLabel, QVBoxLayout, QWidget

from app.theme import named


class Panel(QWidget):
    """A group of controls under a title."""

    def __init__(self, title: str) -> None:
        super().__init__()
        head = QLabel(title)
        head.setProperty("role", "section")
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(8)
        self.body.addWidget(named(QFrame(), "rule"))
        self.body.addWidget(head)

    def add_rows(self, rows: Iterable[tuple[str, QWidget]]) -> None:
        """Add widgets, each with a name at its left."""
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(6)
        grid.setColumnMinimumWidth(0, 84)
        grid.setColumnStretch(1, 1)
        for row, (name, widget) in enumerate(rows):
            label = QLabel(name)
            label.setBuddy(widget)
            grid.addWidget(label, row, 0)
            grid.addWidget(widget, row, 1)
            if not widget.accessibleName():
                widget.setAccessibleName(name)
        self.body.addLayout(grid)


class Choice(QComboBox):
    """A list of which one thing is chosen. The wheel turns it only while it has the focus."""

    def __init__(self, items: Iterable[tuple[Any, str]] = (), about: str = "") -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)
        self.setToolTip(about)
        self.show_items(items)

    def show_items(self, items: Iterable[tuple[Any, str]]) -> None:
        """Offer other things, keys and names on screen; the one that is chosen stays so."""
        before = self.currentData()
        self.clear()
        for key, title in items:
            self.addItem(title, key)
        self.show_choice(before)

    def show_choice(self, key: Any) -> None:
        """Show what is chosen, without telling."""
        self.setCurrentIndex(self.findData(key))

    def wheelEvent(self, event: Any) -> None:
        """Scroll the panel, unless the list has the focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()
