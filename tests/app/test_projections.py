"""The map's three projections in the real window; UMAP is fitted in its real process."""

from __future__ import annotations

import importlib.util
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from app.application import Application
from app.state.session import ProjectionName
from app.state.settings import load_settings
from app.umap_fit import UmapFit
from fmvae_core.geometry.projection import AttributeAxes
from fmvae_core.models.bundle import Bundle
from fmvae_core.projection.umap_file import UmapPlaces, read_umap, umap_file, write_umap
from tests.app.conftest import PATIENCE, Start

FIT_PATIENCE = 100_000


def places(bundle: Bundle) -> UmapPlaces:
    """Return made-up places, so that not every test has to fit."""
    rng = np.random.default_rng(3)
    return UmapPlaces(rng.normal(size=(len(bundle.landmarks), 3)).astype(np.float32), 200)


def scene(flatjam: Application) -> Any:
    latent_map = flatjam.window.explore.map
    assert latent_map is not None
    assert latent_map.canvas is not None
    return latent_map.canvas.scene


def checked(flatjam: Application) -> list[str]:
    """Return the buttons of the switch that are on."""
    return [
        button.text()
        for button in flatjam.window.explore.map_bar.findChildren(QToolButton)
        if button.isChecked()
    ]


def is_fitting(umap: UmapFit) -> bool:
    return umap.is_fitting


def landmarks_at(flatjam: Application) -> np.ndarray:
    return np.asarray(scene(flatjam).points)


def is_straight(line: np.ndarray) -> bool:
    way = line - line[0]
    whole = way[-1] / np.linalg.norm(way[-1])
    return bool(np.abs(way - np.outer(way @ whole, whole)).max() < 1e-3)


@pytest.fixture
def quick(start: Start, audio_file: Path) -> Application:
    """The window, without waiting for the networks."""
    return start(ready=False)


def test_attributes_are_axes_that_can_be_read(
    quick: Application, bundle: Bundle, qtbot: QtBot
) -> None:
    bar, session = quick.window.explore.map_bar, quick.session
    assert checked(quick) == ["PCA"]
    assert scene(quick).axis_labels[0].startswith("PC1")
    assert "% shown" in bar.switch.note.text()
    entries = session.undo.count()

    quick.window.activateWindow()
    qtbot.waitUntil(quick.window.isActiveWindow, timeout=PATIENCE)
    qtbot.keyClick(quick.window, Qt.Key.Key_F7)
    axes = AttributeAxes.fit(bundle.landmarks.z, bundle.attribute_vectors)
    np.testing.assert_allclose(landmarks_at(quick), axes.project(bundle.landmarks.z), atol=1e-5)
    assert checked(quick) == ["Attributes"]
    assert scene(quick).axis_labels == ("busier", "harder", "later")
    assert scene(quick).directed == (True, True, True)
    assert "busier, harder and later" in bar.switch.note.toolTip()
    # A, B, the line and the moving point have moved with them; a straight line stays straight.
    a, b = session.state.a, session.state.b
    assert a is not None
    assert b is not None
    session.edit("Move", position=0.25)
    line = scene(quick).line
    np.testing.assert_allclose(line, axes.project([a.z, b.z]), atol=1e-5)
    np.testing.assert_allclose(scene(quick).moving, 0.75 * line[0] + 0.25 * line[1], atol=1e-5)
    # How the map looks is no change of the work.
    assert session.undo.count() == entries + 1
    qtbot.keyClick(quick.window, Qt.Key.Key_F6)
    assert checked(quick) == ["PCA"]
    np.testing.assert_allclose(landmarks_at(quick), bundle.pca.project(bundle.landmarks.z))


def test_a_melody_has_two_named_axes(start: Start, melody_bundle: Bundle, audio_file: Path) -> None:
    flatjam = start(melody_bundle.path, ready=False)
    flatjam.projection.choose("attributes")
    assert scene(flatjam).axis_labels == ("busier", "higher", "other differences")
    assert scene(flatjam).directed == (True, True, False)


