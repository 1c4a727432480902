"""The Train tab in the whole window."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from pytestqt.qtbot import QtBot

from app.application import Application
from fmvae_core.models.bundle import Bundle
from fmvae_core.runs.messages import BundleMade
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


def test_a_bundle_that_is_made_does_not_take_over_a_jam(
    flatjam: Application, qtbot: QtBot, bundle: Bundle, tmp_path: Path
) -> None:
    made = tmp_path / "made"
    shutil.copytree(bundle.path, made)
    tabs, notices = flatjam.tabs, flatjam.window.notices
    tabs.show("train")
    assert tabs.train is not None
    tabs.show("jam")
    flatjam.engine.jam.start(seed=1)
    qtbot.waitUntil(lambda: tabs.is_jamming, timeout=PATIENCE)
    tabs.train.runs._on_made(BundleMade(path=made))
    assert tabs.name == "jam"
    assert flatjam.session.bundle is not None
    assert flatjam.session.bundle.path == bundle.path
    flatjam.engine.jam.stop()
    qtbot.waitUntil(lambda: not tabs.is_jamming, timeout=PATIENCE)
    notices.buttons("bundle made")[0].click()
    assert tabs.name == "explore"
    assert flatjam.session.bundle.path == made
    assert "bundle made" not in notices.shown

    tabs.show("train")
    tabs.train.runs._on_made(BundleMade(path=bundle.path))
    assert tabs.name == "explore"
    assert flatjam.session.bundle.path == bundle.path
