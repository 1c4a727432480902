"""The Train tab with real corpora, processes and runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent

from fmvae_core.models.bundle import Bundle
from fmvae_core.models.config import ModelConfig
from fmvae_core.runs.record import read_record
from fmvae_core.runs.store import list_runs
from tests.app.train.conftest import Rig

ENDLESS = 1_000_000


def test_torch_is_not_loaded_and_the_paper_s_values_stand_beside(rig: Rig) -> None:
    assert rig.tab.plan.record().config.size == "small"
    assert rig.form.settings._papers["optimiser", "batch_size"].text() == "512"
    assert rig.form.start.isEnabled()  # Groove would be fetched at the start
    assert "torch" not in sys.modules or "pytest" in sys.modules


def test_a_dropped_folder_is_looked_at(rig: Rig, own_folder: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(own_folder))])
    event = QDropEvent(
        QPointF(50, 50),
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    rig.form.dropEvent(event)
    assert not rig.form.start.isEnabled()
    rig.wait(lambda: rig.tab.plan.is_ready)
    told = rig.form.preview.text()
    assert "14 pieces" in told
    assert "1 duplicate" in told
    assert "notes.mid: unreadable" in told
    assert "phrases to learn from are few" in told
    assert rig.form.start.isEnabled()
    record = rig.tab.plan.record()
    assert (record.config.corpus, record.data) == ("midi_folder", str(own_folder))
    assert record.name.startswith("Brushes")


def test_a_folder_without_music_cannot_be_started(rig: Rig, tmp_path: Path) -> None:
    rig.form.take_folder(tmp_path)
    rig.wait(lambda: "hold no MIDI files" in rig.form.preview.text())
    assert not rig.form.start.isEnabled()


def test_a_value_that_is_none_is_told_and_nothing_can_be_started(rig: Rig) -> None:
    rig.form.settings.set_value("optimiser", "steps", "many")
    rig.form.settings.changed.emit()
    assert "'many' is no value for optimiser.steps" in rig.form.estimate.text()
    assert not rig.form.start.isEnabled()
    rig.form.settings.set_value("optimiser", "steps", "200")
    rig.form.settings.changed.emit()
    assert rig.form.start.isEnabled()
    assert rig.tab.plan.record().config.optimiser.steps == 200


def test_fine_tuning_takes_the_bundles_shape(rig: Rig, own_folder: Path) -> None:
    rig.drop(own_folder)
    rig.form.bundle.setCurrentIndex(1)
    rig.form.bundle.activated.emit(1)
    rig.wait(lambda: rig.tab.plan.is_ready)
    record = rig.tab.plan.record()
    assert record.bundle is not None
    bundle = Bundle.open(Path(record.bundle))
    assert record.config.fine_tuned_from == bundle.sha256
    assert record.config.model == ModelConfig.from_dict(bundle.model_config)
    assert not rig.form.preset.isEnabled()


def test_estimates_starts_pauses_resumes_and_stops(rig: Rig, own_folder: Path) -> None:
    rig.drop(own_folder)
    rig.make_small(ENDLESS)
    rig.form.measure.click()
    rig.wait(lambda: "of memory" in rig.form.estimate.text())
    run = rig.start()
    rig.wait_for(run, "running", step=20)
    rig.wait(lambda: rig.tab.view.plots.points()["KL"] > 0)
    assert not rig.head.bundle.isEnabled()

    rig.head.pause.click()
    rig.wait_for(run, "paused")
    rig.wait(rig.head.resume.isVisible)
    assert not rig.head.pause.isVisible()
    before = rig.tab.runs.runs[run].state.step
    rig.head.resume.click()
    rig.wait_for(run, "running", step=before + 1)
    rig.wait(rig.head.stop.isVisible)
    rig.head.stop.click()
    rig.wait_for(run, "stopped")
    rig.wait(rig.head.bundle.isEnabled)


def test_a_run_survives_the_window_and_is_found_again(
    open_rig: Callable[[], Rig], own_folder: Path
) -> None:
    first = open_rig()
    first.drop(own_folder)
    first.make_small(ENDLESS)
    run = first.start()
    first.wait_for(run, "running", step=10)
    assert first.tab.view.table.chosen_runs() == [run]
    step = first.tab.runs.runs[run].state.step
    first.tab.close()
    first.hide()

    second = open_rig()
    second.wait_for(run, "running", step=step + 1)
    second.wait(lambda: second.tab.view.plots.points()["KL"] > 0)
    assert second.head.stop.isVisible()
    second.head.stop.click()
    second.wait_for(run, "stopped")


def test_runs_are_compared_named_cloned_and_deleted(rig: Rig, two_runs: list[Path]) -> None:
    table = rig.tab.view.table
    rig.wait(lambda: table.table.rowCount() == 2)
    table.choose(set(two_runs))
    rig.wait(lambda: rig.tab.view.plots.points()["KL"] == 8)
    assert len(table.chosen_runs()) == 2
    table.choose([two_runs[1]])
    rig.wait(lambda: rig.tab.view.plots.points()["KL"] == 4)
    table.choose([two_runs[0]])

    paths = [Path(table.table.item(row, 0).data(Qt.ItemDataRole.UserRole)) for row in range(2)]
    row = paths.index(two_runs[0])
    table.table.item(row, 0).setText("Brushes, slow")
    table.table.item(row, 7).setText("ballad, mine")
    record = read_record(two_runs[0])
    assert (record.name, record.tags) == ("Brushes, slow", ("ballad", "mine"))
    rig.wait(lambda: rig.tab.runs.runs[two_runs[0]].record == record)

    rig.form.settings.set_value("optimiser", "steps", "77")
    table.buttons["clone"].click()
    rig.wait(lambda: rig.tab.plan.is_ready)
    assert rig.tab.plan.record().config.optimiser == record.config.optimiser
    assert rig.form.name.text() == "Brushes, slow again"

    table.buttons["delete"].click()
    assert [run.folder for run in list_runs()] == [two_runs[1]]
    rig.notices.buttons("run deleted")[0].click()
    assert len(list_runs()) == 2


def test_a_finished_run_becomes_a_bundle_that_is_opened(rig: Rig, two_runs: list[Path]) -> None:
    rig.wait(lambda: rig.tab.view.table.table.rowCount() == 2)
    rig.tab.view.table.choose({two_runs[1]})
    rig.wait(rig.head.bundle.isEnabled)
    rig.head.bundle.click()
    assert not rig.head.bundle.isEnabled()
    rig.wait(lambda: bool(rig.opened))
    assert Bundle.open(rig.opened[0]).bars == 2


def test_a_run_that_fails_says_why(rig: Rig, own_folder: Path) -> None:
    rig.drop(own_folder)
    rig.make_small(500)
    rig.form.settings.set_value("optimiser", "learning_rate", "1e30")
    rig.form.settings.changed.emit()
    run = rig.start()
    rig.wait_for(run, "failed")
    rig.wait(lambda: "smaller learning rate" in rig.head.words.text())
    assert "smaller learning rate" in rig.notices.shown["run"]
    assert rig.head.resume.isVisible()