def test_umap_is_fitted_once_shown_and_kept(
    quick: Application, bundle: Bundle, qtbot: QtBot
) -> None:
    bar, projection, umap = quick.window.explore.map_bar, quick.projection, quick.umap
    button = next(b for b in bar.findChildren(QToolButton) if b.text() == "UMAP")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert is_fitting(umap)
    assert umap.client.pid is not None
    # Until it is there the map is what it was, and says so.
    assert checked(quick) == ["PCA"]
    assert bar.fitting.isVisible()
    told: list[str] = []
    umap.client.progressed.connect(lambda event: told.append(bar.fitting.text.text()))
    qtbot.waitUntil(lambda: quick.session.view.projection == "umap", timeout=FIT_PATIENCE)
    assert any("neighbours" in text for text in told)
    assert any("Epoch" in text for text in told)
    assert not bar.fitting.isVisible()
    assert bar.hint.isVisible()
    assert not is_fitting(umap)
    assert checked(quick) == ["UMAP"]
    fitted = read_umap(bundle)
    assert fitted is not None
    np.testing.assert_array_equal(landmarks_at(quick), fitted.places)

    # The way from A to B is the curve of its points; its ends are the landmarks' own places.
    a, b = quick.session.state.a, quick.session.state.b
    assert a is not None
    assert b is not None
    assert a.landmark is not None
    assert b.landmark is not None
    line = scene(quick).line
    assert not is_straight(line)
    np.testing.assert_allclose(line[0], fitted.places[a.landmark], atol=1e-4)
    np.testing.assert_allclose(line[-1], fitted.places[b.landmark], atol=1e-4)
    quick.session.edit("Move", position=0.5)
    np.testing.assert_allclose(scene(quick).moving, line[len(line) // 2], atol=1e-5)
    assert "curve" in bar.switch.note.toolTip()

    # The second time it is there at once.
    projection.choose("pca")
    projection.choose("umap")
    assert not is_fitting(umap)
    assert checked(quick) == ["UMAP"]


def test_a_fit_can_be_cancelled_at_once(quick: Application, bundle: Bundle, qtbot: QtBot) -> None:
    bar, projection, umap = quick.window.explore.map_bar, quick.projection, quick.umap
    projection.choose("attributes")
    projection.choose("umap")
    pid = umap.client.pid
    assert pid is not None
    assert quick.window.actions_table["view.cancel_umap"].isEnabled()
    stop = next(
        b
        for b in bar.findChildren(QToolButton)
        if b.defaultAction() is quick.window.actions_table["view.cancel_umap"]
    )
    qtbot.mouseClick(stop, Qt.MouseButton.LeftButton)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not is_fitting(umap)
    assert not bar.fitting.isVisible()
    assert checked(quick) == ["Attributes"]
    assert read_umap(bundle) is None
    assert not quick.window.notices.shown
    assert not quick.window.actions_table["view.cancel_umap"].isEnabled()


def test_who_looks_elsewhere_meanwhile_is_not_taken_back(
    quick: Application, bundle: Bundle
) -> None:
    projection, umap = quick.projection, quick.umap
    projection.choose("umap")
    projection.choose("attributes")
    assert is_fitting(umap)
    write_umap(bundle, places(bundle))
    umap.client.cancel()
    umap.client.fitted.emit()  # as the process would say
    assert checked(quick) == ["Attributes"]
    projection.choose("umap")
    assert checked(quick) == ["UMAP"]


def test_a_fit_that_dies_says_so_and_can_be_tried_again(
    quick: Application, bundle: Bundle, qtbot: QtBot
) -> None:
    notices, projection, umap = quick.window.notices, quick.projection, quick.umap
    projection.choose("umap")
    assert umap.client.pid is not None
    os.kill(umap.client.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: "umap" in notices.shown, timeout=PATIENCE)
    assert "signal 9" in notices.shown["umap"]
    assert "projection.log" in notices.shown["umap"]
    assert checked(quick) == ["PCA"]
    assert not is_fitting(umap)
    projection.choose("umap")
    assert is_fitting(umap)
    assert "umap" not in notices.shown
    umap.cancel()


def test_another_bundle_gives_up_the_fit(quick: Application, melody_bundle: Bundle) -> None:
    quick.projection.choose("umap")
    quick.open_bundle(melody_bundle.path)
    assert not is_fitting(quick.umap)
    assert checked(quick) == ["PCA"]


@pytest.mark.parametrize("name", ["attributes", "umap"])
def test_each_bundle_remembers_its_projection(
    name: ProjectionName,
    start: Start,
    bundle: Bundle,
    melody_bundle: Bundle,
    audio_file: Path,
) -> None:
    write_umap(bundle, places(bundle))
    first = start(ready=False)
    first.projection.choose(name)
    first.open_bundle(melody_bundle.path)
    assert first.session.view.projection == "pca"
    first.open_bundle(bundle.path)
    assert first.session.view.projection == name
    first.save()
    assert load_settings()[0].projections[bundle.sha256] == name
    second = start(ready=False)
    assert second.session.view.projection == name
    np.testing.assert_allclose(landmarks_at(second), landmarks_at(first), atol=1e-6)


def test_a_remembered_umap_that_is_gone_or_broken_is_fitted_only_when_asked_for(
    start: Start, bundle: Bundle, audio_file: Path
) -> None:
    write_umap(bundle, places(bundle))
    first = start(ready=False)
    first.projection.choose("umap")
    first.save()
    umap_file(bundle.sha256).write_bytes(b"broken")
    second = start(ready=False)
    assert checked(second) == ["PCA"]
    assert not is_fitting(second.umap)
    second.projection.choose("umap")
    assert is_fitting(second.umap)
    second.umap.cancel()


def test_without_the_library_the_switch_says_what_to_do(
    start: Start, bundle: Bundle, audio_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "umap" else find(name)
    )
    flatjam = start(ready=False)
    action = flatjam.window.actions_table["view.umap"]
    assert not action.isEnabled()
    assert "pip install umap-learn" in action.toolTip()
    # What was fitted before needs no library.
    write_umap(bundle, places(bundle))
    again = start(ready=False)
    assert again.window.actions_table["view.umap"].isEnabled()
