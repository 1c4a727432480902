"""The Train tab: what to train at the left, how it goes at the right. Widgets and no logic."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSplitter, QStackedWidget, QVBoxLayout, QWidget
from typing_extensions import override

from app.theme import named
from app.train.listen_page import ListenPage
from app.train.map_page import MapPage
from app.train.plan_form import PlanForm
from app.train.plots import RunPlots
from app.train.run_head import RunHead
from app.train.runs_table import RunsTable
from app.widgets.segments import Segments

_EMPTY = (
    "Drop a folder of your own MIDI files at the left, or choose a corpus, and press Start.\n\n"
    "Here you will see the model learn. Runs go on when the window is closed, and wait while "
    "you jam."
)

PAGES: tuple[tuple[str, str, str], ...] = (
    ("plots", "Course", "How the figures of the run develop."),
    ("map", "Map", "The space as it forms, with a slider over the steps."),
    ("listen", "Listen", "Hear what the model has learnt so far."),
)


class TrainView(QWidget):
    """Holds the parts. Map and listening are made when they are first looked at.

    Signals
    -------
    page_made(str), page_shown(str)
        A key of `PAGES`.
    left()
        Another tab is shown.
    """

    page_made = Signal(str)
    page_shown = Signal(str)
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.form = PlanForm()
        self.head = RunHead()
        self.plots = RunPlots()
        self.table = RunsTable()
        self.map: MapPage | None = None
        self.listen: ListenPage | None = None
        self.pages = Segments(PAGES)
        self.pages.chosen.connect(self.show_page)
        self._page = QStackedWidget()
        self._page.addWidget(self.plots)
        pages = QHBoxLayout()
        pages.setContentsMargins(16, 0, 16, 6)
        pages.addWidget(self.pages)
        pages.addStretch(1)
        empty = named(QLabel(_EMPTY), "trainEmpty")
        empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        empty.setWordWrap(True)
        empty.setProperty("role", "dim")
        run = QWidget()
        column = QVBoxLayout(run)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.head)
        column.addLayout(pages)
        column.addWidget(self._page, 1)
        self._stack = QStackedWidget()
        self._stack.addWidget(empty)
        self._stack.addWidget(run)
        self.right = QSplitter(Qt.Orientation.Vertical)
        self.right.addWidget(self._stack)
        self.right.addWidget(self.table)
        self.right.setStretchFactor(0, 3)
        self.right.setStretchFactor(1, 1)
        self.right.setChildrenCollapsible(False)
        self.right.setSizes([620, 210])
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.form)
        layout.addWidget(self.right, 1)

    def show_course(self, is_shown: bool) -> None:
        """Show the course of runs, or what to do to have one."""
        self._stack.setCurrentIndex(1 if is_shown else 0)

    @property
    def page(self) -> str:
        """What is shown of the run, a key of `PAGES`."""
        return self.pages.current

    def show_page(self, key: str) -> None:
        """Show the plots, the map or what can be heard of the run."""
        self.pages.show_choice(key)
        if key == "map" and self.map is None:
            self.map = MapPage()
            self._page.addWidget(self.map)
            self.page_made.emit(key)
        elif key == "listen" and self.listen is None:
            self.listen = ListenPage()
            self._page.addWidget(self.listen)
            self.page_made.emit(key)
        widget: QWidget | None = {"map": self.map, "listen": self.listen}.get(key, self.plots)
        assert widget is not None
        self._page.setCurrentWidget(widget)
        self.page_shown.emit(key)

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if not event.spontaneous():
            self.left.emit()
