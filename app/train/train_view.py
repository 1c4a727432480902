"""The Train tab: what to train at the left, how it goes at the right. Widgets and no logic."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from app.theme import named
from app.train.plan_form import PlanForm
from app.train.plots import RunPlots
from app.train.run_head import RunHead
from app.train.runs_table import RunsTable

_EMPTY = (
    "Drop a folder of your own MIDI files at the left, or choose a corpus, and press Start.\n\n"
    "Here you will see the model learn. Runs go on when the window is closed, and wait while "
    "you jam."
)


class TrainView(QWidget):
    """Holds the parts."""

    def __init__(self) -> None:
        super().__init__()
        self.form = PlanForm()
        self.head = RunHead()
        self.plots = RunPlots()
        self.table = RunsTable()
        empty = named(QLabel(_EMPTY), "trainEmpty")
        empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        empty.setWordWrap(True)
        empty.setProperty("role", "dim")
        run = QWidget()
        column = QVBoxLayout(run)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.head)
        column.addWidget(self.plots, 1)
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
