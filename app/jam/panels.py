"""Small parts that the panels at the right of the Jam tab are made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPaintEvent, QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QGridLayout,
    QLabel,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from app.actions import icon
from app.theme import named

_PAD = 4  # pixels that a list's text keeps from its edges


class Panel(QWidget):
    """A group of controls under a title; a click on that folds it.

    Parameters
    ----------
    title
        What the group is about.
    is_open
        Whether it begins unfolded.
    """

    def __init__(self, title: str, is_open: bool = True) -> None:
        super().__init__()
        self._title = title
        self.head = named(QToolButton(), "section")
        self.head.setText(title)
        self.head.setCheckable(True)
        self.head.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.head.setIconSize(QSize(16, 16))
        self.head.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.head.toggled.connect(self._fold)
        self._inner = QWidget()
        self.body = QVBoxLayout(self._inner)
        self.body.setContentsMargins(0, 0, 0, 4)
        self.body.setSpacing(8)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(named(QFrame(), "rule"))
        layout.addWidget(self.head)
        layout.addWidget(self._inner)
        self.head.setChecked(is_open)
        self._fold(is_open)

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
                widget.setAccessibleName(f"{self._title}: {name}")
        self.body.addLayout(grid)

    def _fold(self, is_open: bool) -> None:
        self._inner.setVisible(is_open)
        self.head.setIcon(icon("mdi6.chevron-down" if is_open else "mdi6.chevron-right", "dim"))
        self.head.setToolTip(f"{'Fold' if is_open else 'Unfold'} this group")


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

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        # What is too long ends in dots, and not in the middle of a letter.
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        kind, part = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(kind, option, part, self).width() - 2 * _PAD
        elide = Qt.TextElideMode.ElideRight
        option.currentText = self.fontMetrics().elidedText(option.currentText, elide, room)
        painter = QStylePainter(self)
        painter.drawComplexControl(kind, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()  # it scrolls the panel


class Tick(QCheckBox):
    """Something that is on or off. `show_choice` does not tell."""

    def __init__(self, title: str, about: str) -> None:
        super().__init__(title)
        self.setToolTip(about)

    def show_choice(self, is_on: bool) -> None:
        """Show whether it is on, without telling."""
        self.blockSignals(True)
        self.setChecked(is_on)
        self.blockSignals(False)


def percent(share: float) -> str:
    """Return a level or a share in words."""
    return f"{share:.0%}" if share else "off"
