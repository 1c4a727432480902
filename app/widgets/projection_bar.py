"""What the lines under the maps are made of: the switch of projections, and a fit's progress."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from app.actions import Actions
from app.theme import named
from app.widgets.elided_label import ElidedLabel


class ProjectionSwitch(QWidget):
    """The projections of which one is shown, and what is to be said of it.

    Parameters
    ----------
    commands
        The commands that choose them.
    """

    def __init__(self, actions: Actions, commands: tuple[str, ...]) -> None:
        super().__init__()
        self.note = QLabel()
        self.note.setProperty("role", "small")
        self.note.setAccessibleName("What the map shows")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for command in commands:
            button = QToolButton()
            button.setDefaultAction(actions[command])
            button.setAccessibleName(f"Map by {actions[command].text()}")
            # Where room is short the hint gives way, and not the names on the switch.
            button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            layout.addWidget(button)
        layout.addSpacing(6)
        layout.addWidget(self.note)

    def show_note(self, note: str, about: str) -> None:
        """Say what the map shows, in a few words and, in the tooltip, in full."""
        self.note.setText(note)
        self.note.setToolTip(about)
        self.note.setAccessibleDescription(about)


class FitProgress(QWidget):
    """How far UMAP has been fitted, and a button that ends it; hidden while nothing is fitted."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.text = ElidedLabel()
        self.text.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.text.setProperty("role", "small")
        self.bar = QProgressBar()
        self.bar.setFixedSize(72, 8)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of UMAP")
        self.stop = named(QToolButton(), "flat")
        self.stop.setDefaultAction(actions["view.cancel_umap"])
        self.stop.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        self.stop.setAccessibleName("Stop fitting UMAP")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.bar)
        layout.addWidget(self.stop)
        self.hide()

    def show_progress(self, text: str, done: int = 0, total: int = 0) -> None:
        """Say how far it is; a bar that only moves where the total is 0, nothing for no text."""
        self.text.setText(text)
        self.bar.setToolTip(text)
        self.bar.setAccessibleDescription(text)
        self.bar.setRange(0, total)
        self.bar.setValue(done)
        self.setVisible(bool(text))


def home_button(actions: Actions) -> QToolButton:
    """Return a button that shows the whole map again."""
    home = named(QToolButton(), "flat")
    home.setDefaultAction(actions["view.reset_map"])
    home.setIconSize(QSize(18, 18))
    home.setAccessibleName("Whole map")
    return home
