"""The line under the map."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
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

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class MapBar(QFrame):
    """The line under the map: how it is projected and coloured, what to do next.

    While UMAP is fitted, how far that is takes the place of words on what is shown and to be done.
    """

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.setObjectName("mapBar")
        switch = QHBoxLayout()
        switch.setSpacing(2)
        for command in ("view.pca", "view.attributes", "view.umap"):
            button = QToolButton()
            button.setDefaultAction(actions[command])
            button.setAccessibleName(f"Map by {actions[command].text()}")
            # Where room is short the hint gives way, and not the names on the switch.
            button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            switch.addWidget(button)
        self.projection = QLabel()
        self.projection.setProperty("role", "small")
        self.projection.setAccessibleName("What the map shows")
        self.colour_by = QComboBox()
        self.colour_by.setAccessibleName("Colour by")
        self.colour_by.setToolTip("What the colours of the map mean.")
        label = QLabel("Colour by")
        label.setProperty("role", "small")
        home = named(QToolButton(), "flat")
        home.setDefaultAction(actions["view.reset_map"])
        home.setIconSize(QSize(18, 18))
        home.setAccessibleName("Whole map")
        self.hint = named(ElidedLabel(), "hint")
        self.hint.setAlignment(_RIGHT)
        self.hint.setAccessibleName("What to do next")
        self.fitting = QWidget()
        self.fit_text = ElidedLabel()
        self.fit_text.setAlignment(_RIGHT)
        self.fit_text.setProperty("role", "small")
        self.fit_progress = QProgressBar()
        self.fit_progress.setFixedSize(72, 8)
        self.fit_progress.setTextVisible(False)
        self.fit_progress.setAccessibleName("Progress of UMAP")
        stop = named(QToolButton(), "flat")
        stop.setDefaultAction(actions["view.cancel_umap"])
        stop.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        stop.setAccessibleName("Stop fitting UMAP")
        fitting = QHBoxLayout(self.fitting)
        fitting.setContentsMargins(0, 0, 0, 0)
        fitting.setSpacing(6)
        fitting.addWidget(self.fit_text, 1)
        fitting.addWidget(self.fit_progress)
        fitting.addWidget(stop)
        self.fitting.hide()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 5, 8, 5)
        layout.setSpacing(8)
        layout.addLayout(switch)
        layout.addWidget(self.projection)
        layout.addSpacing(8)
        layout.addWidget(label)
        layout.addWidget(self.colour_by)
        layout.addWidget(home)
        layout.addSpacing(8)
        layout.addWidget(self.hint, 1)
        layout.addWidget(self.fitting, 1)

    def show_schemes(self, schemes: list[tuple[str, str]]) -> None:
        """Offer other colours: keys and their names on screen."""
        self.colour_by.clear()
        for key, title in schemes:
            self.colour_by.addItem(title, key)

    def show_projection(self, note: str, about: str) -> None:
        """Say what the map shows, in a few words and, in the tooltip, in full."""
        self.projection.setText(note)
        self.projection.setToolTip(about)
        self.projection.setAccessibleDescription(about)

    def show_fitting(self, text: str, done: int = 0, total: int = 0) -> None:
        """Say how far a fit is; a bar that only moves where the total is 0, nothing for no text."""
        self.fit_text.setText(text)
        self.fit_progress.setToolTip(text)
        self.fit_progress.setAccessibleDescription(text)
        self.fit_progress.setRange(0, total)
        self.fit_progress.setValue(done)
        self.fitting.setVisible(bool(text))
        self.projection.setVisible(not text)
        self.hint.setVisible(not text)
