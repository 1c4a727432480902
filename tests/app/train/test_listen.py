"""Listening to a run: its checkpoint is decoded by a real process, and heard through the engine."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.application import Application
from app.services.engine_client import AUDITION
from fmvae_core.live.messages import Position
from fmvae_core.music.drum_representation import HITS
from fmvae_core.runs.files import CHECKPOINT_FILE
from fmvae_core.runs.store import runs_dir
from tests.app.conftest import PATIENCE
from tests.app.train.conftest import Rig


def listening(rig: Rig, run: Path):
    """Open the page on a run; return its presenter."""
    rig.wait(lambda: run in rig.tab.runs.runs)
    rig.tab.view.table.choose({run})
    rig.tab.view.pages.buttons["listen"].click()
    assert rig.tab.listen is not None
    return rig.tab.listen


def test_a_finished_run_is_decoded_and_shown(rig: Rig, two_runs: list[Path]) -> None:
    listen = listening(rig, two_runs[0])
    page = rig.tab.view.listen
    assert page is not None
    assert not page.play.isEnabled()
    page.decode.click()
    rig.wait(lambda: page.words.text().startswith("Step 40"))
    heard = listen._heard
    assert heard is not None
    assert heard.is_unseen
    assert heard.names[0].startswith("take ")
    assert heard.names[0] != heard.names[1]
    hits = np.asarray(heard.played)[..., HITS]
    assert set(np.unique(hits)) <= {0.0, 1.0}
    assert 0.0 < np.asarray(heard.modelled)[..., HITS].max() < 1.0

    assert [part.name for part in listen._parts] == ["as played", "the model's"]
    assert page.title.text() == f"{heard.names[0]}, as played"
    assert page.drums._hits
    # As played needs no threshold of the model's.
    assert len(page.drums._hits) == int(hits[0].sum())
    rig.qtbot.mouseClick(
        page.strip,
        Qt.MouseButton.LeftButton,
        pos=page.strip.rect_of(1).center().toPoint(),
    )
    assert page.title.text().endswith("the model's")
    rig.qtbot.keyClick(page.strip, Qt.Key.Key_Left)
    assert page.title.text().endswith("as played")

    page.modes.buttons["way"].click()
    assert page.steps.isVisible()
    assert [part.name for part in listen._parts][::7] == ["0 %", "100 %"]
    np.testing.assert_allclose(listen._parts[0].frames, np.asarray(heard.modelled[0]), atol=2e-3)
    np.testing.assert_allclose(listen._parts[-1].frames, np.asarray(heard.modelled[1]), atol=2e-3)
    phrase = listen._joined()
    assert phrase.bars == 8 * heard.bars

    page.steps.setValue(5)
    rig.wait(lambda: len(listen._parts) == 5)
    page.others.click()
    rig.wait(lambda: listen._heard is not None and listen._heard.names != heard.names)
    assert page.play.toolTip().startswith("The sound engine is not there")


def test_what_cannot_be_decoded_is_told_and_another_run_is_not_mixed_up(
    rig: Rig, two_runs: list[Path]
) -> None:
    (two_runs[1] / CHECKPOINT_FILE).unlink()
    listen = listening(rig, two_runs[1])
    page = rig.tab.view.listen
    assert page is not None
    page.decode.click()
    rig.wait(lambda: "no checkpoint yet" in page.words.text())
    assert listen._heard is None

    rig.tab.view.table.choose({two_runs[0]})
    assert page.words.text() == ""
    page.decode.click()
    rig.wait(lambda: listen._heard is not None)
    page.decode.click()
    assert listen.is_busy
    rig.tab.view.table.choose({two_runs[1]})
    assert not listen.is_busy
    assert listen._heard is None


def test_it_is_heard_through_the_engine(flatjam: Application, qtbot: QtBot, finished: Path) -> None:
    run = Path(shutil.copytree(finished, runs_dir() / "first"))
    places: list[Position] = []
    flatjam.engine.position.connect(places.append)
    flatjam.tabs.show("train")
    tab = flatjam.tabs.train
    assert tab is not None
    qtbot.waitUntil(lambda: run in tab.runs.runs, timeout=PATIENCE)
    tab.view.pages.buttons["listen"].click()
    page, listen = tab.view.listen, tab.listen
    assert page is not None
    assert listen is not None
    page.decode.click()
    qtbot.waitUntil(page.play.isEnabled, timeout=PATIENCE)
    page.play.click()
    assert page.play.text() == "Stop"
    beats = 2 * 4

    def sounds(part: str, mode: str = AUDITION) -> bool:
        return bool(places) and places[-1].source == mode and page.title.text().endswith(part)

    # The original, then the model's, over and over.
    qtbot.waitUntil(lambda: sounds("as played"), timeout=PATIENCE)
    assert places[-1].beats == 2 * beats
    qtbot.waitUntil(lambda: sounds("the model's"), timeout=PATIENCE)
    assert places[-1].beat >= beats - 1.0
    assert page.view._playhead is not None

    page.modes.buttons["way"].click()
    qtbot.waitUntil(lambda: places[-1].beats == 8 * beats, timeout=PATIENCE)
    page.play.click()
    qtbot.waitUntil(lambda: not flatjam.engine.state.playing, timeout=PATIENCE)
    assert page.play.text() == "Play"
    assert page.view._playhead is None

    # Leaving the tab ends it, and what Explore plays is what it played before.
    page.play.click()
    qtbot.waitUntil(lambda: flatjam.engine.state.playing, timeout=PATIENCE)
    flatjam.tabs.show("explore")
    assert not listen.is_playing
    qtbot.waitUntil(lambda: not flatjam.engine.state.playing, timeout=PATIENCE)
    phrase = flatjam.explore.phrase
    assert phrase is not None
    flatjam.transport.toggle()
    places.clear()
    qtbot.waitUntil(lambda: bool(places), timeout=PATIENCE)
    assert places[-1].beats == phrase.beats
    flatjam.transport.toggle()

    # A jam has the sound.
    flatjam.tabs.show("train")
    flatjam.engine.jam.start(seed=1)
    qtbot.waitUntil(lambda: not page.play.isEnabled(), timeout=PATIENCE)
    assert "jam" in page.play.toolTip()
    flatjam.engine.jam.stop()
    qtbot.waitUntil(page.play.isEnabled, timeout=PATIENCE)
