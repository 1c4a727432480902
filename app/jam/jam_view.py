"""The Jam tab: map, state, both grids, pads, and the panel at the right. Widgets and no logic."""

from __future__ import annotations

from collections.abc import Sequence
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
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app.actions import Actions
from app.theme import named
from app.widgets.distance_plot import DistancePlot
from app.widgets.drum_grid import DrumGrid
from app.widgets.elided_label import ElidedLabel
from app.widgets.jam_banner import JamBanner
from app.widgets.key_row import KeyRow
from app.widgets.latent_map import LatentMap
from app.widgets.pad_row import KEYS, PadRow
from app.widgets.piano_roll import PianoRoll
from app.widgets.projection_bar import FitProgress, ProjectionSwitch, home_button
from fmvae_core.jam.messages import Cell
from fmvae_core.music.phrase import Phrase
from fmvae_core.music.representation import Frames, representation


class PlayerGrid(QWidget):
    """What one player plays, as a drum grid or a piano roll, and a line of words above it."""

    def __init__(self, player: Literal["human", "machine"], title: str) -> None:
        super().__init__()
        self._drums = DrumGrid(accent=player)
        self._drums.setAccessibleName(f"{title}: drum grid")
        self._roll = PianoRoll(accent=player)
        self._roll.setAccessibleName(f"{title}: piano roll")
        self._stack = QStackedLayout()
        self._stack.addWidget(self._drums)
        self._stack.addWidget(self._roll)
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
        layout.addLayout(self._stack, 1)

    @property
    def grid(self) -> DrumGrid | PianoRoll:
        """The picture that is shown."""
        return self._roll if self._stack.currentWidget() is self._roll else self._drums

    def show_kind(self, *, is_drums: bool) -> None:
        """Show an empty drum grid, or an empty piano roll, in the place of the other."""
        wanted: DrumGrid | PianoRoll = self._drums if is_drums else self._roll
        if wanted is not self.grid:
            wanted.set_frames(None)
            wanted.set_playhead(None)
            self._stack.setCurrentWidget(wanted)

    def show_phrase(self, phrase: Phrase | None) -> None:
        """Show a phrase, or none."""
        if phrase is not None:
            self.show_kind(is_drums=phrase.is_drums)
        self.grid.set_frames(None if phrase is None else frames_of(phrase))

    def set_heard(self, cells: Sequence[Cell] | None) -> None:
        """Show which hits the model heard; a piano roll does not show that."""
        self._drums.set_heard(None if cells is None or self.grid is self._roll else cells)

    def show_large(self, is_on: bool) -> None:
        """Let the words be read from afar, or not."""
        for label in (self._name, self.note):
            label.setProperty("isLarge", is_on)
            label.style().unpolish(label)
            label.style().polish(label)


def frames_of(phrase: Phrase) -> Frames:
    """Return the frames of a phrase of the jam; pitches of drums are of Table 4."""
    return representation("drums" if phrase.is_drums else "melody", phrase.bars).encode(phrase)


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
        self._is_drums, self._is_on_stage = True, False
        self.banner = JamBanner(compact=True)
        self.distance = DistancePlot()
        self.distance.setFixedWidth(250)
        self.map = LatentMap()
        self.map.setAccessibleName("Map of the jam")
        self.human = PlayerGrid("human", "You")
        self.machine = PlayerGrid("machine", "Machine")
        self.pads = PadRow()
        self.keys = KeyRow()
        self.keys.hide()
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
        lower_layout.addWidget(self.keys)
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
            self._shortcut(key, lambda key=key: self._instrument.key_pressed(key))
        self._shortcut(Qt.Key.Key_Space, actions["jam.start_stop"].trigger)
        self._leave = self._shortcut(Qt.Key.Key_Escape, self.left_stage.emit)
        self._leave.setEnabled(False)
        self._sizes: list[int] = []

    @property
    def _instrument(self) -> PadRow | KeyRow:
        return self.pads if self._is_drums else self.keys

    def show_kind(self, *, is_drums: bool) -> None:
        """Show pads and drum grids, or keys and piano rolls."""
        self._is_drums = is_drums
        self.keys.forget()
        self.pads.setVisible(is_drums and not self._is_on_stage)
        self.keys.setVisible(not is_drums and not self._is_on_stage)
        for player in (self.human, self.machine):
            player.show_kind(is_drums=is_drums)

    def show_stage(self, is_on: bool) -> None:
        """Show nothing but map, state and both grids, or everything again.

        The grids lie beside the map then, so that it is large.
        """
        if is_on:
            self._sizes = self.left.sizes()
        for widget in (self._side, self._bar, self._instrument):
            widget.setVisible(not is_on)
        self._is_on_stage = is_on
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
