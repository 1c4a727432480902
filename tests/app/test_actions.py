"""The table of commands, and that nothing on screen is dead."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import SIGNAL, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QKeySequence
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from app.actions import COMMANDS, MENUS
from app.application import Application
from app.availability import Situation, why_not
from app.widgets.command_palette import CommandPalette
from app.widgets.dialogs import AboutBox, HelpSheet
from fmvae_core.music.midi_file import read_midi
from tests.app.conftest import PATIENCE, Start


def test_the_table_names_nothing_twice() -> None:
    for field in ("id", "shortcut", "text"):
        counts = Counter(getattr(command, field) for command in COMMANDS)
        del counts[""]
        assert max(counts.values()) == 1, counts.most_common(1)
    menus = {key for key, _ in MENUS}
    for command in COMMANDS:
        assert command.menu in menus
        assert command.tip.endswith(".")
        if command.shortcut:
            assert QKeySequence(command.shortcut).toString() == command.shortcut


def test_every_reason_belongs_to_a_command() -> None:
    ids = {command.id for command in COMMANDS}
    assert set(why_not(Situation())) <= ids


def test_nothing_can_be_done_without_a_bundle_that_needs_one() -> None:
    possible = {command for command, reason in why_not(Situation()).items() if reason is None}
    assert possible == {"file.fetch", "play.loop", "play.metronome"}
    everything = Situation(
        **dict.fromkeys(Situation.__dataclass_fields__, True)
        | {"is_fetching": False, "is_rendering": False, "has_recordings": True}
        | {"is_on_stage": False}
    )
    left = {command: reason for command, reason in why_not(everything).items() if reason}
    assert set(left) == {"file.fetch"}  # what is here need not be fetched


def test_every_command_is_bound(flatjam: Application) -> None:
    for command in COMMANDS:
        action = flatjam.window.actions_table[command.id]
        assert action.receivers(SIGNAL("triggered(bool)")) > 0, command.id
        if not action.isEnabled():
            assert "Not now:" in action.toolTip(), command.id


def test_enabled_commands_do_something(
    flatjam: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    """Each command is triggered once where it is enabled, and something is seen to change."""
    window, session = flatjam.window, flatjam.session
    actions = window.actions_table
    qtbot.waitUntil(lambda: len(flatjam.journey.frames) == 7, timeout=PATIENCE)
    asked: list[str] = []

    def ask_file(*args: object, **_: object) -> tuple[str, str]:
        asked.append(str(args[1]))
        return "", ""

    def ask_folder(*args: object, **_: object) -> str:
        asked.append(str(args[1]))
        return ""

    def open_url(url: QUrl) -> bool:
        asked.append(url.toLocalFile())
        return True

    monkeypatch.setattr(QFileDialog, "getOpenFileName", ask_file)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask_file)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", ask_folder)
    monkeypatch.setattr(QDesktopServices, "openUrl", open_url)

    def seen() -> tuple[object, ...]:
        state = flatjam.engine.state
        camera = window.explore.map.camera if window.explore.map else None
        return (
            session.state,
            session.view,
            len(asked),
            None if state is None else (state.playing, state.loop, state.metronome, state.volume),
            window.isFullScreen(),
            flatjam.tabs.name,
            len([w for w in QApplication.topLevelWidgets() if w.isVisible()]),
            None if camera is None else repr(vars(camera)),
            flatjam.umap.is_fitting,
        )

    done = set()
    order = [command.id for command in COMMANDS if command.id != "file.quit"]
    # What needs something done before it comes again at the end.
    for command_id in [*order, *order]:
        action = actions[command_id]
        if command_id in done or not action.isEnabled():
            continue
        if command_id == "play.tap":
            for _ in range(2):
                action.trigger()
        if command_id == "play.louder":
            session.set_view(volume=0.5)
        if command_id == "view.pca":
            session.set_view(projection="attributes")  # it is what a newcomer sees
        if command_id == "view.reset_map" and window.explore.map is not None:
            qtbot.keyClick(window.explore.map, Qt.Key.Key_Left)
        if command_id == "play.panic":
            flatjam.engine.play()
            qtbot.waitUntil(lambda: bool(flatjam.engine.state and flatjam.engine.state.playing))
        before = seen()
        action.trigger()
        qtbot.waitUntil(lambda before=before: seen() != before, timeout=PATIENCE)
        done.add(command_id)
        for other in QApplication.topLevelWidgets():
            if isinstance(other, (CommandPalette, HelpSheet, AboutBox)):
                other.close()
        if command_id == "explore.random":
            session.edit("Ask for density", asks={**session.state.asks, "density": 2.0})
        if command_id in ("view.full_screen", "jam.stage"):
            action.trigger()
    never = {command for command in order if command not in done}
    # The recordings are here; an engine that runs is not started again; and nobody played a phrase.
    assert never == {"file.fetch", "play.restart_engine", "jam.keep"}


def test_the_palette_finds_and_runs(flatjam: Application, qtbot: QtBot) -> None:
    flatjam.window.actions_table["view.palette"].trigger()
    (palette,) = [
        widget
        for widget in QApplication.topLevelWidgets()
        if isinstance(widget, CommandPalette) and widget.isVisible()
    ]
    qtbot.keyClicks(palette.line, "metro")
    assert palette.rows.count() == 1
    qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert flatjam.session.state.metronome


def test_phrase_journey_and_sound_are_written(
    flatjam: Application, tmp_path: Path, qtbot: QtBot
) -> None:
    notices = flatjam.window.notices
    qtbot.waitUntil(lambda: len(flatjam.journey.frames) == 7, timeout=PATIENCE)
    flatjam.session.edit("Set the tempo", tempo=90.0)
    flatjam.files.save_phrase(tmp_path / "groove.mid")
    saved = read_midi(tmp_path / "groove.mid")
    assert flatjam.explore.phrase is not None
    assert len(saved.notes) == len(flatjam.explore.phrase.notes)
    assert saved.tempo == pytest.approx(90.0, abs=0.01)

    flatjam.files.save_journey(tmp_path)
    assert len(list(tmp_path.glob("journey-*.mid"))) == 7

    flatjam.files.render(tmp_path / "groove.wav")
    assert not flatjam.window.actions_table["file.render"].isEnabled()
    qtbot.waitUntil(lambda: not flatjam.files.is_rendering, timeout=PATIENCE)
    assert "Saved groove.wav" in notices.shown["saved"]
    assert (tmp_path / "groove.wav").stat().st_size > 100_000

    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    flatjam.files.save_phrase(blocked / "groove.mid")
    assert "could not be written" in notices.shown["saved"]


def test_writing_sound_shows_progress_and_can_be_cancelled(
    flatjam: Application, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    notices, files = flatjam.window.notices, flatjam.files
    render = flatjam.window.actions_table["file.render"]
    said: list[str] = []
    show = notices.show_notice

    def listen(key: str, text: str, remedy: str = "", *rest: Any) -> None:
        show(key, text, remedy, *rest)
        if key == "render":
            said.append(notices.shown[key])

    monkeypatch.setattr(notices, "show_notice", listen)
    path = tmp_path / "groove.wav"
    files.render(path)
    qtbot.waitUntil(lambda: not files.is_rendering, timeout=PATIENCE)
    shares = [int(words.split()[-2]) for words in said if words.endswith("%")]
    assert len(set(shares)) > 10
    assert shares == sorted(shares)
    assert shares[-1] == 100
    assert "render" not in notices.shown

    path.write_bytes(b"precious")
    notices.settle("saved")
    files.render(path)
    assert not render.isEnabled()
    (cancel,) = notices.buttons("render")
    qtbot.mouseClick(cancel, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not files.is_rendering, timeout=PATIENCE)
    assert render.isEnabled()
    assert path.read_bytes() == b"precious"
    assert not {"render", "saved"} & set(notices.shown)


def test_a_midi_file_becomes_an_anchor(flatjam: Application, tmp_path: Path, qtbot: QtBot) -> None:
    file = tmp_path / "mine.mid"
    flatjam.files.save_phrase(file)
    flatjam.files.open_midi("B", file)
    qtbot.waitUntil(
        lambda: (
            flatjam.session.state.b is not None
            and flatjam.session.state.b.label.startswith("mine.mid")
        ),
        timeout=PATIENCE,
    )
    assert flatjam.session.undo.undoText() == "Open mine.mid as B"

    broken = tmp_path / "broken.mid"
    broken.write_bytes(b"no music")
    flatjam.files.open_midi("A", broken)
    assert "not a MIDI file" in flatjam.window.notices.shown["midi"]


def test_the_window_comes_back_as_it_was_left(start: Start, audio_file: Path, qtbot: QtBot) -> None:
    first = start()
    first.journey.move(0.25)
    first.explore.hear_landmark(5)
    first.map.pin("A")
    first.session.set_view(volume=0.35, colour_by="velocity")
    first.session.edit("Set the tempo", tempo=141.0)
    state = first.session.state
    first.window.close()
    first.close()

    second = start()
    assert second.session.state.a == state.a
    assert second.session.state.b == state.b
    assert second.session.state.position == 0.25
    assert second.session.state.tempo == 141.0
    assert second.session.view == first.session.view
    assert second.window.transport.tempo.value() == 141.0
    assert second.session.undo.count() == 0


def test_a_banner_that_was_hidden_stays_hidden_until_there_is_news(flatjam: Application) -> None:
    notices = flatjam.window.notices
    notices.show_notice("x", "It rains.")
    (button,) = [
        child
        for child in notices.findChildren(type(flatjam.window.transport.tap))
        if child.accessibleName() == "Hide this message"
    ]
    button.click()
    notices.show_notice("x", "It rains.")
    assert "x" not in notices.shown
    notices.show_notice("x", "It pours.")
    assert notices.shown["x"] == "It pours."
    notices.settle("x")
    assert not notices.shown


def test_an_unexpected_error_is_shown(flatjam: Application, qtbot: QtBot) -> None:
    flatjam.report_unexpected("ZeroDivisionError: division by zero")
    qtbot.waitUntil(lambda: "unexpected" in flatjam.window.notices.shown)
    assert "division by zero" in flatjam.window.notices.shown["unexpected"]


def test_disabled_sliders_say_why(start: Start, audio_file: Path, tmp_path: Path) -> None:
    flatjam = start(tmp_path / "nothing", ready=False)
    view = flatjam.window.explore
    for slider in view.attributes.values():
        assert not slider.track.isEnabled()
        assert "Not now:" in slider.toolTip()
    assert "Not now:" in view.journey.slider.toolTip()
