"""The window opens whatever is missing, says so, and everything else works."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from fmvae_core.live.soundfonts import find_soundfonts
from fmvae_core.models.bundle import Bundle
from tests.app.conftest import PATIENCE, Start

_ROOT = Path(__file__).resolve().parents[2]


def test_no_soundfont(
    start: Start,
    audio_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    fonts = find_soundfonts()
    monkeypatch.setenv("FLATJAM_SOUNDFONTS", "")
    flatjam = start()
    notices = flatjam.window.notices
    qtbot.waitUntil(lambda: "engine:no_soundfont" in notices.shown, timeout=PATIENCE)
    assert "off" in flatjam.window.transport.engine.text
    (button,) = notices.buttons("engine:no_soundfont")
    assert button.text() == "Choose SoundFont…"

    # The transport runs all the same, in silence.
    flatjam.transport.toggle()
    with qtbot.waitSignal(flatjam.engine.position, timeout=PATIENCE):
        pass

    # The button asks for a file, and the sound comes on.
    assert fonts, "the tests need a SoundFont"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(fonts[0]), ""))
    button.click()
    qtbot.waitUntil(lambda: "engine:no_soundfont" not in notices.shown, timeout=PATIENCE)
    assert flatjam.settings.soundfont == str(fonts[0])


def test_no_audio_device(start: Start, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot) -> None:
    monkeypatch.setenv("FLATJAM_AUDIO_DRIVER", "jack")
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "no-such-server")
    flatjam = start()
    notices = flatjam.window.notices
    qtbot.waitUntil(lambda: "engine:no_audio" in notices.shown, timeout=PATIENCE)
    assert [button.text() for button in notices.buttons("engine:no_audio")] == ["Try again"]
    flatjam.transport.toggle()
    with qtbot.waitSignal(flatjam.engine.position, timeout=PATIENCE):
        pass
    before = flatjam.explore.phrase
    flatjam.journey.move(1.0)
    qtbot.waitUntil(lambda: flatjam.explore.phrase != before, timeout=PATIENCE)


def test_no_bundle(
    start: Start, audio_file: Path, tmp_path: Path, bundle: Bundle, qtbot: QtBot
) -> None:
    flatjam = start(tmp_path / "nothing", ready=False)
    notices, actions = flatjam.window.notices, flatjam.window.actions_table
    assert "does not exist" in notices.shown["bundle"]
    assert "Open a bundle" in flatjam.window.explore.map_bar.hint.text()
    assert flatjam.window.explore.placeholder.isVisible()
    for command in ("play.toggle", "explore.pin_a", "file.save_phrase", "file.open_midi_a"):
        qtbot.waitUntil(
            lambda command=command: "open a bundle" in actions[command].toolTip(),
            timeout=PATIENCE,
        )
        assert not actions[command].isEnabled()

    flatjam.open_bundle(bundle.path)
    qtbot.waitUntil(lambda: flatjam.explore.phrase is not None, timeout=PATIENCE)
    assert "bundle" not in notices.shown
    assert not flatjam.window.explore.placeholder.isVisible()
    qtbot.waitUntil(lambda: actions["play.toggle"].isEnabled(), timeout=PATIENCE)


def test_a_broken_bundle_leaves_the_open_one(
    start: Start, audio_file: Path, tmp_path: Path, bundle: Bundle
) -> None:
    flatjam = start()
    broken = tmp_path / "broken"
    shutil.copytree(bundle.path, broken)
    (broken / "landmarks.safetensors").write_bytes(b"nothing")
    flatjam.open_bundle(broken)
    assert "bundle" in flatjam.window.notices.shown
    assert flatjam.session.bundle is not None
    assert flatjam.session.bundle.path == bundle.path
    assert flatjam.session.state.has_journey


def test_no_opengl() -> None:
    """Qt's platform "offscreen" has no OpenGL; it must be chosen before the process starts."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/app/without_opengl.py"],
        cwd=_ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
