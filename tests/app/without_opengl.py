"""Run by test_missing.py in a process of its own, on a display platform without OpenGL."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from tests.app.conftest import PATIENCE, Start


def test_everything_but_the_map_works(start: Start, audio_file: Path, qtbot: QtBot) -> None:
    flatjam = start()
    qtbot.waitUntil(lambda: "map" in flatjam.window.notices.shown, timeout=PATIENCE)
    qtbot.keyClick(flatjam.window, Qt.Key.Key_N)
    landmark = flatjam.session.state.landmark
    assert landmark is not None
    qtbot.waitUntil(
        lambda: flatjam.engine.state is not None and flatjam.engine.state.playing,
        timeout=PATIENCE,
    )
    qtbot.keyClick(flatjam.window, Qt.Key.Key_B)
    assert flatjam.session.state.b is not None
    assert flatjam.session.state.b.landmark == landmark
    before = flatjam.explore.phrase
    flatjam.journey.move(0.0)
    qtbot.waitUntil(lambda: flatjam.explore.phrase != before, timeout=PATIENCE)
