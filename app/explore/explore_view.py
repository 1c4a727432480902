"""The Explore tab: map, drum grid, journey and attributes. It holds widgets and no logic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QSplitter,
    QStackedLayout,
    QToolButton,
    QUndoView,
    QVBoxLayout,
    QWidget,
)

from app.actions import Actions
from app.explore.map_bar import MapBar
from app.theme import named
from app.widgets.attribute_slider import AttributeSlider, Scale
from app.widgets.colours import ANCHOR_A, ANCHOR_B
from app.widgets.elided_label import ElidedLabel
from app.widgets.journey_slider import JourneySlider, StepStrip, Thumbnails
from app.widgets.number_box import NumberBox
from fmvae_core.music.instruments import INSTRUMENTS
from fmvae_core.music.representation import Frames

if TYPE_CHECKING:
    import numpy.typing as npt

    from app.widgets.drum_grid import DrumGrid
    from app.widgets.latent_map import LatentMap
    from app.widgets.piano_roll import PianoRoll

METHODS: tuple[tuple[str, str], ...] = (("lerp", "Straight line"), ("slerp", "Arc (slerp)"))


class JourneyPanel(QWidget):
    """A, B, the way between them and its numeric twin."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.a, self.b = ElidedLabel("not pinned"), ElidedLabel("not pinned")
        swap = named(QToolButton(), "flat")
        swap.setDefaultAction(actions["explore.swap"])
        swap.setAccessibleName("Swap A and B")
        ends = QGridLayout()
        ends.setHorizontalSpacing(8)
        ends.setVerticalSpacing(2)
        ends.setColumnStretch(1, 1)
        for row, (name, tone, label) in enumerate(
            (("A", ANCHOR_A, self.a), ("B", ANCHOR_B, self.b))
        ):
            sign = QLabel(name)
            sign.setStyleSheet(f"color: {tone}; font-weight: 600;")
            label.setAccessibleName(f"Anchor {name}")
            ends.addWidget(sign, row, 0)
            ends.addWidget(label, row, 1)
        ends.addWidget(swap, 0, 2, 2, 1)

        self.slider = JourneySlider()
        self.slider.setToolTip("Drag from A to B and hear one phrase turn into the other.")
        self.thumbnails = Thumbnails()
        self.strip = StepStrip()
        self.percent = NumberBox(0.0, 100.0, "%", 84)
        self.percent.setSingleStep(5.0)
        self.percent.setAccessibleName("Position along the journey in per cent")
        self.percent.setToolTip("How far from A (0 %) to B (100 %).")
        self.method = QComboBox()
        for key, title in METHODS:
            self.method.addItem(title, key)
        self.method.setAccessibleName("Way from A to B")
        self.method.setToolTip(
            "The space is flat, so the straight line is the smooth way. "
            "The arc is there to compare: it is how MusicVAE interpolates."
        )
        twin = QHBoxLayout()
        twin.setSpacing(8)
        twin.addWidget(self.percent)
        twin.addWidget(self.method)
        twin.addStretch(1)

        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(ends)
        layout.addSpacing(2)
        layout.addWidget(self.slider)
        layout.addWidget(self.thumbnails)
        layout.addWidget(self.strip)
        layout.addSpacing(4)
        layout.addLayout(twin)


