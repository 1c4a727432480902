"""The help sheet and the box about the program."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.actions import COMMANDS, MENUS

MOUSE: tuple[tuple[str, str], ...] = (
    ("Click a point", "Hear that phrase"),
    ("Right click a point", "Pin it as A or B"),
    ("Drag the white point", "Travel along the line from A to B"),
    ("Drag A or B", "Pin it at another landmark"),
    ("Drag elsewhere", "Turn the map"),
    ("Wheel", "Zoom, or turn the slider that has the focus"),
    ("Shift and drag", "Move the map"),
    ("Double click a slider", "Reset it"),
    ("Drop a MIDI file", "Begin the journey at your own phrase"),
)

MAP_KEYS: tuple[tuple[str, str], ...] = (
    ("Arrows", "Turn the map"),
    ("Shift+Arrows", "Move the map"),
    ("+  −", "Zoom"),
    ("[  ]", "Walk to the nearest landmarks"),
    ("Enter", "Hear the landmark you walked to"),
)

JAM_KEYS: tuple[tuple[str, str], ...] = (
    ("Space", "Start the jam, or stop it"),
    ("A … L", "Hit a pad: bass drum to ride"),
    ("Esc", "Leave the stage view"),
)


class HelpSheet(QDialog):
    """All keys, from the table of commands, and what the mouse does."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys and mouse")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        sheet = QWidget()
        columns = QGridLayout(sheet)
        columns.setHorizontalSpacing(32)
        columns.setVerticalSpacing(20)
        blocks = [
            ("On the map, with the mouse", MOUSE),
            ("On the map, with keys", MAP_KEYS),
            ("In the Jam tab", JAM_KEYS),
        ]
        for menu, title in MENUS:
            rows = tuple(
                (_keys(command.shortcut), command.text.rstrip("…"))
                for command in COMMANDS
                if command.menu == menu and command.shortcut
            )
            blocks.append((title.replace("&", ""), rows))
        heights = [0, 0]
        stacks = [QVBoxLayout(), QVBoxLayout()]
        for title, rows in blocks:
            side = heights.index(min(heights))
            stacks[side].addWidget(_block(title, rows))
            heights[side] += len(rows) + 2
        for side, stack in enumerate(stacks):
            stack.setSpacing(18)
            stack.addStretch(1)
            columns.addLayout(stack, 0, side)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(sheet)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(28, 24, 16, 16)
        layout.addWidget(scroll)
        layout.addLayout(_closing(self))
        wanted = sheet.sizeHint()
        self.resize(wanted.width() + 64, min(wanted.height() + 100, parent.height()))


class AboutBox(QDialog):
    """Version, model and licences.

    Parameters
    ----------
    rows
        Names and values to list, such as the version and the figures of the model's card.
    parent
        The window.
    """

    def __init__(self, rows: list[tuple[str, str]], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("About Flatjam")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        title = QLabel("Flatjam")
        title.setProperty("role", "title")
        about = QLabel(
            "A few bars of drums or melody become a point, any point becomes music again, and "
            "because the space between is flat, the straight line from one phrase to another is a "
            "smooth musical transition."
        )
        about.setWordWrap(True)
        licences = QLabel(
            "Flatjam is free software under the MIT licence. The drum models learnt from the "
            "Groove MIDI Dataset of Google (CC BY 4.0). Qt and PySide are used under the LGPL 3, "
            "FluidSynth under the LGPL 2.1, the typeface Inter under the SIL Open Font License, "
            "the icons are Material Design Icons (Apache 2.0)."
        )
        licences.setWordWrap(True)
        licences.setProperty("role", "dim")
        table = QGridLayout()
        table.setHorizontalSpacing(16)
        table.setColumnStretch(1, 1)
        for row, (name, value) in enumerate(rows):
            left, right = QLabel(name), QLabel(value)
            left.setProperty("role", "dim")
            right.setWordWrap(True)
            right.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            table.addWidget(left, row, 0, Qt.AlignmentFlag.AlignTop)
            table.addWidget(right, row, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(28, 24, 28, 18)
        layout.setSpacing(14)
        layout.addWidget(title)
        layout.addWidget(about)
        layout.addLayout(table)
        layout.addWidget(licences)
        layout.addLayout(_closing(self))
        for label in (about, licences):
            label.setFixedWidth(500)
        layout.setSizeConstraint(QVBoxLayout.SizeConstraint.SetFixedSize)


def _closing(dialog: QDialog) -> QHBoxLayout:
    button = QPushButton("Close")
    button.setDefault(True)
    button.clicked.connect(dialog.close)
    row = QHBoxLayout()
    row.addStretch(1)
    row.addWidget(button)
    return row


def _block(title: str, rows: tuple[tuple[str, str], ...]) -> QWidget:
    block = QWidget()
    grid = QGridLayout(block)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(16)
    grid.setVerticalSpacing(5)
    grid.setColumnMinimumWidth(0, 128)
    grid.setColumnStretch(1, 1)
    head = QLabel(title)
    head.setProperty("role", "section")
    grid.addWidget(head, 0, 0, 1, 2)
    for row, (keys, what) in enumerate(rows, start=1):
        key = QLabel(keys)
        key.setProperty("role", "key")
        grid.addWidget(key, row, 0, Qt.AlignmentFlag.AlignLeft)
        grid.addWidget(QLabel(what), row, 1)
    return block


def _keys(shortcut: str) -> str:
    return QKeySequence(shortcut).toString(QKeySequence.SequenceFormat.NativeText)
