"""The Train tab in the whole window."""

from __future__ import annotations

import subprocess
import sys

from pytestqt.qtbot import QtBot

from app.application import Application
from tests.app.conftest import PATIENCE


def test_the_start_waits_neither_for_plots_nor_for_torch() -> None:
    code = (
        "import sys, app.application\n"
        "for name in ('pyqtgraph', 'torch', 'app.train.train_tab'):\n"
        "    assert name not in sys.modules, name\n"
        "import app.train.train_tab\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=100)


def test_the_tab_is_shown_beside_the_others(flatjam: Application, qtbot: QtBot) -> None:
    actions = flatjam.window.actions_table
    assert flatjam.tabs.train is None
    actions["view.train"].trigger()
    assert flatjam.tabs.train is not None
    view = flatjam.tabs.train.view
    assert view.isVisible()
    assert actions["view.train"].isChecked()
    assert not actions["view.explore"].isChecked()
    assert not actions["play.toggle"].isEnabled()
    qtbot.waitUntil(lambda: flatjam.tabs.train.plan.is_ready, timeout=PATIENCE)
    actions["view.next_tab"].trigger()
    assert flatjam.tabs.name == "explore"
    assert not view.isVisible()
    assert actions["play.toggle"].isEnabled()
