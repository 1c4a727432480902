"""Knobs, pedals, clocks, OSC and the latency, in the real window."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from PySide6.QtCore import Qt, QTimer
from pytestqt.qtbot import QtBot
from pythonosc.udp_client import SimpleUDPClient

from app.application import Application
from app.jam.jam_tab import JamTab
from app.jam.latency_dialog import LatencyDialog
from app.state.settings import load_settings
from fmvae_core.jam.latencies import PADS, load_latencies
from fmvae_core.live.control_messages import OscState, Target
from fmvae_core.live.jam_messages import MidiPortsState
from fmvae_core.live.sync_messages import SyncState
from tests.app.conftest import PATIENCE, Start
from tests.app.jam.conftest import show
from tests.fmvae_core.live.jack import JackServer
from tests.fmvae_core.live.kit import Kit, plugged

CC, NOTE, TICK = 0xB0, 0x99, 0xF8


@pytest.fixture
def tab(flatjam: Application, qtbot: QtBot) -> JamTab:
    """The Jam tab, once the machine is ready."""
    return show(flatjam, qtbot)


@contextmanager
def plugged_into(server: JackServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kit]:
    """A kit on a server, on which the window's engine will be, too."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    with plugged() as kit:
        yield kit


def learn(
    tab: JamTab, kit: Kit, target: Target, message: tuple[int, int, int], qtbot: QtBot
) -> None:
    """Learn a control by its button and the control itself."""
    panel = tab.controls_panel
    qtbot.mouseClick(panel.learn[target], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.learning == target, timeout=PATIENCE)
    status, number, value = message
    for moved in (value, value - 20):  # a knob that only trembles is not meant
        kit.send(status, number, max(0, moved))
    qtbot.waitUntil(lambda: panel.learning is None, timeout=PATIENCE)
    kit.send(status, number, 0)


