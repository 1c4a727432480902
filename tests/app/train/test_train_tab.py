"""The Train tab with real corpora, processes and runs."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent

from app.train import runs_presenter
from fmvae_core.files import alone_in, resource
from fmvae_core.models.bundle import Bundle
from fmvae_core.models.config import ModelConfig
from fmvae_core.runs.record import RunRecord, RunState, read_record, write_state
from fmvae_core.runs.store import list_runs
from fmvae_core.training.config import HoldOut, load_preset
from fmvae_core.training.fine_tune import fine_tuning
from tests.app.train.conftest import Rig

ENDLESS = 1_000_000


def test_torch_is_not_loaded_and_the_paper_s_values_stand_beside(rig: Rig) -> None:
    assert rig.tab.plan.record().config.size == "small"
    assert rig.form.settings._papers["optimiser", "batch_size"].text() == "512"
    assert rig.form.start.isEnabled()  # Groove would be fetched at the start
    assert "torch" not in sys.modules or "pytest" in sys.modules


def test_each_setting_is_explained_and_has_the_paper_s_value(rig: Rig) -> None:
    settings = rig.form.settings
    for key, box in settings._boxes.items():
        about = box.toolTip().partition("\n")[2]
        assert len(about) > 10, key
        assert "docs/training.md" not in about, key
        assert settings._papers[key].text() or not box.text(), key
    assert "alpha0" in settings._boxes["flatness", "alpha0"].toolTip()
    assert "beyond its two points" in settings._boxes["flatness", "alpha0"].toolTip()
    rig.form.bundle.setCurrentIndex(1)
    rig.form.bundle.activated.emit(1)
    assert rig.tab.plan.record().bundle is not None
    assert settings._papers["optimiser", "batch_size"].text() == "512"


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
def test_a_gpu_that_cannot_be_used_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_rig: Callable[[], Rig]
) -> None:
    if torch.cuda.is_available():
        pytest.skip("this torch can use the GPU")
    tool = tmp_path / "nvidia-smi"
    tool.write_text('#!/bin/sh\necho "NVIDIA RTX 3060, 10240, 12288"\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    rig = open_rig()
    rig.wait(lambda: "NVIDIA RTX 3060, 10.0 of 12.0 GB free" in rig.form.hardware.text())
    assert "make setup TORCH=cuda" in rig.form.hardware.text()
    assert rig.form.start.isEnabled()  # on the CPU
    rig.form.choose(device="cuda")
    rig.form.chosen.emit()
    assert not rig.form.start.isEnabled()
    assert "make setup TORCH=cuda" in rig.form.start.toolTip()
    rig.form.choose(device="cpu")
    rig.form.chosen.emit()
    assert rig.form.start.isEnabled()


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


def test_what_is_wrong_stays_told_until_it_is_put_right(rig: Rig, own_folder: Path) -> None:
    rig.form.settings.set_value("optimiser", "steps", "many")
    rig.form.take_folder(own_folder)
    rig.wait(lambda: "14 pieces" in rig.form.preview.text())
    assert not rig.form.start.isEnabled()
    assert "'many' is no value" in rig.form.estimate.text()
    rig.form.settings.set_value("optimiser", "steps", "200")
    rig.form.settings.changed.emit()
    assert rig.form.start.isEnabled()


def test_a_folder_is_looked_at_again_once_there_is_music(
    rig: Rig, own_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    rig.form.take_folder(folder)
    rig.wait(lambda: "hold no MIDI files" in rig.form.preview.text())
    shutil.copytree(own_folder, folder, dirs_exist_ok=True)
    rig.drop(folder)
    assert rig.form.start.isEnabled()
    shutil.rmtree(folder)
    folder.mkdir()
    rig.form.take_folder(folder)
    rig.wait(lambda: "hold no MIDI files" in rig.form.preview.text())


def test_settings_of_a_fine_tuning_begin_with_its_bundle(rig: Rig, tmp_path: Path) -> None:
    bundle = Bundle.open(resource("models", "drums-2bar"))
    copy = tmp_path / "copy"  # among no models that the window knows
    shutil.copytree(bundle.path, copy)
    record = RunRecord("tuned", fine_tuning(bundle, "groove"), bundle=str(copy))
    rig.tab.plan.use(record)
    assert rig.tab.plan.record().bundle == str(copy)
    assert rig.form.start.isEnabled()

    shutil.rmtree(copy)
    rig.tab.plan.use(record)
    assert not rig.form.start.isEnabled()
    assert "is not there" in rig.form.estimate.text()
    rig.form.chosen.emit()
    assert rig.form.start.isEnabled()

    config = dataclasses.replace(load_preset("drums-2bar"), corpus="elsewhere")
    rig.tab.plan.use(RunRecord("other", config))
    assert not rig.form.start.isEnabled()
    assert "'elsewhere'" in rig.form.estimate.text()


def test_settings_of_a_run_keep_its_model_seed_and_what_it_held_out(rig: Rig) -> None:
    config = load_preset(
        "drums-2bar",
        "study",
        {"optimiser": {"steps": 77}},
        variant="music-vae",
        seed=3,
        hold_out=HoldOut("density", 0.1),
    )
    rig.tab.plan.use(RunRecord("baseline", config))
    assert rig.form.variant.currentText() == "MusicVAE"
    assert rig.tab.plan.record().config == config
    assert "Seed 3" in rig.form.kept.text()
    assert "middle 10 % of all phrases by density" in rig.form.kept.text()

    rig.form.variant.setCurrentIndex(0)
    rig.form.variant.activated.emit(0)
    record = rig.tab.plan.record()
    assert record.config == load_preset("drums-2bar", "study")
    assert rig.form.kept.isHidden()

    gone = dataclasses.replace(config, variant="lost")
    rig.tab.plan.use(RunRecord("other", gone))
    assert not rig.form.start.isEnabled()
    assert "'lost'" in rig.form.estimate.text()


def test_fine_tuning_takes_the_bundles_shape(rig: Rig, own_folder: Path) -> None:
    rig.drop(own_folder)
    index = rig.form.bundle.findData(str(resource("models", "drums-2bar").resolve()))
    rig.form.bundle.setCurrentIndex(index)
    rig.form.bundle.activated.emit(index)
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


def test_runs_are_compared_named_cloned_and_deleted(
    rig: Rig, two_runs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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

    (tmp_path / "share").mkdir()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    with alone_in(two_runs[0]):
        rig.tab.runs._delete()
    assert "stop it first" in rig.notices.shown["run"]
    table.buttons["delete"].click()
    assert [run.folder for run in list_runs()] == [two_runs[1]]
    assert "in the trash" in rig.notices.shown["run deleted"]
    assert [path.parent.name for path in (tmp_path / "share").rglob("run.json")] == ["first"]


def test_a_finished_run_becomes_a_bundle_that_is_opened(rig: Rig, two_runs: list[Path]) -> None:
    rig.wait(lambda: rig.tab.view.table.table.rowCount() == 2)
    rig.tab.view.table.choose({two_runs[1]})
    rig.wait(rig.head.bundle.isEnabled)
    rig.head.bundle.click()
    assert not rig.head.bundle.isEnabled()
    rig.wait(lambda: bool(rig.opened))
    assert Bundle.open(rig.opened[0]).bars == 2


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the desktop is asked to open."""
    addresses: list[str] = []
    monkeypatch.setattr(
        runs_presenter.QDesktopServices, "openUrl", lambda url: addresses.append(url.toString())
    )
    return addresses


