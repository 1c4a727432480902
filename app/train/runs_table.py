"""The table of runs: choose one or several to see their course, and what to do with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.actions import icon
from app.widgets.elided_label import ElidedLabel
from fmvae_core.runs.store import Run
from fmvae_core.runs.words import (
    duration_in_words,
    figure_in_words,
    flatness_in_words,
    state_in_words,
)

_COLUMNS = ("Run", "State", "Corpus", "Size", "Steps", "Time", "Figures", "Tags")
_NAME, _TAGS = 0, 7
_NAME_WIDTH = 230
_PATH = Qt.ItemDataRole.UserRole


class RunsTable(QWidget):
    """Several rows can be chosen to compare them. Name and tags are edited in place.

    Signals
    -------
    chosen(list)
        Folders of the chosen runs.
    renamed(Path, str), tagged(Path, str)
        A cell was edited.
    open_asked(), clone_asked(), delete_asked()
        Buttons; of the first chosen run.
    board_asked()
        All chosen runs shall be shown in TensorBoard.
    """

    chosen = Signal(object)
    renamed = Signal(object, str)
    tagged = Signal(object, str)
    open_asked = Signal()
    board_asked = Signal()
    clone_asked = Signal()
    delete_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._is_filling = False
        self.table = QTableWidget(0, len(_COLUMNS))
        self.table.setHorizontalHeaderLabels(list(_COLUMNS))
        self.table.setAccessibleName("Runs")
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.table.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(_NAME, QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        self.table.setColumnWidth(_NAME, _NAME_WIDTH)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setHighlightSections(False)
        self.table.itemSelectionChanged.connect(self._tell)
        self.table.itemChanged.connect(self._edited)
        title = QLabel("Runs")
        title.setProperty("role", "section")
        hint = ElidedLabel("Ctrl+click compares; a double click renames, or tags.")
        hint.setToolTip(hint.text())
        hint.setProperty("role", "small")
        row = QHBoxLayout()
        row.addWidget(title)
        row.addSpacing(8)
        row.addWidget(hint, 1)
        self.buttons: dict[str, QToolButton] = {}
        for key, text, sign, signal in (
            ("open", "Open folder", "mdi6.folder-open-outline", self.open_asked),
            ("board", "TensorBoard", "mdi6.chart-line", self.board_asked),
            ("clone", "Use its settings", "mdi6.content-copy", self.clone_asked),
            ("delete", "Delete", "mdi6.trash-can-outline", self.delete_asked),
        ):
            button = QToolButton()
            button.setText(text)
            button.setIcon(icon(sign))
            button.setIconSize(QSize(16, 16))
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.clicked.connect(signal)
            self.buttons[key] = button
            row.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 8, 16, 12)
        layout.setSpacing(6)
        layout.addLayout(row)
        layout.addWidget(self.table)
        self.table.setMinimumHeight(112)
        self.set_usable(False, False)

    def show_runs(
        self, runs: Sequence[Run], colours: Mapping[Path, str], chosen: Collection[Path]
    ) -> None:
        """Show the runs, which of them are chosen, and in which colours they are drawn."""
        if self.table.state() == QAbstractItemView.State.EditingState:
            return  # the next look comes soon; what is being typed stays
        self._is_filling = True
        self.table.setRowCount(len(runs))
        for row, run in enumerate(runs):
            for column, text in enumerate(_texts(run)):
                item = self.table.item(row, column)
                if item is None:
                    item = QTableWidgetItem()
                    self.table.setItem(row, column, item)
                if item.text() != text:
                    item.setText(text)
                flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
                if column in (_NAME, _TAGS):
                    flags |= Qt.ItemFlag.ItemIsEditable
                item.setFlags(flags)
                item.setData(_PATH, str(run.folder))
            name = self.table.item(row, _NAME)
            if name is not None:
                name.setIcon(_dot(colours.get(run.folder)))
                name.setToolTip(str(run.folder))
        if set(self.chosen_runs()) != set(chosen):
            self._select(chosen)
        self._is_filling = False

    def chosen_runs(self) -> list[Path]:
        """Return the folders of the chosen runs, from top to bottom."""
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        items = [self.table.item(row, _NAME) for row in rows]
        return [Path(item.data(_PATH)) for item in items if item is not None]

    def choose(self, runs: Collection[Path]) -> None:
        """Choose runs, as if by hand."""
        self._is_filling = True
        self._select(runs)
        self._is_filling = False
        self._tell()

    def _select(self, runs: Collection[Path]) -> None:
        mode = self.table.selectionMode()
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.MultiSelection)
        self.table.clearSelection()
        for row in range(self.table.rowCount()):
            item = self.table.item(row, _NAME)
            if item is not None and Path(item.data(_PATH)) in runs:
                self.table.selectRow(row)
        self.table.setSelectionMode(mode)

    def set_usable(self, has_run: bool, can_delete: bool) -> None:
        """Enable the buttons."""
        for key, button in self.buttons.items():
            button.setEnabled(has_run and (key != "delete" or can_delete))
        self.buttons["delete"].setToolTip(
            "Put it aside; it can be brought back."
            if can_delete or not has_run
            else "Stop it first."
        )

    def _tell(self) -> None:
        if not self._is_filling:
            self.chosen.emit(self.chosen_runs())

    def _edited(self, item: QTableWidgetItem) -> None:
        if self._is_filling:
            return
        signal = {_NAME: self.renamed, _TAGS: self.tagged}.get(item.column())
        if signal is not None:
            signal.emit(Path(item.data(_PATH)), item.text().strip())


def _texts(run: Run) -> tuple[str, ...]:
    state, config = run.state, run.record.config
    data = run.record.data
    own = f"own: {Path(data).name}" if config.corpus == "midi_folder" and data else ""
    return (
        run.record.name,
        state_in_words(state),
        own or config.corpus,
        "fine-tuned" if config.fine_tuned_from else config.size,
        f"{state.step:,} / {config.optimiser.steps:,}",
        duration_in_words(state.seconds) if state.seconds else "",
        ", ".join(filter(None, (figure_in_words(state), flatness_in_words(state)))),
        ", ".join(run.record.tags),
    )


def _dot(shade: str | None) -> QIcon:
    picture = QPixmap(14, 14)
    picture.fill(Qt.GlobalColor.transparent)
    if shade is not None:
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(shade))
        painter.drawEllipse(2, 2, 10, 10)
        painter.end()
    return QIcon(picture)
