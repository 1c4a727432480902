from __future__ import annotations

import dataclasses
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.models_menu import model_entries
from app.train.settings_table import from_text, value_of
from app.train.train_tab import TrainTab
from app.widgets.notices import Notices
from fmvae_core.music.midi_file import write_midi
from fmvae_core.runs.orders import write_order
from fmvae_core.runs.record import RunRecord
from fmvae_core.runs.store import create_run, list_runs, runs_dir
from fmvae_core.training.config import changed, load_preset
from fmvae_core.training.steering import steer
from tests.app.conftest import PATIENCE
from tests.corpora import groove

SMALL = (
    ("model", "encoder_hidden", "12, 12"),
    ("model", "decoder_hidden", "12, 12"),
    ("model", "conductor_hidden", "12"),
    ("model", "prior_hidden", "12"),
    ("model", "importance_samples", "2"),
    ("optimiser", "batch_size", "8"),
    ("flatness", "points", "4"),
    ("flatness", "ramp", "5"),
)
"""Settings of a run whose steps are quick."""


@pytest.fixture(scope="session")
def own_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the user's own grooves, with one that is there twice and one that is broken."""
    folder = tmp_path_factory.mktemp("own") / "Brushes"
    random = np.random.default_rng(0)
    for index in range(14):
        write_midi(groove(random, 8), folder / f"take {index:02}.mid")
    (folder / "take 00 copy.mid").write_bytes((folder / "take 00.mid").read_bytes())
    (folder / "notes.mid").write_bytes(b"not MIDI")
    return folder


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, own_folder: Path) -> Path:
    """The folder of a run of 40 steps that has ended; never write to it."""
    config = load_preset("drums-2bar", "small")
    tables: dict[str, dict[str, Any]] = {"optimiser": {"steps": 40}}
    for table, name, text in SMALL:
        value = from_text(text, value_of(config, table, name))
        tables.setdefault(table, {})[name] = value
    config = dataclasses.replace(changed(config, tables), corpus="midi_folder")
    record = RunRecord("Brushes", config, data=str(own_folder), device="cpu")
    run = create_run(record, tmp_path_factory.mktemp("finished"))
    steer(run, record)
    return run


@pytest.fixture
def two_runs(finished: Path) -> list[Path]:
    """Two runs that have ended, among those of the user."""
    runs = [runs_dir() / name for name in ("first", "second")]
    return [Path(shutil.copytree(finished, run)) for run in runs]


class Rig(QWidget):
    """The Train tab in a window of its own."""

    def __init__(self, qtbot: QtBot) -> None:
        super().__init__()
        self.qtbot = qtbot
        self.opened: list[Path] = []
        self.notices = Notices()
        self.tab = TrainTab(
            self.notices,
            lambda: model_entries(()),
            Path("/nonexistent"),
            self.opened.append,
            self,
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.notices)
        layout.addWidget(self.tab.view, 1)
        self.resize(1440, 900)

    @property
    def form(self):
        return self.tab.view.form

    @property
    def head(self):
        return self.tab.view.head

    def wait(self, condition) -> None:
        self.qtbot.waitUntil(condition, timeout=PATIENCE)

    def drop(self, folder: Path) -> None:
        """Choose a folder and wait until it has been looked at."""
        self.form.take_folder(folder)
        self.wait(lambda: self.tab.plan.is_ready)

    def make_small(self, steps: int) -> None:
        for table, name, text in SMALL:
            self.form.settings.set_value(table, name, text)
        self.form.settings.set_value("optimiser", "steps", str(steps))
        self.form.settings.changed.emit()

    def start(self) -> Path:
        """Press Start; return the folder of the run."""
        before = {run.folder for run in list_runs()}
        self.form.start.click()
        (folder,) = {run.folder for run in list_runs()} - before
        return folder

    def wait_for(self, run: Path, *states: str, step: int = 0) -> None:
        self.wait(
            lambda: (
                (found := self.tab.runs.runs.get(run)) is not None
                and found.state.state in states
                and found.state.step >= step
            )
        )


@pytest.fixture
def open_rig(qtbot: QtBot, qapp: QApplication) -> Iterator[Callable[[], Rig]]:
    """Opens the tab, as often as wanted; all runs are ended after the test."""
    made: list[Rig] = []

    def begin() -> Rig:
        rig = Rig(qtbot)
        made.append(rig)
        rig.show()
        return rig

    yield begin
    for run in list_runs():
        write_order(run.folder, "stop")
    for rig in made:
        for process in rig.tab.runs.processes:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        rig.tab.close()
        rig.close()
        rig.deleteLater()
    qapp.processEvents()


@pytest.fixture
def rig(open_rig: Callable[[], Rig]) -> Rig:
    return open_rig()
