"""The Takes window, with a real engine: takes are listed, seen, heard, written and thrown away."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.application import Application
from app.takes.replay_presenter import ReplayPresenter
from app.takes.takes_presenter import TakesPresenter
from app.takes.takes_view import TakesWindow
from fmvae_core.jam.journal import read_journal, takes_dir
from fmvae_core.jam.keeps import save_keep
from fmvae_core.live.jam_messages import HumanHit
from fmvae_core.models.bundle import Bundle
from fmvae_core.music.midi_file import read_midi
from tests.app.conftest import PATIENCE
from tests.app.takes.recordings import recorded
from tests.fmvae_core.jam.test_keeps import kept


@pytest.fixture
def take(bundle: Bundle) -> Path:
    """A take among the user's own, played with the bundle that is open."""
    return recorded(takes_dir() / "evening.jsonl", bundle)


def opened(qtbot: QtBot, flatjam: Application, rows: int) -> TakesPresenter:
    """Open the window, and wait until the first of its rows is shown."""
    flatjam.window.actions_table["jam.takes"].trigger()
    presenter = flatjam.takes.presenter
    assert presenter is not None
    qtbot.waitUntil(lambda: presenter.view.list.count() == rows, timeout=PATIENCE)
    if rows:
        qtbot.waitUntil(lambda: presenter.replay.take is not None, timeout=PATIENCE)
    return presenter


def ways(view: TakesWindow) -> tuple[int, int, int]:
    shown = view.map._scene.trajectories
    return len(shown.human), len(shown.machine), len(shown.links)


