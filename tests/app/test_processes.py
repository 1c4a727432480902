"""What happens when one of the three processes stands still or dies."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.application import Application
from fmvae_core.files import config_dir
from fmvae_core.ipc import Endpoint
from fmvae_core.live.measure import EngineClient
from fmvae_core.live.messages import Play, Position, Quit, SetTransport, Swapped
from fmvae_core.models.bundle import Bundle
from tests.app.conftest import PATIENCE, Start
from tests.app.sound import envelope, seconds_in

pytestmark = [
    pytest.mark.skipif(
        sys.platform == "win32", reason="processes are stopped and killed with Unix signals"
    ),
    pytest.mark.timeout(300),  # each starts several processes, some of them twice
]

_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def window_process(bundle: Bundle, audio_file: Path) -> Iterator[subprocess.Popen[str]]:
    """The window as a process of its own, once its model is loaded."""
    process = subprocess.Popen(
        [sys.executable, str(_ROOT / "main.py"), str(bundle.path), "--times"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["mark"] == "model":
            break
    yield process
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    process.wait(30.0)
    process.stdout.close()


def second_client() -> EngineClient:
    """Another client of the engine that the window has started."""
    table = json.loads((config_dir() / "engine.json").read_text("utf-8"))
    return EngineClient(Endpoint(table["address"], table["key"]))


def test_the_loop_plays_on_while_the_window_stands_still(
    window_process: subprocess.Popen[str], audio_file: Path
) -> None:
    client = second_client()
    try:
        client.send(SetTransport(tempo=240.0))
        client.send(Play())
        started = client.wait_for(Position, lambda position: position.revision > 0)
        window_process.send_signal(signal.SIGSTOP)
        mark, heard_from = client.mark(), seconds_in(audio_file)
        stopped_at = started.time
        client.wait_for(Position, lambda position: position.time > stopped_at + 2.5, since=mark)
        heard_to = seconds_in(audio_file)
        positions = [
            message for _, message in client.received[mark:] if isinstance(message, Position)
        ]
        window_process.send_signal(signal.SIGCONT)

        # The beat goes on with the clock, turn after turn of the loop.
        for earlier, later in itertools.pairwise(positions):
            beats = (later.time - earlier.time) * 240.0 / 60.0
            moved = (later.beat - earlier.beat) % earlier.beats
            assert moved == pytest.approx(beats % earlier.beats, abs=0.25)
        # Every second of it holds sound.
        assert heard_to - heard_from > 1.5
        for second in range(int(heard_to - heard_from)):
            assert envelope(audio_file, heard_from + second, 1.0).max() > 0.001
        # The window is well afterwards: the engine still has it as a client and it can close.
        window_process.send_signal(signal.SIGTERM)
        assert window_process.wait(30.0) == 0
    finally:
        client.close()


def test_a_window_that_comes_back_takes_over_the_sound_of_one_that_crashed(
    window_process: subprocess.Popen[str], start: Start, qtbot: QtBot
) -> None:
    file = config_dir() / "engine.json"
    assert file.stat().st_mode & 0o777 == 0o600
    client = second_client()
    client.send(Play())
    client.wait_for(Position)
    window_process.kill()
    window_process.wait()
    mark = client.mark()
    client.wait_for(Position, since=mark)  # it plays on

    flatjam = start()
    assert "engine-attached" in flatjam.window.notices.shown
    assert flatjam.engine.pid is None
    assert flatjam.engine.state is not None
    assert flatjam.engine.state.playing
    client.wait_for(Swapped, since=mark)
    flatjam.transport.toggle()
    qtbot.waitUntil(lambda: flatjam.engine.state is not None and not flatjam.engine.state.playing)
    client.send(Quit())
    client.close()
    qtbot.waitUntil(lambda: flatjam.engine.pid is not None, timeout=PATIENCE)


def test_a_killed_model_worker_is_reported_and_restarted(
    flatjam: Application, qtbot: QtBot
) -> None:
    notices = flatjam.window.notices
    pid = flatjam.model.pid
    assert pid is not None
    lost: list[str] = []
    flatjam.model.lost.connect(lost.append)
    with qtbot.waitSignal(flatjam.model.lost, timeout=PATIENCE):
        os.kill(pid, signal.SIGKILL)
    assert "worker-gone" in notices.shown
    assert "restarting" in flatjam.window.transport.worker.text

    # What is wanted meanwhile is answered as soon as it is back.
    before = flatjam.explore.phrase
    flatjam.journey.move(1.0)
    qtbot.waitUntil(lambda: flatjam.model.is_ready, timeout=PATIENCE)
    assert flatjam.model.pid != pid
    assert len(lost) == 1  # it takes a while to come back and is left in peace meanwhile
    assert "is back" in notices.shown["worker-gone"]
    qtbot.waitUntil(lambda: flatjam.explore.phrase != before, timeout=PATIENCE)


def test_a_killed_engine_is_reported_and_plays_again(
    flatjam: Application, audio_file: Path, qtbot: QtBot
) -> None:
    flatjam.session.edit("Set the tempo", tempo=200.0)
    flatjam.session.edit("Metronome", metronome=True)
    flatjam.transport.toggle()
    qtbot.waitUntil(lambda: flatjam.engine.state is not None and flatjam.engine.state.playing)
    pid = flatjam.engine.pid
    assert pid is not None
    with qtbot.waitSignal(flatjam.engine.lost, timeout=PATIENCE):
        os.kill(pid, signal.SIGKILL)
    assert "engine-gone" in flatjam.window.notices.shown
    assert not flatjam.window.actions_table["play.toggle"].isEnabled()
    with qtbot.waitSignal(flatjam.engine.recovered, timeout=PATIENCE):
        pass

    positions: list[Position] = []
    flatjam.engine.position.connect(positions.append)
    qtbot.waitUntil(lambda: any(p.revision > 0 for p in positions), timeout=PATIENCE)
    state = flatjam.engine.state
    assert state is not None
    assert state.playing
    assert state.tempo == 200.0
    assert state.metronome
    assert "is back" in flatjam.window.notices.shown["engine-gone"]
    begin = seconds_in(audio_file)
    qtbot.waitUntil(lambda: seconds_in(audio_file) > begin + 2.0, timeout=PATIENCE)
    assert envelope(audio_file, begin, 2.0).max() > 0.001


def test_an_engine_that_cannot_live_is_not_started_for_ever(
    flatjam: Application, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(flatjam.engine.gave_up, timeout=PATIENCE):
        for _ in range(5):
            pid = flatjam.engine.pid
            if pid is None:
                break
            os.kill(pid, signal.SIGKILL)
            qtbot.waitUntil(lambda pid=pid: flatjam.engine.pid != pid, timeout=PATIENCE)
    assert flatjam.engine.pid is None
    actions = flatjam.window.actions_table
    assert actions["play.restart_engine"].isEnabled()
    buttons = flatjam.window.notices.buttons("engine-gone")
    assert buttons[0].text() == "Start sound again"
    buttons[0].click()
    qtbot.waitUntil(lambda: flatjam.engine.state is not None, timeout=PATIENCE)