class GridPanel(QFrame):
    """What is heard, in words and as a drum grid or a piano roll."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.setObjectName("gridPanel")
        self.heard = ElidedLabel()
        self.heard.setProperty("role", "strong")
        self.heard.setAccessibleName("What you hear")
        self.as_played = QToolButton()
        self.as_played.setDefaultAction(actions["explore.as_played"])
        self.as_played.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.instrument = QComboBox()
        for program, title in INSTRUMENTS.items():
            self.instrument.addItem(title, program)
        self.instrument.setAccessibleName("Instrument")
        self.instrument.setToolTip("What the melody is played on.")
        self.instrument.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.instrument.hide()
        self.grid: DrumGrid | PianoRoll | None = None
        self._drums: DrumGrid | None = None
        self._roll: PianoRoll | None = None
        self._stack = QStackedLayout()
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.heard, 1)
        head.addWidget(self.instrument)
        head.addWidget(self.as_played)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(12, 8, 12, 10)
        self._layout.setSpacing(6)
        self._layout.addLayout(head)
        self._layout.addLayout(self._stack, 1)
        self.setMinimumHeight(150)
        self._is_drums = True

    def install(self, drums: DrumGrid, roll: PianoRoll) -> None:
        """Put the pictures in, once their libraries are loaded."""
        self._drums, self._roll = drums, roll
        self._stack.addWidget(drums)
        self._stack.addWidget(roll)
        self.show_kind(self._is_drums)

    def show_kind(self, is_drums: bool) -> None:
        """Show the grid and what goes with drums, or the roll and what goes with melodies."""
        self._is_drums = is_drums
        self.as_played.setVisible(is_drums)
        self.instrument.setHidden(is_drums)
        self.grid = self._drums if is_drums else self._roll
        if self.grid is not None:
            self.grid.set_playhead(None)
            self._stack.setCurrentWidget(self.grid)

    def show_frames(
        self, frames: Frames | None, played: Frames | None, thresholds: npt.ArrayLike
    ) -> None:
        """Show a phrase, and where one as played differs from it (drums only)."""
        if self._drums is not None and self._is_drums:
            self._drums.set_frames(frames, thresholds)
            self._drums.set_reference(played)
        elif self._roll is not None:
            self._roll.set_frames(frames)


class ExploreView(QWidget):
    """All of the tab. Map and grid come later by `install`, since their libraries take a while."""

    def __init__(self, actions: Actions, history: QUndoStack) -> None:
        super().__init__()
        self.map: LatentMap | None = None
        self.map_bar = MapBar(actions)
        self.grid_panel = GridPanel(actions)
        self.journey = JourneyPanel(actions)
        self.attributes: dict[str, AttributeSlider] = {}
        self._attributes = QVBoxLayout()
        self._attributes.setSpacing(10)
        self.history = QUndoView(history)
        self.history.setEmptyLabel("Beginning")
        self.history.setAccessibleName("History")
        self.history.setToolTip("Click an entry to go back to it.")

        self._map_area = QWidget()
        self._stack = QStackedLayout(self._map_area)
        self.placeholder = QLabel("Opening the map…")
        self.placeholder.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.placeholder.setWordWrap(True)
        self.placeholder.setProperty("role", "dim")
        self._stack.addWidget(self.placeholder)
        upper = QWidget()
        upper_layout = QVBoxLayout(upper)
        upper_layout.setContentsMargins(0, 0, 0, 0)
        upper_layout.setSpacing(0)
        upper_layout.addWidget(self._map_area, 1)
        upper_layout.addWidget(self.map_bar)
        self.left = QSplitter(Qt.Orientation.Vertical)
        self.left.addWidget(upper)
        self.left.addWidget(self.grid_panel)
        self.left.setStretchFactor(0, 1)
        self.left.setSizes([560, 240])
        self.left.setChildrenCollapsible(False)

        self.whole = QSplitter(Qt.Orientation.Horizontal)
        self.whole.addWidget(self.left)
        self.whole.addWidget(self._panel(actions))
        self.whole.setStretchFactor(0, 1)
        self.whole.setSizes([1040, 400])
        self.whole.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.whole)

    def install(self) -> LatentMap:
        """Load the libraries that draw, and put map, grid and roll in their places."""
        # Imported here, not above: the window is on screen before they are loaded.
        from app.widgets.drum_grid import DrumGrid
        from app.widgets.latent_map import LatentMap
        from app.widgets.piano_roll import PianoRoll

        self.grid_panel.install(DrumGrid(), PianoRoll())
        self.map = LatentMap()
        self.map.setAccessibleName("Map of the landmarks")
        self._stack.addWidget(self.map)
        return self.map

    def show_attributes(self, scales: dict[str, Scale]) -> None:
        """Put sliders for these attributes in the place of the others."""
        for slider in self.attributes.values():
            self._attributes.removeWidget(slider)
            slider.hide()
            slider.deleteLater()
        self.attributes = {name: AttributeSlider(scale) for name, scale in scales.items()}
        for slider in self.attributes.values():
            self._attributes.addWidget(slider)

    def show_instead_of_map(self, text: str) -> None:
        """Say why there is no map."""
        self.placeholder.setText(text)
        self._stack.setCurrentWidget(self.placeholder)

    def show_map(self) -> None:
        """Show the map in place of words, once it is made."""
        if self.map is not None:
            self._stack.setCurrentWidget(self.map)

    def _panel(self, actions: Actions) -> QWidget:
        reset = named(QToolButton(), "flat")
        reset.setDefaultAction(actions["edit.reset_asks"])
        reset.setAccessibleName("Reset what is asked")
        inner = QWidget()
        layout = QVBoxLayout(inner)
        layout.setContentsMargins(16, 14, 16, 12)
        layout.setSpacing(10)
        layout.addWidget(_section("Journey"))
        layout.addWidget(self.journey)
        layout.addWidget(_rule())
        layout.addLayout(_head("Ask for a change", reset))
        layout.addLayout(self._attributes)
        layout.addWidget(_rule())
        layout.addWidget(_section("History"))
        layout.addWidget(self.history, 1)
        self.history.setMinimumHeight(64)
        scroll = named(QScrollArea(), "panel")
        scroll.setWidget(inner)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setMinimumWidth(360)
        return scroll


def _section(title: str) -> QLabel:
    label = QLabel(title)
    label.setProperty("role", "section")
    return label


def _head(title: str, button: QToolButton) -> QHBoxLayout:
    head = QHBoxLayout()
    head.addWidget(_section(title))
    head.addStretch(1)
    head.addWidget(button)
    return head


def _rule() -> QFrame:
    return named(QFrame(), "rule")
