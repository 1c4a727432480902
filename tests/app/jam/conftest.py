from __future__ import annotations

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.application import Application
from app.jam.jam_tab import JamTab
from tests.app.conftest import PATIENCE


def show(flatjam: Application, qtbot: QtBot) -> JamTab:
    """Show the Jam tab, and return it once the machine is ready."""
    qtbot.keyClick(flatjam.window, Qt.Key.Key_F3)
    tab = flatjam.tabs.jam
    assert tab is not None
    qtbot.waitUntil(lambda: tab.view.banner.word == "READY", timeout=PATIENCE)
    return tab