def go_to(replay: ReplayPresenter, view: TakesWindow, beat: float) -> None:
    """Drag the playhead to a beat."""
    strip = view.strip
    where = QPoint(round(strip._x(beat)), strip.height() // 2)
    QTest.mousePress(strip, Qt.MouseButton.LeftButton, pos=QPoint(where.x() - 5, where.y()))
    QTest.mouseMove(strip, where)
    QTest.mouseRelease(strip, Qt.MouseButton.LeftButton, pos=where)
    assert strip.beat == pytest.approx(beat, abs=0.2)


def test_a_take_is_seen_at_every_place(qtbot: QtBot, flatjam: Application, take: Path) -> None:
    presenter = opened(qtbot, flatjam, rows=1)
    view, replay = presenter.view, presenter.replay
    assert "36 hits" in view._about.text()
    assert view.banner.word == "COUNT-IN"
    assert ways(view) == (0, 0, 0)
    go_to(replay, view, 9.5)
    assert view.banner.word == "MACHINE"
    assert ways(view) == (1, 1, 1)
    go_to(replay, view, 13.5)
    assert view.banner.word == "YOU PLAY"
    assert view.human.grid._hits, "what has been played of the turn by now"
    go_to(replay, view, 33.5)
    assert ways(view) == (4, 4, 4)
    go_to(replay, view, 5.0)
    assert ways(view) == (0, 0, 0)
    view.projection.setCurrentIndex(view.projection.findData("pca"))
    go_to(replay, view, 33.5)
    assert ways(view) == (4, 4, 4)


def test_a_take_is_heard_from_the_playhead_on(
    qtbot: QtBot, flatjam: Application, take: Path
) -> None:
    presenter = opened(qtbot, flatjam, rows=1)
    view, replay = presenter.view, presenter.replay
    go_to(replay, view, 12.0)
    with qtbot.waitActive(view, timeout=PATIENCE):
        view.activateWindow()
    QTest.keyClick(view, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: view.strip.beat > 13.0, timeout=PATIENCE)
    go_to(replay, view, 24.0)
    qtbot.waitUntil(lambda: view.strip.beat > 24.5, timeout=PATIENCE)
    assert replay.is_playing
    view.play.click()
    assert not replay.is_playing
    go_to(replay, view, 39.0)
    view.play.click()
    qtbot.waitUntil(lambda: not replay.is_playing, timeout=PATIENCE)
    assert view.strip.beat == pytest.approx(replay.take.replay.beats)  # type: ignore[union-attr]


def test_a_jam_of_the_window_is_there_to_be_heard_again(qtbot: QtBot, flatjam: Application) -> None:
    jam = flatjam.engine.jam
    heard: list[HumanHit] = []
    jam.human_hit.connect(heard.append)
    jam.start(seed=1)
    qtbot.waitUntil(lambda: jam.is_running, timeout=PATIENCE)
    for drum in (0, 1, 2):
        jam.hit(drum, 90)
    qtbot.waitUntil(lambda: len(heard) == 3, timeout=PATIENCE)
    jam.stop()
    qtbot.waitUntil(lambda: not jam.is_running, timeout=PATIENCE)
    presenter = opened(qtbot, flatjam, rows=1)
    assert "3 hits" in presenter.view._about.text()


def test_a_take_that_is_looked_at_while_it_is_recorded_is_read_again_at_its_end(
    qtbot: QtBot, flatjam: Application
) -> None:
    jam = flatjam.engine.jam
    jam.start(seed=1)
    qtbot.waitUntil(lambda: jam.is_running, timeout=PATIENCE)
    presenter = opened(qtbot, flatjam, rows=1)
    assert "not stopped" in presenter.view._about.text()
    jam.stop()
    qtbot.waitUntil(lambda: "not stopped" not in presenter.view._about.text(), timeout=PATIENCE)


def test_a_jam_comes_first(qtbot: QtBot, flatjam: Application, take: Path) -> None:
    presenter = opened(qtbot, flatjam, rows=1)
    presenter.view.play.click()
    qtbot.waitUntil(lambda: presenter.view.strip.beat > 0.5, timeout=PATIENCE)
    flatjam.engine.jam.start(seed=1)
    qtbot.waitUntil(lambda: not presenter.view.play.isEnabled(), timeout=PATIENCE)
    assert not presenter.replay.is_playing
    assert "a jam is going on" in presenter.view.play.toolTip()
    flatjam.engine.jam.stop()
    qtbot.waitUntil(lambda: presenter.view.play.isEnabled(), timeout=PATIENCE)


def test_a_take_is_written_as_midi_and_sound(
    qtbot: QtBot, flatjam: Application, take: Path, tmp_path: Path
) -> None:
    presenter = opened(qtbot, flatjam, rows=1)
    for kind, path in (("midi", tmp_path / "x.mid"), ("wav", tmp_path / "x.wav")):
        presenter.exports.export(kind, path)
        assert not presenter.view.buttons["wav"].isEnabled()
        qtbot.waitUntil(lambda: presenter.view.buttons["wav"].isEnabled(), timeout=PATIENCE)
        assert path.exists()
    assert len(read_midi(tmp_path / "x.mid", track=1).notes) == 36
    with wave.open(str(tmp_path / "x.wav")) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert np.abs(samples.astype(int)).max() > 1000
    presenter.exports.export("midi", tmp_path / "none" / "x" / "\0.mid")
    qtbot.waitUntil(lambda: presenter.view.buttons["wav"].isEnabled(), timeout=PATIENCE)
    assert "takes" in presenter.view.notices.shown


def test_phrases_of_a_take_become_the_ends_of_the_journey(
    qtbot: QtBot, flatjam: Application, take: Path
) -> None:
    presenter = opened(qtbot, flatjam, rows=1)
    view, replay = presenter.view, presenter.replay
    assert not view.buttons["pin"].isEnabled()
    go_to(replay, view, 9.5)
    view.buttons["pin"].click()
    state = flatjam.session.state
    assert replay.take is not None
    assert state.a is not None
    assert state.a.z == replay.take.replay.human[0].z
    assert state.b is not None
    assert state.b.z == replay.take.replay.machine[0].z
    assert "machine" in state.b.label


def test_keeps_are_listed_with_takes_and_of_a_model_that_is_not_here_it_is_said(
    qtbot: QtBot, flatjam: Application, take: Path
) -> None:
    save_keep(kept(read_journal(take).head.wall + 60.0))
    presenter = opened(qtbot, flatjam, rows=2)
    view = presenter.view
    assert "kept" in view.list.item(0).text()
    assert view._maps.currentIndex() == 1
    assert "not here" in view._no_map.text()
    assert not view.buttons["pin"].isEnabled()
    view.kind_chosen.emit("takes")
    assert view.list.count() == 1
    qtbot.waitUntil(lambda: view._maps.currentIndex() == 0, timeout=PATIENCE)


def test_what_is_deleted_lies_in_the_trash(
    qtbot: QtBot,
    flatjam: Application,
    take: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "share").mkdir()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    presenter = opened(qtbot, flatjam, rows=1)
    presenter.view.buttons["delete"].click()
    qtbot.waitUntil(lambda: presenter.view.list.count() == 0, timeout=PATIENCE)
    assert not take.exists()
    assert [path.name for path in (tmp_path / "share").rglob("*.jsonl")] == [take.name]
    assert presenter.replay.take is None
    assert "nothing here yet" in presenter.view._empty.text()
