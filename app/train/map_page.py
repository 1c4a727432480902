"""The space of a run as it forms: a map of some of its phrases, and a slider over the steps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy.typing as npt
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from app.actions import icon
from app.theme import numerals
from app.widgets.latent_map import LatentMap
from app.widgets.legend import Legend


class MapPage(QWidget):
    """Shows what it is told.

    Signals
    -------
    moved(int)
        The slider was moved to a snapshot, by number.
    held()
        The slider is held.
    play_toggled()
        Run through all snapshots, or stop there.
    colour_chosen()
        Another attribute is to be shown by colour.
    """

    moved = Signal(int)
    held = Signal()
    play_toggled = Signal()
    colour_chosen = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.map = LatentMap()
        self.map.setAccessibleName("Map of the space as it forms")
        self.map.set_axes(("", "", ""))
        self.legend = Legend()
        self.map.add_overlay(self.legend, Qt.Corner.BottomLeftCorner)
        self._empty = QLabel()
        self._empty.setWordWrap(True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setProperty("role", "dim")
        area = QWidget()
        self._stack = QStackedLayout(area)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self.map)
        self.play = QPushButton("Play")
        self.play.setMinimumWidth(84)
        self.play.setToolTip("See the space form, from the first step to the newest.")
        self.play.clicked.connect(self.play_toggled)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName("Step of the run")
        self.slider.setToolTip("Drag through the steps. At the right end it follows the run.")
        self.slider.valueChanged.connect(self.moved)
        self.slider.sliderPressed.connect(self.held)
        self.step = QLabel()
        self.step.setFont(numerals(self.step.font()))
        self.step.setMinimumWidth(230)
        self.step.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.colour_by = QComboBox()
        self.colour_by.setAccessibleName("Colour of the phrases")
        self.colour_by.setToolTip("What the colours of the map show.")
        self.colour_by.activated.connect(lambda _index: self.colour_chosen.emit())
        row = QHBoxLayout()
        row.setSpacing(10)
        for widget in (self.play, self.slider, self.step, self.colour_by):
            row.addWidget(widget, 1 if widget is self.slider else 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 4, 16, 8)
        layout.setSpacing(8)
        layout.addWidget(area, 1)
        layout.addLayout(row)

    def show_nothing(self, why: str) -> None:
        """Say why there is no map."""
        self._empty.setText(why)
        self._stack.setCurrentIndex(0)
        for widget in (self.play, self.slider, self.colour_by):
            widget.setEnabled(False)
        self.step.setText("")

    def show_snapshots(self, count: int, current: int) -> None:
        """Offer snapshots, and show that one of them is seen, without telling."""
        self._stack.setCurrentIndex(1)
        for widget in (self.play, self.slider, self.colour_by):
            widget.setEnabled(True)
        self.slider.blockSignals(True)
        self.slider.setRange(0, max(0, count - 1))
        self.slider.setValue(current)
        self.slider.blockSignals(False)

    def show_colours(self, schemes: Sequence[tuple[str, str]]) -> None:
        """Offer what can be shown by colour; what is chosen stays where it can."""
        if [self.colour_by.itemData(k) for k in range(self.colour_by.count())] == [
            key for key, _ in schemes
        ]:
            return
        chosen = self.colour_by.currentData()
        self.colour_by.clear()
        for key, title in schemes:
            self.colour_by.addItem(title, key)
        self.colour_by.setCurrentIndex(max(0, self.colour_by.findData(chosen)))

    def show_places(self, places: npt.ArrayLike, colours: npt.ArrayLike, words: str) -> None:
        """Show where the phrases lie, and of which step that is."""
        self.map.set_landmarks(places, colours)
        self.step.setText(words)

    def show_playing(self, is_playing: bool) -> None:
        """Show whether it runs through the snapshots."""
        self.play.setText("Stop" if is_playing else "Play")
        self.play.setIcon(icon("mdi6.stop" if is_playing else "mdi6.play"))

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(640, 320)
