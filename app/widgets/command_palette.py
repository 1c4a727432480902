"""Find a command by typing a part of its name."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QFrame, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget
from typing_extensions import override

_KEYS_TO_LIST = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


class _Line(QLineEdit):
    def __init__(self, rows: QListWidget) -> None:
        super().__init__()
        self._rows = rows

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in _KEYS_TO_LIST:
            self._rows.event(event)
        else:
            super().keyPressEvent(event)


class CommandPalette(QFrame):
    """A popup with a line to type in and the commands that match.

    Parameters
    ----------
    commands
        Title of each command (with its menu) and its action.
    parent
        The window it appears over.
    """

    def __init__(self, commands: list[tuple[str, QAction]], parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("palette")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._commands = commands
        self.rows = QListWidget()
        self.rows.setIconSize(QSize(18, 18))
        self.rows.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.rows.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.rows.itemClicked.connect(lambda _item: self._run())
        self.line = _Line(self.rows)
        self.line.setPlaceholderText("What do you want to do?")
        self.line.setAccessibleName("Find a command")
        self.line.textChanged.connect(self._filter)
        self.line.returnPressed.connect(self._run)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self.line)
        layout.addWidget(self.rows)
        self._filter("")

    def open_over(self, window: QWidget) -> None:
        """Show it in the upper middle of a window."""
        self.resize(min(560, window.width() - 40), min(420, window.height() - 80))
        self.move(window.mapToGlobal(QPoint((window.width() - self.width()) // 2, 64)))
        self.show()
        self.line.setFocus()

    def _filter(self, text: str) -> None:
        words = text.casefold().split()
        self.rows.clear()
        for title, action in self._commands:
            if not all(word in title.casefold() for word in words):
                continue
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            item = QListWidgetItem(action.icon(), f"{title}   {keys}".rstrip())
            item.setToolTip(action.statusTip())
            item.setData(Qt.ItemDataRole.UserRole, action)
            if not action.isEnabled():
                item.setText(f"{title}   ({action.statusTip()})")
                item.setFlags(Qt.ItemFlag.NoItemFlags)
            self.rows.addItem(item)
        for row in range(self.rows.count()):
            if self.rows.item(row).flags() & Qt.ItemFlag.ItemIsEnabled:
                self.rows.setCurrentRow(row)
                break

    def _run(self) -> None:
        if self.rows.currentRow() < 0:
            return
        item = self.rows.currentItem()
        action: QAction = item.data(Qt.ItemDataRole.UserRole)
        self.close()
        action.trigger()
