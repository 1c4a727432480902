"""The Takes window: the list at the left, the take at the right. Widgets and no logic."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QIcon, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from app.actions import icon
from app.jam.jam_view import PlayerGrid
from app.state.session import ProjectionName
from app.takes.take_strip import TakeStrip
from app.theme import named
from app.widgets.distance_plot import DistancePlot
from app.widgets.elided_label import ElidedLabel
from app.widgets.jam_banner import JamBanner
from app.widgets.latent_map import LatentMap
from app.widgets.notices import Notices
from fmvae_core.files import resource

_PATH = Qt.ItemDataRole.UserRole
_KINDS = (("all", "All"), ("takes", "Takes"), ("keeps", "Kept"))
_BUTTONS = (
    (
        "pin",
        "Pin as A and B",
        "Let the journey of the Explore tab lead from your phrase here to the machine's.",
        "mdi6.vector-line",
    ),
    ("midi", "MIDI…", "Write both players to a MIDI file, a track each.", "mdi6.music-note"),
    ("wav", "Sound…", "Write both players to a sound file.", "mdi6.waveform"),
    ("video", "Video…", "Write map, grids and sound to a video.", "mdi6.movie-open-outline"),
    ("folder", "", "Open its folder.", "mdi6.folder-outline"),
    ("delete", "", "Put it into the trash.", "mdi6.trash-can-outline"),
)


class TakesWindow(QWidget):
    """A window of its own, so that the jam can go on beside it.

    Signals
    -------
    chosen(Path)
        A take or a keep of the list; None where there is none any more.
    kind_chosen(str)
        ``all``, ``takes`` or ``keeps`` are to be listed.
    play_toggled()
        The one that is shown is to be heard, or no longer.
    asked(str)
        What else is to be done with it: ``pin``, ``midi``, ``wav``, ``video``, ``folder``,
        ``delete``.
    projection_chosen(str)
        How the map is to be projected.
    closed()
        It is no more to be seen.
    """

    chosen = Signal(object)
    kind_chosen = Signal(str)
    play_toggled = Signal()
    asked = Signal(str)
    projection_chosen = Signal(str)
    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setWindowTitle("Takes – Flatjam")
        self.setWindowIcon(QIcon(str(resource("theme", "flatjam.svg"))))
        self.setMinimumSize(QSize(1080, 700))
        self.resize(QSize(1280, 800))
        named(self, "takes")
        self.notices = Notices()
        self._banners = QWidget()
        margins = QVBoxLayout(self._banners)
        margins.setContentsMargins(8, 6, 8, 6)
        margins.addWidget(self.notices)
        self._banners.hide()
        self.notices.emptied.connect(self._banners.hide)
        self.notices.filled.connect(self._banners.show)
        whole = QSplitter(Qt.Orientation.Horizontal)
        whole.addWidget(self._make_list())
        whole.addWidget(self._make_take())
        whole.setStretchFactor(1, 1)
        whole.setSizes([300, 980])
        whole.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._banners)
        layout.addWidget(whole, 1)
        for keys, do in (
            (QKeySequence(Qt.Key.Key_Space), self.play_toggled.emit),
            (QKeySequence(Qt.Key.Key_Delete), self.buttons["delete"].click),
            (QKeySequence(QKeySequence.StandardKey.Close), self.close),
        ):
            QShortcut(keys, self).activated.connect(do)

    # --- the list -------------------------------------------------------------------------------

    def show_list(self, rows: Sequence[tuple[Path, bool, str]], current: Path | None) -> None:
        """Show takes and keeps: path, whether it is a keep, and two lines of text.

        The row of ``current`` is chosen, or else the first one.
        """
        self.list.blockSignals(True)
        self.list.clear()
        for path, is_keep, text in rows:
            item = QListWidgetItem(self._icons[is_keep], text)
            item.setData(_PATH, path)
            self.list.addItem(item)
            if path == current:
                self.list.setCurrentItem(item)
        if rows and self.list.currentRow() < 0:
            self.list.setCurrentRow(0)
        self.list.blockSignals(False)
        self.list.setVisible(bool(rows))
        self._empty.setVisible(not rows)
        self._tell_chosen()

    def show_empty(self, text: str) -> None:
        """Say why the list is empty."""
        self._empty.setText(text)

    def neighbour(self) -> Path | None:
        """Return the take or keep below the chosen one, else the one above."""
        row = self.list.currentRow()
        below = row + 1 if row + 1 < self.list.count() else row - 1
        return self.list.item(below).data(_PATH) if below >= 0 else None

    def _tell_chosen(self) -> None:
        chosen = self.list.selectedItems()
        self.chosen.emit(chosen[0].data(_PATH) if chosen else None)

    def _make_list(self) -> QWidget:
        self._icons = {False: icon("mdi6.music", "dim"), True: icon("mdi6.star", "human")}
        side = named(QFrame(), "takesList")
        kinds = QHBoxLayout()
        kinds.setSpacing(2)
        group = QButtonGroup(self)
        for key, title in _KINDS:
            button = named(QToolButton(), "tab")
            button.setText(title)
            button.setCheckable(True)
            button.setChecked(key == "all")
            button.clicked.connect(lambda _on=False, key=key: self.kind_chosen.emit(key))
            group.addButton(button)
            kinds.addWidget(button)
        kinds.addStretch(1)
        self.list = QListWidget()
        self.list.setSpacing(2)
        self.list.setIconSize(QSize(18, 18))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.setAccessibleName("Takes and keeps")
        self.list.currentItemChanged.connect(lambda _now, _before: self._tell_chosen())
        self._empty = QLabel()
        self._empty.setWordWrap(True)
        self._empty.setProperty("role", "dim")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._empty.hide()
        layout = QVBoxLayout(side)
        layout.setContentsMargins(10, 10, 10, 10)
        layout.setSpacing(8)
        layout.addLayout(kinds)
        layout.addWidget(self.list, 1)
        layout.addWidget(self._empty, 1)
        return side

    # --- the take -------------------------------------------------------------------------------

    def show_take(self, title: str, about: str) -> None:
        """Show that there is a take, and what is to be said of it."""
        self._title.setText(title)
        self._about.setText(about)
        self._pages.setCurrentIndex(1)

    def show_no_take(self, why: str) -> None:
        """Show in the take's place why there is none."""
        self._no_take.setText(why)
        self._pages.setCurrentIndex(0)

    def show_map(self, why_not: str | None) -> None:
        """Show the map, or in its place why it cannot be shown."""
        self._no_map.setText(why_not or "")
        self._maps.setCurrentIndex(0 if why_not is None else 1)

    def show_projections(self, names: Sequence[tuple[ProjectionName, str]], current: str) -> None:
        """Offer projections of the map."""
        self.projection.blockSignals(True)
        self.projection.clear()
        for key, title in names:
            self.projection.addItem(title, key)
        self.projection.setCurrentIndex(max(0, self.projection.findData(current)))
        self.projection.blockSignals(False)

    def show_playing(self, is_playing: bool) -> None:
        """Show whether the take is heard."""
        self.play.setIcon(icon("mdi6.pause" if is_playing else "mdi6.play"))
        self.play.setToolTip("Pause  (Space)" if is_playing else "Play  (Space)")
        self.play.setAccessibleName("Pause" if is_playing else "Play")

    def show_why_not(self, reasons: dict[str, str | None]) -> None:
        """Disable buttons, saying why: ``play``, ``pin``, ``delete``, and the exports."""
        for key, button in self.buttons.items():
            reason = reasons.get(key)
            button.setEnabled(reason is None)
            if key != "play" or reason is not None:
                button.setToolTip(self._tips[key] if reason is None else f"Not now: {reason}")

    def _make_take(self) -> QWidget:
        self._no_take = QLabel()
        self._no_take.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._no_take.setWordWrap(True)
        self._no_take.setProperty("role", "dim")
        upper = QWidget()
        layout = QVBoxLayout(upper)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._make_head())
        self.banner = JamBanner(compact=True)
        layout.addWidget(self.banner)
        self.map = LatentMap()
        self.map.set_quiet(True)
        self.map.setAccessibleName("Map of the take")
        self._no_map = QLabel()
        self._no_map.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._no_map.setWordWrap(True)
        self._no_map.setProperty("role", "dim")
        self._maps = QStackedWidget()
        self._maps.addWidget(self.map)
        self._maps.addWidget(self._no_map)
        layout.addWidget(self._maps, 1)
        layout.addWidget(self._make_map_bar())
        whole = QSplitter(Qt.Orientation.Vertical)
        whole.addWidget(upper)
        whole.addWidget(self._make_grids())
        whole.setStretchFactor(0, 1)
        whole.setSizes([520, 200])
        whole.setChildrenCollapsible(False)
        take = QWidget()
        column = QVBoxLayout(take)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(whole, 1)
        column.addWidget(self._make_player())
        self._pages = QStackedWidget()
        self._pages.addWidget(self._no_take)
        self._pages.addWidget(take)
        return self._pages

    def _make_head(self) -> QWidget:
        head = named(QFrame(), "mapBar")
        self._title = QLabel()
        self._title.setProperty("role", "strong")
        self._about = ElidedLabel()
        self._about.setProperty("role", "dim")
        self.buttons: dict[str, QPushButton | QToolButton] = {}
        self._tips: dict[str, str] = {}
        row = QHBoxLayout(head)
        row.setContentsMargins(14, 8, 10, 8)
        row.setSpacing(8)
        row.addWidget(self._title)
        row.addSpacing(8)
        row.addWidget(self._about, 1)
        for key, title, tip, sign in _BUTTONS:
            button = QPushButton(title) if title else QToolButton()
            button.setIcon(icon(sign))
            button.setToolTip(tip)
            button.setAccessibleName(title.rstrip("…") or tip.rstrip("."))
            button.clicked.connect(lambda _on=False, key=key: self.asked.emit(key))
            self.buttons[key], self._tips[key] = button, tip
            row.addWidget(button)
        return head

    def _make_map_bar(self) -> QWidget:
        bar = named(QFrame(), "mapBar")
        self.projection = QComboBox()
        self.projection.setAccessibleName("Map by")
        self.projection.setMinimumWidth(130)
        self.projection.currentIndexChanged.connect(
            lambda _index: self.projection_chosen.emit(self.projection.currentData())
        )
        home = named(QToolButton(), "flat")
        home.setIcon(icon("mdi6.home-outline"))
        home.setToolTip("Turn and zoom the map back to where it began.")
        home.setAccessibleName("Whole map")
        home.clicked.connect(lambda _checked=False: self.map.reset_view())
        self.distance = DistancePlot()
        self.distance.setFixedWidth(280)
        row = QHBoxLayout(bar)
        row.setContentsMargins(12, 2, 10, 2)
        row.addWidget(self.projection)
        row.addWidget(home)
        row.addStretch(1)
        row.addWidget(self.distance)
        return bar

    def _make_grids(self) -> QWidget:
        lower = named(QFrame(), "gridPanel")
        self.human = PlayerGrid("human", "You")
        self.machine = PlayerGrid("machine", "Machine")
        row = QHBoxLayout(lower)
        row.setContentsMargins(12, 8, 12, 8)
        row.setSpacing(16)
        row.addWidget(self.human, 1)
        row.addWidget(self.machine, 1)
        return lower

    def _make_player(self) -> QWidget:
        bar = named(QFrame(), "gridPanel")
        self.play = named(QToolButton(), "play")
        self.play.setIconSize(QSize(24, 24))
        self.play.clicked.connect(lambda _checked=False: self.play_toggled.emit())
        self.buttons["play"], self._tips["play"] = self.play, "Play  (Space)"
        self.show_playing(False)
        self.strip = TakeStrip()
        self.time = QLabel()
        self.time.setProperty("role", "dim")
        self.time.setMinimumWidth(96)
        self.time.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row = QHBoxLayout(bar)
        row.setContentsMargins(12, 6, 12, 8)
        row.setSpacing(10)
        row.addWidget(self.play)
        row.addWidget(self.strip, 1)
        row.addWidget(self.time)
        return bar

    @override
    def closeEvent(self, event: QCloseEvent) -> None:
        self.closed.emit()
        super().closeEvent(event)
