"""The line under the map."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel

from app.actions import Actions
from app.theme import named
from app.widgets.elided_label import ElidedLabel
from app.widgets.projection_bar import FitProgress, ProjectionSwitch, home_button


class MapBar(QFrame):
    """The line under the map: how it is projected and coloured, what to do next.

    While UMAP is fitted, how far that is takes the place of words on what is shown and to be done.
    """

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.setObjectName("mapBar")
        self.switch = ProjectionSwitch(actions, ("view.pca", "view.attributes", "view.umap"))
        self.colour_by = QComboBox()
        self.colour_by.setAccessibleName("Colour by")
        self.colour_by.setToolTip("What the colours of the map mean.")
        label = QLabel("Colour by")
        label.setProperty("role", "small")
        self.hint = named(ElidedLabel(), "hint")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.hint.setAccessibleName("What to do next")
        self.fitting = FitProgress(actions)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 5, 8, 5)
        layout.setSpacing(8)
        layout.addWidget(self.switch)
        layout.addSpacing(8)
        layout.addWidget(label)
        layout.addWidget(self.colour_by)
        layout.addWidget(home_button(actions))
        layout.addSpacing(8)
        layout.addWidget(self.hint, 1)
        layout.addWidget(self.fitting, 1)

    def show_schemes(self, schemes: list[tuple[str, str]]) -> None:
        """Offer other colours: keys and their names on screen."""
        self.colour_by.clear()
        for key, title in schemes:
            self.colour_by.addItem(title, key)

    def show_fitting(self, text: str, done: int = 0, total: int = 0) -> None:
        """Say how far a fit is, or nothing for no text."""
        self.fitting.show_progress(text, done, total)
        self.switch.note.setVisible(not text)
        self.hint.setVisible(not text)
