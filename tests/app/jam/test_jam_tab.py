"""A jam in the real window, with the real engine and the real model worker."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt, QTimer
from pytestqt.qtbot import QtBot

from app.application import Application
from app.jam.jam_tab import JamTab
from app.state.settings import load_settings
from app.widgets.piano_roll import PianoRoll
from fmvae_core.jam.journal import read_journal, takes_dir
from fmvae_core.jam.records import Played
from fmvae_core.jam.rules import How, Mode
from fmvae_core.live.jam_messages import HumanHit, HumanKey, MachinePhrase
from fmvae_core.models.bundle import Bundle
from fmvae_core.music.phrase import BEATS_PER_BAR
from fmvae_core.projection.umap_file import read_umap, write_umap
from tests.app.conftest import PATIENCE, Start
from tests.app.jam.conftest import show
from tests.app.test_projections import places

READY = "READY"


@pytest.fixture
def tab(flatjam: Application, qtbot: QtBot) -> JamTab:
    """The Jam tab, once the machine is ready."""
    return show(flatjam, qtbot)


@contextmanager
def playing(flatjam: Application, qtbot: QtBot) -> Iterator[None]:
    """Keep pressing the keys of bass drum and snare, as somebody at the computer would."""
    keys = [Qt.Key.Key_A, Qt.Key.Key_S]
    timer = QTimer()
    timer.timeout.connect(lambda: qtbot.keyClick(flatjam.window, keys[0]))
    timer.timeout.connect(lambda: keys.reverse())
    timer.start(150)
    try:
        yield
    finally:
        timer.stop()


def test_anybody_can_jam_with_the_computers_keys(
    flatjam: Application, tab: JamTab, qtbot: QtBot
) -> None:
    jam, view = flatjam.engine.jam, tab.view
    actions = flatjam.window.actions_table
    assert not actions["jam.keep"].isEnabled()
    hits: list[HumanHit] = []
    answers: list[MachinePhrase] = []
    jam.human_hit.connect(hits.append)
    jam.machine_phrase.connect(answers.append)
    flatjam.session.edit("Set the tempo", tempo=160.0)

    qtbot.keyClick(flatjam.window, Qt.Key.Key_Space)
    with playing(flatjam, qtbot):
        qtbot.waitUntil(lambda: view.banner.word == "YOU PLAY", timeout=PATIENCE)
        qtbot.waitUntil(lambda: view.banner.word == "MACHINE", timeout=PATIENCE)
        qtbot.waitUntil(lambda: any(answer.z_human for answer in answers), timeout=PATIENCE)
        assert jam.state is not None
        assert jam.state.tempo == 160.0
        qtbot.waitUntil(
            lambda: "after 2 exchanges" in view.distance.accessibleDescription(), timeout=PATIENCE
        )
    assert {hit.drum for hit in hits} == {0, 1}
    assert any(hit.turn == 0 for hit in hits)
    assert "hits changed" in view.machine.note.text()
    assert not view.machine.grid.accessibleDescription().endswith(" 0 hits")
    assert "Answers: " in view.hint.text()

    assert actions["jam.keep"].isEnabled()
    with qtbot.waitSignal(jam.kept, timeout=PATIENCE):
        qtbot.keyClick(flatjam.window, Qt.Key.Key_F9)
    qtbot.keyClick(flatjam.window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: view.banner.word == READY, timeout=PATIENCE)
    (take,) = takes_dir().iterdir()
    assert take.stem in view.hint.text()
    played = [record for record in read_journal(take).records if isinstance(record, Played)]
    assert len(played) == len(answers)


def test_an_answer_to_silence_says_so(flatjam: Application, tab: JamTab, qtbot: QtBot) -> None:
    flatjam.session.edit("Set the tempo", tempo=200.0)
    qtbot.keyClick(flatjam.window, Qt.Key.Key_Space)
    said = tab.view.machine.note
    qtbot.waitUntil(
        lambda: said.text().startswith("answers, having heard nothing"), timeout=PATIENCE
    )
    assert "whole phrase" not in said.text()


def test_a_hit_is_shown_in_a_turn_longer_than_the_next(flatjam: Application, tab: JamTab) -> None:
    bundle = flatjam.session.bundle
    assert bundle is not None
    onset = bundle.bars * BEATS_PER_BAR + 3.0
    hit = HumanHit(drum=1, velocity=90, turn=0, onset=onset, bars=2 * bundle.bars)
    flatjam.engine.jam.take(hit)
    assert tab.view.human.grid.accessibleDescription() == "64 steps, 1 hits"


def test_a_machine_that_could_not_get_ready_is_asked_again(
    flatjam: Application, tab: JamTab, qtbot: QtBot
) -> None:
    bundle = flatjam.session.bundle
    assert bundle is not None
    banner, notices = tab.view.banner, flatjam.window.notices
    tab.jam._forget_machine()
    flatjam.model.get_ready_to_jam(2 * bundle.bars)  # the worker refuses that
    qtbot.waitUntil(lambda: "Space tries again" in banner.accessibleDescription(), timeout=PATIENCE)
    assert "model:answer_request" in notices.shown
    qtbot.keyClick(flatjam.window, Qt.Key.Key_Space)
    assert "model:answer_request" not in notices.shown
    qtbot.waitUntil(lambda: flatjam.tabs.is_jamming, timeout=PATIENCE)


def test_each_tab_keeps_its_state_and_its_keys(flatjam: Application, qtbot: QtBot) -> None:
    actions, window = flatjam.window.actions_table, flatjam.window
    flatjam.explore.hear_landmark(3)
    qtbot.keyClick(window, Qt.Key.Key_F7)
    tab = show(flatjam, qtbot)
    assert actions["view.jam"].isChecked()
    assert not actions["explore.pin_a"].isEnabled()
    assert "Explore" in actions["explore.pin_a"].toolTip()
    before = flatjam.session.state
    qtbot.keyClick(window, Qt.Key.Key_A)
    qtbot.keyClick(window, Qt.Key.Key_L)
    assert flatjam.session.state == before
    qtbot.keyClick(window, Qt.Key.Key_F6)
    assert (tab.map.shown, flatjam.session.view.projection) == ("pca", "attributes")
    assert actions["view.pca"].isChecked()

    qtbot.keyClick(window, Qt.Key.Key_F2)
    assert actions["view.explore"].isChecked()
    assert actions["view.attributes"].isChecked()
    assert window.explore.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_A)
    assert flatjam.session.state.a is not None
    assert flatjam.session.state.a.landmark == 3
    qtbot.keyClick(window, Qt.Key.Key_Tab, Qt.KeyboardModifier.ControlModifier)
    assert flatjam.tabs.jam is tab
    assert tab.view.isVisible()


def test_the_stage_view_shows_nothing_else_and_esc_leaves_it(
    flatjam: Application, tab: JamTab, qtbot: QtBot
) -> None:
    window, view = flatjam.window, tab.view
    window.actions_table["jam.stage"].trigger()
    qtbot.waitUntil(window.isFullScreen, timeout=PATIENCE)
    hidden = (window.menuBar(), window.transport, view.pads)
    assert not any(part.isVisible() for part in hidden)
    assert view.map.isVisible()
    assert view.human.isVisible()
    assert view.machine.isVisible()
    assert not view.banner.compact
    qtbot.keyClick(window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: flatjam.engine.jam.is_running, timeout=PATIENCE)
    flatjam.say("test", "Something went wrong.")
    assert not window.notices.isVisible()

    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert all(part.isVisible() for part in hidden)
    assert window.notices.isVisible()
    assert not window.isFullScreen()
    assert flatjam.engine.jam.is_running  # Esc was no panic
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not flatjam.engine.jam.is_running, timeout=PATIENCE)


def test_umap_is_fitted_from_here_while_the_jam_goes_on(
    flatjam: Application, tab: JamTab, bundle: Bundle, qtbot: QtBot
) -> None:
    window, view = flatjam.window, tab.view
    qtbot.keyClick(window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: flatjam.tabs.is_jamming, timeout=PATIENCE)
    qtbot.keyClick(window, Qt.Key.Key_F8)
    assert flatjam.umap.is_fitting
    assert view.fitting.isVisible()
    assert window.actions_table["view.attributes"].isChecked()  # until it is there
    assert not window.actions_table["view.umap"].isChecked()
    qtbot.mouseClick(view.fitting.stop, Qt.MouseButton.LeftButton)
    assert not view.fitting.isVisible()
    assert read_umap(bundle) is None

    qtbot.keyClick(window, Qt.Key.Key_F8)
    write_umap(bundle, places(bundle))  # test_projections.py waits for a real fit
    flatjam.umap.client.cancel()
    flatjam.umap.client.fitted.emit()
    assert tab.map.shown == "umap"
    assert window.actions_table["view.umap"].isChecked()
    assert not view.fitting.isVisible()
    fitted = read_umap(bundle)
    assert fitted is not None
    assert view.map.canvas is not None
    np.testing.assert_array_equal(view.map.canvas.scene.points, fitted.places)
    assert flatjam.tabs.is_jamming
    assert flatjam.session.view.projection == "pca"  # of the other tab


def test_what_is_chosen_reaches_the_engine_and_the_settings(
    flatjam: Application, tab: JamTab, qtbot: QtBot
) -> None:
    flatjam.jam_choices.choose(mode=Mode.MACHINE_FIRST, count_in_bars=1, click=False)
    tab.panel.click_level.track.setValue(15)
    assert tab.panel.click_level.text == "30%"
    first: list[MachinePhrase] = []
    flatjam.engine.jam.machine_phrase.connect(first.append)
    qtbot.keyClick(flatjam.window, Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: bool(first), timeout=PATIENCE)
    assert first[0].turn == 0
    engine = flatjam.engine
    qtbot.waitUntil(
        lambda: engine.state is not None and engine.state.metronome_level == 0.3, timeout=PATIENCE
    )
    flatjam.save()
    settings, trouble = load_settings()
    assert trouble is None
    assert settings.jam.mode is Mode.MACHINE_FIRST
    assert settings.jam.click_level == 0.3
    assert not settings.jam.click


def test_with_a_melody_model_keys_are_played_and_answered(
    start: Start, audio_file: Path, melody_bundle: Bundle, qtbot: QtBot
) -> None:
    flatjam = start(melody_bundle.path)
    qtbot.keyClick(flatjam.window, Qt.Key.Key_F3)
    tab = flatjam.tabs.jam
    assert tab is not None
    view = tab.view
    assert view.keys.isVisible()
    assert not view.pads.isVisible()
    assert isinstance(view.human.grid, PianoRoll)
    shown = [name for name, slider in tab.partner_panel.asks.items() if not slider.isHidden()]
    assert sorted(shown) == ["density", "pitch"]
    qtbot.waitUntil(lambda: view.banner.word == READY, timeout=PATIENCE)
    answers: list[MachinePhrase] = []
    keys: list[HumanKey] = []
    flatjam.engine.jam.machine_phrase.connect(answers.append)
    flatjam.engine.jam.human_key.connect(keys.append)
    flatjam.session.edit("Set the tempo", tempo=240.0)
    qtbot.keyClick(flatjam.window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: view.banner.word == "YOU PLAY", timeout=PATIENCE)
    qtbot.keyClick(flatjam.window, Qt.Key.Key_A)
    middle = view.keys.key(61).center().toPoint()
    qtbot.mousePress(view.keys, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.mouseRelease(view.keys, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.waitUntil(lambda: bool(answers), timeout=PATIENCE)
    assert {(key.pitch, bool(key.velocity)) for key in keys} >= {
        (60, True),
        (60, False),
        (61, True),
        (61, False),
    }
    assert not answers[0].phrase.is_drums
    assert "notes" in view.human.note.text()
    qtbot.keyClick(flatjam.window, Qt.Key.Key_Space)


def test_an_engine_that_dies_in_a_jam_knows_everything_again(
    flatjam: Application, tab: JamTab, qtbot: QtBot
) -> None:
    choices, engine = flatjam.jam_choices, flatjam.engine
    choices.choose(mode=Mode.MACHINE_FIRST)
    choices.set_sampler("machine", level=0.5)
    qtbot.keyClick(flatjam.window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: tab.view.banner.word == "MACHINE", timeout=PATIENCE)
    assert engine.pid is not None
    with qtbot.waitSignal(engine.recovered, timeout=PATIENCE):
        os.kill(engine.pid, signal.SIGKILL)
    assert tab.view.banner.word == READY
    assert not flatjam.tabs.is_jamming
    qtbot.waitUntil(
        lambda: engine.jam.state is not None and engine.jam.state.can_answer, timeout=PATIENCE
    )
    with qtbot.waitSignal(engine.jam.machine_phrase, timeout=PATIENCE) as first:
        qtbot.keyClick(flatjam.window, Qt.Key.Key_Space)
    assert first.args is not None
    assert first.args[0].turn == 0  # the machine begins


def test_the_jam_goes_on_while_the_model_worker_is_started_again(
    flatjam: Application, tab: JamTab, qtbot: QtBot
) -> None:
    flatjam.jam_choices.choose(mode=Mode.MACHINE_FIRST)
    flatjam.session.edit("Set the tempo", tempo=200.0)
    notices = flatjam.window.notices
    hows: list[How] = []
    flatjam.engine.jam.machine_phrase.connect(lambda message: hows.append(message.how))
    qtbot.keyClick(flatjam.window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: How.FINAL in hows, timeout=PATIENCE)
    assert flatjam.model.pid is not None
    os.kill(flatjam.model.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: "model has gone" in notices.shown.get("jam", ""), timeout=PATIENCE)
    with playing(flatjam, qtbot):
        qtbot.waitUntil(lambda: "jam" not in notices.shown, timeout=PATIENCE)
        hows.clear()
        qtbot.waitUntil(lambda: How.FINAL in hows, timeout=PATIENCE)
    assert flatjam.tabs.is_jamming