def test_chosen_runs_are_opened_in_tensorboard_on_this_machine_only(
    rig: Rig, two_runs: list[Path], opened: list[str]
) -> None:
    rig.wait(lambda: rig.tab.view.table.table.rowCount() == 2)
    rig.tab.view.table.choose(set(two_runs))
    rig.tab.view.table.buttons["board"].click()
    assert "being started" in rig.notices.shown["board"]
    rig.wait(lambda: bool(opened))
    (address,) = opened
    assert address.startswith("http://127.0.0.1:")
    assert address in rig.notices.shown["board"]
    with urllib.request.urlopen(f"{address}data/runs", timeout=60) as answer:
        assert {name.partition("/")[0] for name in json.load(answer)} == {"first", "second"}
    rig.tab.close()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(address, timeout=60)


def test_the_folder_of_a_run_is_opened(rig: Rig, two_runs: list[Path], opened: list[str]) -> None:
    rig.wait(lambda: rig.tab.view.table.table.rowCount() == 2)
    rig.tab.view.table.choose({two_runs[1]})
    rig.tab.view.table.buttons["open"].click()
    assert opened == [QUrl.fromLocalFile(str(two_runs[1])).toString()]


def test_without_tensorboard_or_a_log_the_window_says_what_to_do(
    rig: Rig, two_runs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.wait(lambda: rig.tab.view.table.table.rowCount() == 2)
    rig.tab.view.table.choose({two_runs[0]})
    shutil.rmtree(two_runs[0] / "tensorboard")
    rig.tab.view.table.buttons["board"].click()
    assert "nothing logged yet" in rig.notices.shown["run"]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    rig.tab.view.table.buttons["board"].click()
    assert "pip install tensorboard" in rig.notices.shown["run"]


def test_a_run_that_fails_says_why(rig: Rig, own_folder: Path) -> None:
    rig.drop(own_folder)
    rig.make_small(500)
    rig.form.settings.set_value("optimiser", "learning_rate", "1e30")
    rig.form.settings.changed.emit()
    run = rig.start()
    rig.wait_for(run, "failed")
    rig.wait(lambda: "smaller learning rate" in rig.head.words.text())
    assert "run" not in rig.notices.shown  # once is enough
    assert rig.head.resume.isVisible()


def test_a_run_that_ends_unseen_is_told_in_a_banner(rig: Rig, two_runs: list[Path]) -> None:
    rig.wait(lambda: rig.tab.view.table.table.rowCount() == 2)
    rig.tab.view.table.choose({two_runs[1]})
    with alone_in(two_runs[0]):
        write_state(two_runs[0], RunState(state="running", step=7, steps=40))
        rig.wait_for(two_runs[0], "running")
    write_state(two_runs[0], RunState(state="failed", step=7, steps=40, reason="No more room."))
    rig.wait(lambda: "No more room." in rig.notices.shown.get("run", ""))


def test_what_the_disk_does_not_take_is_told(
    rig: Rig, two_runs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.wait(lambda: rig.tab.view.table.table.rowCount() == 2)

    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(runs_presenter, "write_order", full)
    rig.head.stop_asked.emit()
    assert "cannot be told to stop: no space left" in rig.notices.shown["run"]
    (two_runs[0] / "run.json").unlink()
    rig.tab.view.table.renamed.emit(two_runs[0], "Brushes, slow")
    assert "no run that can be read" in rig.notices.shown["run"]
    rig.tab.view.table.tagged.emit(two_runs[0], "mine")
    assert "no run that can be read" in rig.notices.shown["run"]
