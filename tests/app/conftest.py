from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.application import Application
from app.state.settings import load_settings
from app.theme import apply_theme
from fmvae_core.models.bundle import Bundle
from tests.conftest import children
from tests.factories import tiny_bundle, tiny_corpus

PATIENCE = 60_000
"""Milliseconds to wait for processes that start on a busy machine."""

Start = Callable[..., Application]


@pytest.fixture(scope="session")
def qapp(qapp: QApplication) -> QApplication:
    apply_theme(qapp)
    return qapp


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A small bundle on disk; never write to it."""
    return tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture(scope="session")
def melody_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A small bundle of four bars for the cello; never write to it."""
    folder = tmp_path_factory.mktemp("melodies") / "tiny-cello"
    return tiny_bundle(folder, representation="melody", bars=4)


@pytest.fixture(scope="session")
def corpus_folder(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle) -> Path:
    """The recordings that `bundle`'s landmarks name; never write to them."""
    return tiny_corpus(tmp_path_factory.mktemp("corpus"), bundle)


@pytest.fixture
def audio_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the engine's sound goes: no sound card is needed."""
    path = tmp_path / "out.wav"
    monkeypatch.setenv("FLATJAM_AUDIO_DRIVER", "file")
    monkeypatch.setenv("FLATJAM_AUDIO_FILE", str(path))
    return path


@pytest.fixture
def start(qtbot: QtBot, qapp: QApplication, bundle: Bundle, corpus_folder: Path) -> Iterator[Start]:
    """Starts the real window with its real processes; all is ended after the test."""
    started: list[Application] = []
    before = children()

    def begin(
        path: Path = bundle.path, recordings: Path = corpus_folder, ready: bool = True
    ) -> Application:
        settings, _ = load_settings()
        flatjam = Application(settings, path, recordings)
        started.append(flatjam)
        marks: list[str] = []
        flatjam.reached.connect(marks.append)
        flatjam.start()
        qtbot.waitUntil(lambda: ("model" if ready else "map") in marks, timeout=PATIENCE)
        if ready:
            qtbot.waitUntil(lambda: flatjam.engine.state is not None, timeout=PATIENCE)
            qtbot.waitUntil(lambda: flatjam.explore.phrase is not None, timeout=PATIENCE)
            with qtbot.waitActive(flatjam.window, timeout=PATIENCE):
                flatjam.window.activateWindow()
        return flatjam

    yield begin
    for flatjam in started:
        flatjam.window.close()
        flatjam.close()
        flatjam.window.deleteLater()
        flatjam.deleteLater()
    qapp.processEvents()
    left = children() - before
    assert not left, "the window has left processes behind"


@pytest.fixture
def flatjam(start: Start, audio_file: Path) -> Application:
    """The window with bundle, recordings and sound, ready to play."""
    return start()
