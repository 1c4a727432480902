"""The Jam tab: map, state, both grids, pads, and the panel at the right. Widgets and no logic."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from app.actions import Actions
from app.theme import named
from app.widgets.distance_plot import DistancePlot
from app.widgets.drum_grid import DrumGrid
from app.widgets.elided_label import ElidedLabel
from app.widgets.jam_banner import JamBanner
from app.widgets.latent_map import LatentMap
from app.widgets.pad_row import KEYS, PadRow
from app.widgets.projection_bar import FitProgress, ProjectionSwitch, home_button


class PlayerGrid(QWidget):
    """What one player plays, and a line of words above it."""

    def __init__(self, player: Literal["human", "machine"], title: str) -> None:
        super().__init__()
        self.grid = DrumGrid(accent=player)
        self.grid.setAccessibleName(f"{title}: drum grid")
        self._name = QLabel(title)
        self._name.setProperty("role", f"{player}Name")
        self.note = ElidedLabel()
        self.note.setProperty("role", "small")
        self.note.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(self._name)
        head.addWidget(self.note, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(head)
        layout.addWidget(self.grid, 1)

    def show_large(self, is_on: bool) -> None:
        """Let the words be read from afar, or not."""
        for label in (self._name, self.note):
            label.setProperty("isLarge", is_on)
            label.style().unpolish(label)
            label.style().polish(label)


class JamView(QWidget):
    """All of the tab.

    Signals
    -------
    left_stage()
        Esc was pressed in the stage view.
    """

    left_stage = Signal()

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.banner = JamBanner(compact=True)
        self.distance = DistancePlot()
        self.distance.setFixedWidth(250)
        self.map = LatentMap()
        self.map.setAccessibleName("Map of the jam")
        self.human = PlayerGrid("human", "You")
        self.machine = PlayerGrid("machine", "Machine")
        self.pads = PadRow()
        self.panel = QVBoxLayout()
        self.panel.setContentsMargins(16, 14, 16, 12)
        self.panel.setSpacing(10)

        top = QWidget()
        top_layout = QVBoxLayout(top)
        top_layout.setContentsMargins(0, 0, 0, 0)
        top_layout.setSpacing(0)
        top_layout.addWidget(self.map, 1)
        self._bar = self._map_bar(actions)
        top_layout.addWidget(self._bar)
        self._lower = named(QFrame(), "gridPanel")
        self._grids = QHBoxLayout()
        self._grids.setSpacing(16)
        self._grids.addWidget(self.human, 1)
        self._grids.addWidget(self.machine, 1)
        self._lower_layout = lower_layout = QVBoxLayout(self._lower)
        lower_layout.setContentsMargins(12, 8, 12, 10)
        lower_layout.setSpacing(8)
        lower_layout.addLayout(self._grids, 1)
        lower_layout.addWidget(self.pads)
        self.left = QSplitter(Qt.Orientation.Vertical)
        self.left.addWidget(top)
        self.left.addWidget(self._lower)
        self.left.setStretchFactor(0, 1)
        self.left.setSizes([520, 300])
        self.left.setChildrenCollapsible(False)
        play = QWidget()
        play_layout = QVBoxLayout(play)
        play_layout.setContentsMargins(0, 0, 0, 0)
        play_layout.setSpacing(0)
        play_layout.addWidget(self.banner)
        play_layout.addWidget(self.left, 1)

        inner = QWidget()
        inner.setLayout(self.panel)
        self._side = named(QScrollArea(), "panel")
        self._side.setWidget(inner)
        self._side.setWidgetResizable(True)
        self._side.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._side.setMinimumWidth(360)
        self.whole = QSplitter(Qt.Orientation.Horizontal)
        self.whole.addWidget(play)
        self.whole.addWidget(self._side)
        self.whole.setStretchFactor(0, 1)
        self.whole.setSizes([1060, 380])
        self.whole.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.whole)

        # Shortcuts and not key events, so that the pads play wherever the focus is.
        for key in KEYS:
            self._shortcut(key, lambda key=key: self.pads.key_pressed(key))
        self._shortcut(Qt.Key.Key_Space, actions["jam.start_stop"].trigger)
        self._leave = self._shortcut(Qt.Key.Key_Escape, self.left_stage.emit)
        self._leave.setEnabled(False)
        self._sizes: list[int] = []

    def show_stage(self, is_on: bool) -> None:
        """Show nothing but map, state and both grids, or everything again.

        The grids lie beside the map then, so that it is large.
        """
        if is_on:
            self._sizes = self.left.sizes()
        for widget in (self._side, self._bar, self.pads):
            widget.setVisible(not is_on)
        self.banner.compact = not is_on
        for player in (self.human, self.machine):
            player.show_large(is_on)
        down, across = QBoxLayout.Direction.TopToBottom, QBoxLayout.Direction.LeftToRight
        self._grids.setDirection(down if is_on else across)
        # The splitter asks how small the grids can be, which has just changed.
        self._lower_layout.activate()
        self.left.setOrientation(Qt.Orientation.Horizontal if is_on else Qt.Orientation.Vertical)
        for part, share in enumerate((62, 38) if is_on else (1, 0)):
            self.left.setStretchFactor(part, share)
        self.left.setSizes([620, 380] if is_on else self._sizes)
        self._leave.setEnabled(is_on)

    def show_fitting(self, text: str, done: int, total: int) -> None:
        """Say how far the fit of UMAP is, or nothing for no text."""
        self.fitting.show_progress(text, done, total)
        self.switch.note.setVisible(not text)
        self.hint.setVisible(not text)

    def _shortcut(self, key: Qt.Key, do: object) -> QShortcut:
        shortcut = QShortcut(QKeySequence(key), self)
        shortcut.setAutoRepeat(False)
        shortcut.activated.connect(do)
        return shortcut

    def _map_bar(self, actions: Actions) -> QWidget:
        bar = named(QFrame(), "mapBar")
        layout = QHBoxLayout(bar)
        layout.setContentsMargins(12, 5, 8, 5)
        layout.setSpacing(8)
        self.switch = ProjectionSwitch(actions, ("view.attributes", "view.pca", "view.umap"))
        self.fitting = FitProgress(actions)
        self.hint = ElidedLabel()
        self.hint.setProperty("role", "dim")
        self.hint.setAccessibleName("How the last answer came about")
        layout.addWidget(self.switch)
        layout.addWidget(home_button(actions))
        layout.addWidget(self.hint, 1)
        layout.addWidget(self.fitting, 1)
        layout.addWidget(self.distance)
        return bar