def test_knobs_and_pads_are_learnt_and_sliders_follow_them(
    start: Start, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    with JackServer() as server, plugged_into(server, monkeypatch) as kit:
        flatjam = start()
        tab = show(flatjam, qtbot)
        jam, panel = flatjam.engine.jam, tab.controls_panel
        tab.controls_panel.head.setChecked(True)
        qtbot.waitUntil(
            lambda: jam.ports is not None and "kit:pads" in jam.ports.open_inputs, timeout=PATIENCE
        )
        learn(tab, kit, "adventure", (CC, 20, 50), qtbot)
        assert panel.values["adventure"].text() == "CC 20"
        for value in (0, 30, 60, 90, 127):  # it has to be picked up first
            kit.send(CC, 20, value)
        qtbot.waitUntil(lambda: flatjam.jam_choices.choices.adventure == 32.0, timeout=PATIENCE)
        assert tab.partner_panel.adventure.text.startswith("32 hits")

        learn(tab, kit, "start_stop", (NOTE, 60, 90), qtbot)
        learn(tab, kit, "tap", (NOTE, 61, 90), qtbot)
        begin = time.monotonic() + 0.2
        for tap in range(4):
            kit.send(NOTE, 61, 90, at=begin + 0.4 * tap)
        qtbot.waitUntil(lambda: abs(flatjam.session.state.tempo - 150.0) < 10.0, timeout=PATIENCE)
        assert flatjam.session.undo.count() == 0
        time_box = flatjam.window.transport.tempo
        assert time_box.value() == pytest.approx(flatjam.session.state.tempo, abs=0.06)
        kit.send(NOTE, 60, 90)
        qtbot.waitUntil(lambda: flatjam.tabs.is_jamming, timeout=PATIENCE)
        assert jam.state is not None
        assert jam.state.take is not None  # it is written, as one that is started by hand

        qtbot.mouseClick(
            panel.forget["adventure"],
            Qt.MouseButton.LeftButton,
        )
        qtbot.waitUntil(lambda: panel.values["adventure"].text() == "–", timeout=PATIENCE)
        flatjam.save()
        saved = load_settings()[0].jam
        assert {each.target for each in saved.controls} == {"start_stop", "tap"}
        flatjam.window.close()
        flatjam.close()


def test_a_midi_clock_that_is_followed_sets_the_tempo(
    start: Start, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    with JackServer() as server, plugged_into(server, monkeypatch) as kit:
        flatjam = start()
        tab = show(flatjam, qtbot)
        jam, bar = flatjam.engine.jam, flatjam.window.transport
        qtbot.waitUntil(
            lambda: jam.ports is not None and "kit:pads" in jam.ports.open_inputs, timeout=PATIENCE
        )
        flatjam.session.edit("Set the tempo", tempo=90.0)
        flatjam.jam_choices.choose(follow="midi")
        qtbot.waitUntil(lambda: "No MIDI clock" in tab.sync_panel.state.text(), timeout=PATIENCE)
        told: list[tuple[SyncState, bool]] = []
        jam.sync_changed.connect(lambda state: told.append((state, bar.tempo.isEnabled())))
        begin = time.monotonic() + 0.5
        for tick in range(240):  # five seconds of 120 bpm
            kit.send(TICK, at=begin + tick * 60.0 / 120.0 / 24.0)
        qtbot.waitUntil(lambda: any(state.is_locked for state, _ in told), timeout=PATIENCE)
        qtbot.waitUntil(lambda: abs(flatjam.session.state.tempo - 120.0) < 3.0, timeout=PATIENCE)
        kit.sent(240)
        qtbot.waitUntil(lambda: not told[-1][0].is_locked, timeout=PATIENCE)
        # While it leads, the tempo is not for the user to change.
        assert all(state.is_locked != is_enabled for state, is_enabled in told)
        assert {state.source for state, _ in told if state.is_locked} == {"kit:pads"}
        assert bar.tempo.isEnabled()
        assert flatjam.session.undo.count() == 1  # the change by hand
        flatjam.window.close()
        flatjam.close()


def test_osc_steers_and_sliders_follow(flatjam: Application, tab: JamTab, qtbot: QtBot) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    states: list[OscState] = []
    flatjam.engine.jam.osc_changed.connect(states.append)
    tab.sync_panel.port.setValue(port)
    qtbot.waitUntil(lambda: any(state.port == port for state in states), timeout=PATIENCE)
    client = SimpleUDPClient("127.0.0.1", port)
    with client._sock:  # it has no way of its own to be closed
        steer(client, flatjam, tab, qtbot)


def steer(client: SimpleUDPClient, flatjam: Application, tab: JamTab, qtbot: QtBot) -> None:
    client.send_message("/flatjam/adventure", 12.0)
    qtbot.waitUntil(lambda: flatjam.jam_choices.choices.adventure == 12.0, timeout=PATIENCE)
    client.send_message("/flatjam/ask", ["density", 4.0])
    qtbot.waitUntil(lambda: tab.partner_panel.asks["density"].text == "+4 hits", timeout=PATIENCE)
    client.send_message("/flatjam/no_repeat", 0)
    qtbot.waitUntil(lambda: not tab.partner_panel.no_repeat.isChecked(), timeout=PATIENCE)
    client.send_message("/flatjam/anchor", [])  # from A on to B
    qtbot.waitUntil(lambda: flatjam.jam_choices.choices.pull_to == "B", timeout=PATIENCE)
    assert tab.partner_panel.pull_to.currentText().startswith("B: ")
    client.send_message("/flatjam/level", ["click", 0.3])
    qtbot.waitUntil(lambda: tab.panel.click_level.text == "30%", timeout=PATIENCE)
    client.send_message("/flatjam/start", [])
    qtbot.waitUntil(lambda: flatjam.tabs.is_jamming, timeout=PATIENCE)


def test_the_latency_is_measured_by_tapping_along(
    flatjam: Application, tab: JamTab, qtbot: QtBot
) -> None:
    tab.midi_panel.measure_asked.emit()
    (dialog,) = tab.view.findChildren(LatencyDialog)
    assert not dialog.save.isEnabled()
    tapping = QTimer(dialog, interval=600)  # the click's own tempo: all as late as one another
    tapping.setTimerType(Qt.TimerType.PreciseTimer)
    tapping.timeout.connect(lambda: qtbot.keyClick(dialog, Qt.Key.Key_A))
    tapping.start()
    qtbot.waitUntil(dialog.save.isEnabled, timeout=PATIENCE)
    tapping.stop()
    assert dialog.median.text().endswith(" ms")
    qtbot.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    milliseconds = load_latencies()[PADS]
    assert abs(milliseconds) <= 300.0  # half a beat, at most
    assert tab.midi_panel.latency.value() == pytest.approx(milliseconds, abs=0.06)
    # What is typed is kept, too.
    tab.midi_panel.latency.setValue(-12.5)
    assert load_latencies()[PADS] == -12.5


def test_the_latency_is_that_of_the_kit_that_was_measured(
    flatjam: Application, tab: JamTab
) -> None:
    jam, latency = flatjam.engine.jam, tab.midi_panel.latency

    def open_inputs(*names: str) -> None:
        jam.take(MidiPortsState(is_known=True, open_inputs=names, drum_map="general-midi"))

    open_inputs("knobs", "kit")
    tab.midi_panel.measure_asked.emit()
    (dialog,) = tab.view.findChildren(LatencyDialog)
    dialog.saved.emit("kit", 21.0)
    dialog.reject()
    assert latency.value() == 21.0
    latency.setValue(18.0)
    assert load_latencies() == {"kit": 18.0}
    open_inputs("knobs")
    assert latency.value() == 0.0
    open_inputs("knobs", "kit")  # also where it was measured in another session
    assert latency.value() == 18.0


def test_measuring_ends_with_the_engine(flatjam: Application, tab: JamTab, qtbot: QtBot) -> None:
    tab.midi_panel.measure_asked.emit()
    (dialog,) = tab.view.findChildren(LatencyDialog)
    qtbot.waitUntil(lambda: dialog.detail.text() == "Listening…", timeout=PATIENCE)
    assert not dialog.again.isEnabled()
    assert flatjam.engine.pid is not None
    os.kill(flatjam.engine.pid, signal.SIGKILL)
    qtbot.waitUntil(dialog.again.isEnabled, timeout=PATIENCE)
    assert dialog.detail.text() == "The click has ended."
