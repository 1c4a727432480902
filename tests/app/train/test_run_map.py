"""The map of a run as it forms, in a real window."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fmvae_core.runs.snapshots import read_snapshot, snapshot_steps, write_snapshot
from tests.app.train.conftest import Rig
from tests.app.train.test_train_tab import ENDLESS


def test_the_map_of_a_finished_run_is_run_through(rig: Rig, two_runs: list[Path]) -> None:
    rig.wait(lambda: rig.tab.view.table.table.rowCount() == 2)
    rig.tab.view.table.choose({two_runs[0]})
    assert rig.tab.view.map is None
    rig.tab.view.pages.buttons["map"].click()
    page, presenter = rig.tab.view.map, rig.tab.map
    assert page is not None
    rig.wait(lambda: page.slider.isEnabled())
    steps = snapshot_steps(two_runs[0])
    assert page.slider.maximum() == len(steps) - 1
    assert page.slider.value() == len(steps) - 1  # the newest
    assert page.step.text().startswith(f"Step {steps[-1]:,}")
    assert page.map.total_count > 4
    newest = page.map._landmarks.points.copy()

    page.slider.setValue(0)
    assert page.step.text().startswith("Step 0")
    first = page.map._landmarks.points.copy()
    assert not np.allclose(first, newest)

    colours = page.map._landmarks.colours.copy()
    page.colour_by.setCurrentIndex(page.colour_by.findData("style"))
    page.colour_by.activated.emit(page.colour_by.currentIndex())
    assert not np.allclose(page.map._landmarks.colours, colours)
    np.testing.assert_array_equal(page.map._landmarks.points, first)

    page.play.click()
    assert presenter.is_playing
    assert page.play.text() == "Stop"
    rig.wait(lambda: not presenter.is_playing)
    np.testing.assert_array_equal(page.map._landmarks.points, newest)
    assert page.slider.value() == len(steps) - 1
    assert page.play.text() == "Play"

    page.play.click()  # from the beginning again
    rig.wait(lambda: presenter.position > 0)
    page.slider.sliderPressed.emit()  # a hand on the slider stops it
    assert not presenter.is_playing

    rig.tab.view.table.choose({two_runs[1]})
    rig.wait(lambda: page.slider.value() == len(steps) - 1)


def test_a_run_that_has_just_begun_has_its_first_map(rig: Rig, own_folder: Path) -> None:
    rig.tab.view.show_page("map")
    page = rig.tab.view.map
    assert page is not None
    rig.drop(own_folder)
    rig.make_small(ENDLESS)
    run = rig.start()
    rig.wait_for(run, "running")
    rig.wait(lambda: page.step.text().startswith("Step 0"))
    assert page.map.total_count > 100


def test_snapshots_appear_as_they_come(rig: Rig, two_runs: list[Path]) -> None:
    rig.wait(lambda: rig.tab.view.table.table.rowCount() == 2)
    rig.tab.view.table.choose({two_runs[0]})
    rig.tab.view.show_page("map")
    page = rig.tab.view.map
    assert page is not None
    rig.wait(lambda: page.slider.maximum() == 1)
    last = read_snapshot(two_runs[0], 40)
    assert last is not None
    write_snapshot(two_runs[0], 50, 1.5 * last)
    rig.wait(lambda: page.slider.maximum() == 2)
    assert page.slider.value() == 2  # it follows
    assert page.step.text().startswith("Step 50")
    page.slider.setValue(0)
    write_snapshot(two_runs[0], 60, 2.0 * last)
    rig.wait(lambda: page.slider.maximum() == 3)
    assert page.slider.value() == 0  # who looks back is left there


def test_a_run_without_snapshots_says_so(rig: Rig, two_runs: list[Path]) -> None:
    for file in (two_runs[0] / "space").iterdir():
        file.unlink()
    rig.wait(lambda: rig.tab.view.table.table.rowCount() == 2)
    rig.tab.view.table.choose({two_runs[0]})
    rig.tab.view.show_page("map")
    page = rig.tab.view.map
    assert page is not None
    assert "first steps" in page._empty.text()
    assert not page.slider.isEnabled()
