"""A kit on a real MIDI port in the real window: plugged, unplugged, learnt."""

from __future__ import annotations

from functools import partial

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.application import Application
from app.jam.learn_kit import LearnKit
from app.jam.midi_panel import MidiPanel
from app.state.jam import JamChoices
from fmvae_core.files import config_dir
from fmvae_core.live.jam_messages import HumanHit
from fmvae_core.music.drums import DRUMS, drum_map, save_drum_map
from tests.app.conftest import PATIENCE, Start
from tests.app.jam.conftest import show
from tests.fmvae_core.live.jack import JackServer
from tests.fmvae_core.live.kit import Kit, plugged

PORT = "kit:pads"


def test_a_kit_is_found_lost_found_again_and_learnt(
    start: Start, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    with JackServer() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        flatjam = start()
        tab = show(flatjam, qtbot)
        panel, jam = tab.midi_panel, flatjam.engine.jam
        qtbot.waitUntil(lambda: jam.ports is not None and jam.ports.is_known, timeout=PATIENCE)
        assert "No MIDI kit" in panel.note.text()
        hits: list[HumanHit] = []
        jam.human_hit.connect(hits.append)

        def is_open() -> bool:
            return jam.ports is not None and PORT in jam.ports.open_inputs

        with plugged() as kit:
            qtbot.waitUntil(is_open, timeout=PATIENCE)
            assert panel.rows[PORT].tick.isChecked()
            with qtbot.waitSignal(jam.activity, timeout=PATIENCE):
                kit.send(0x99, 38, 90)
            qtbot.waitUntil(lambda: bool(hits), timeout=PATIENCE)
            assert (hits[0].drum, hits[0].velocity) == (1, 90)
            # A choice of the user's own outlasts the kit.
            qtbot.mouseClick(panel.rows[PORT].tick, Qt.MouseButton.LeftButton)
            qtbot.waitUntil(lambda: not is_open(), timeout=PATIENCE)
            qtbot.mouseClick(panel.rows[PORT].tick, Qt.MouseButton.LeftButton)
            qtbot.waitUntil(is_open, timeout=PATIENCE)
        qtbot.waitUntil(
            lambda: jam.ports is not None and PORT in jam.ports.missing, timeout=PATIENCE
        )
        assert "not there" in [label.text() for label in panel.rows[PORT].findChildren(QLabel)]

        with plugged() as kit:
            qtbot.waitUntil(is_open, timeout=PATIENCE)
            learn(tab.midi_panel, flatjam.window, kit, qtbot)
            chosen = flatjam.jam_choices.choices.drum_map
            assert drum_map(chosen).categories[101] == 1
            qtbot.waitUntil(
                lambda: jam.ports is not None and jam.ports.drum_map == chosen, timeout=PATIENCE
            )
            hits.clear()
            kit.send(0x99, 101, 77)
            qtbot.waitUntil(lambda: bool(hits), timeout=PATIENCE)
            assert hits[0].drum == 1
        flatjam.window.close()
        flatjam.close()


def learn(panel: MidiPanel, window: QWidget, kit: Kit, qtbot: QtBot) -> None:
    """Hit all pads but the ride, which the kit has not, and save the map."""
    qtbot.mouseClick(panel.learn, Qt.MouseButton.LeftButton)
    (dialog,) = window.findChildren(LearnKit)
    for index, drum in enumerate(DRUMS[:-1]):
        assert dialog.asked.text() == drum.title
        assert not dialog.save.isEnabled()
        kit.send(0x99, 100 + index, 90)
        kit.send(0x99, 100 + index, 40)  # it rings
        qtbot.waitUntil(partial(_is_past, dialog, drum.title), timeout=PATIENCE)
    qtbot.mouseClick(dialog.skip, Qt.MouseButton.LeftButton)
    assert "done" in dialog.asked.text()
    dialog.name.setText("General MIDI")
    assert "ships with Flatjam" in dialog.save.toolTip()
    dialog.name.setText("Attic")
    qtbot.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    assert panel.drum_map.currentText() == "Attic"


def _is_past(dialog: LearnKit, title: str) -> bool:
    return dialog.asked.text() != title


def test_a_drum_map_that_is_gone_gives_way_to_the_default(
    flatjam: Application, qtbot: QtBot
) -> None:
    default, notices = JamChoices().drum_map, flatjam.window.notices
    flatjam.jam_choices.choose(drum_map="cellar")  # as of settings that are older than the files
    tab = show(flatjam, qtbot)
    panel = tab.midi_panel
    assert panel.drum_map.currentData() == flatjam.jam_choices.choices.drum_map == default
    assert "'cellar' is not there" in notices.shown["drum-map"]

    save_drum_map("Attic", {40: 1})
    flatjam.jam_choices.choose(drum_map="attic")
    assert "drum-map" not in notices.shown
    (config_dir() / "drum_maps" / "attic.toml").unlink()
    qtbot.mouseClick(panel.learn, Qt.MouseButton.LeftButton)
    (dialog,) = flatjam.window.findChildren(LearnKit)
    assert dialog.isVisible()
    assert panel.drum_map.currentData() == default
    assert "'attic' is not there" in notices.shown["drum-map"]
    dialog.reject()
