"""Boxes for the settings of a training: the important ones, and all others when asked for."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from app.jam.panels import Panel
from app.train.settings_table import IMPORTANT, advanced, as_text, explanation, from_text, value_of
from fmvae_core.training.config import TrainingConfig

_Key = tuple[str, str]


class SettingsForm(QWidget):
    """Shows a configuration and takes changes to it.

    Signals
    -------
    changed()
        A value was typed.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._base: TrainingConfig | None = None
        self._boxes: dict[_Key, QLineEdit] = {}
        self._papers: dict[_Key, QLabel] = {}
        grid = self._grid()
        for row, setting in enumerate(IMPORTANT):
            key = (setting.table, setting.name)
            self._add(grid, row, key, setting.title, setting.about)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(grid)
        self.advanced = Panel("Advanced", is_open=False)
        rest = self._grid()
        for row, key in enumerate(advanced()):
            self._add(rest, row, key, f"{key[0]}.{key[1]}", explanation(*key))
        self.advanced.body.addLayout(rest)
        layout.addWidget(self.advanced)

    def show_config(self, config: TrainingConfig, paper: TrainingConfig | None) -> None:
        """Show the values of a configuration, and beside them those of the paper."""
        self._base = config
        for key, box in self._boxes.items():
            box.setText(as_text(value_of(config, *key)))
            self._mark(box, True)
            there = "" if paper is None else as_text(value_of(paper, *key))
            self._papers[key].setText(there)
        fixed = bool(config.fine_tuned_from)
        for (table, _), box in self._boxes.items():
            box.setEnabled(not (fixed and table == "model"))

    def overrides(self) -> dict[str, dict[str, Any]]:
        """Return what was changed, by table.

        Raises
        ------
        ValueError
            If something typed is not a value; the message names the setting.
        """
        found: dict[str, dict[str, Any]] = {}
        if self._base is None:
            return found
        for (table, name), box in self._boxes.items():
            base = value_of(self._base, table, name)
            if box.text() == as_text(base):
                continue
            try:
                value = from_text(box.text(), base)
            except ValueError:
                self._mark(box, False)
                raise ValueError(
                    f"'{box.text()}' is no value for {table}.{name}; it was {as_text(base)}"
                ) from None
            self._mark(box, True)
            found.setdefault(table, {})[name] = value
        return found

    @property
    def keys(self) -> frozenset[tuple[str, str]]:
        """Table and name of all settings that can be changed here."""
        return frozenset(self._boxes)

    def set_value(self, table: str, name: str, text: str) -> None:
        """Put a value into its box."""
        self._boxes[table, name].setText(text)

    def _grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(0, 1)
        return grid

    def _add(self, grid: QGridLayout, row: int, key: _Key, title: str, about: str) -> None:
        label = QLabel(title)
        box = QLineEdit()
        box.setFixedWidth(104)
        box.setAccessibleName(title)
        paper = QLabel()
        paper.setProperty("role", "small")
        paper.setMinimumWidth(56)
        paper.setToolTip("In the preset's paper size")
        for widget in (label, box):
            widget.setToolTip(f"{title}\n{about}")
        box.textEdited.connect(self.changed)
        label.setBuddy(box)
        grid.addWidget(label, row, 0)
        grid.addWidget(box, row, 1)
        grid.addWidget(paper, row, 2)
        self._boxes[key], self._papers[key] = box, paper

    def _mark(self, box: QLineEdit, is_good: bool) -> None:
        if box.property("isBad") != (not is_good):
            box.setProperty("isBad", not is_good)
            box.style().polish(box)
