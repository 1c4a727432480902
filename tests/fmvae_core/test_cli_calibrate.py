"""``flatjam calibrate``, with somebody who hears the click and plays on a kit."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fmvae_core.jam.latencies import latency_of, load_latencies, save_latency
from tests.fmvae_core.live.jack import Ears, JackServer, onsets, wait_until
from tests.fmvae_core.live.kit import plugged

REACTION = 0.080


@pytest.fixture
def jack_server() -> Iterator[JackServer]:
    with JackServer() as server:
        yield server


def test_the_latency_of_a_kit_is_measured_and_remembered(
    jack_server: JackServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", jack_server.name)
    monkeypatch.setenv("FLATJAM_CONFIG", str(tmp_path))
    options = ["--midi-in", "kit", "--hits", "4", "--tempo", "120"]
    with plugged() as kit, Ears(jack_server) as ears:
        command = subprocess.Popen(
            [sys.executable, "-m", "fmvae_core.cli", "calibrate", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **jack_server.environment},
            text=True,
        )
        lines: list[str] = []
        assert command.stdout is not None
        reader = threading.Thread(target=lines.extend, args=(command.stdout,), daemon=True)
        reader.start()
        try:
            ears.attach()
            begin, heard = ears.now, 0

            def plays_along() -> bool:
                nonlocal heard
                for click in onsets(ears.heard(begin, ears.now), 0.01, gap=0.2)[heard:]:
                    heard += 1
                    kit.send(0x99, 38, 90, at=ears.time_of(begin + click) + REACTION)
                return command.poll() is not None

            wait_until(plays_along, "measured", 90.0)
            reader.join()
        finally:
            if command.poll() is None:
                command.kill()
                command.wait()
            command.stdout.close()
    assert command.returncode == 0, lines
    assert 1000.0 * REACTION - 10.0 < load_latencies()["kit:pads"] < 250.0, lines
    assert "kit:pads" in lines[-1]


def test_each_device_has_its_own_latency() -> None:
    assert latency_of(["TD-17"]) == 0.0
    save_latency("TD-17:TD-17 MIDI 1", 12.34)
    save_latency("Nitro", -3.0)
    save_latency("Nitro", -4.0)
    assert load_latencies() == {"TD-17:TD-17 MIDI 1": 12.3, "Nitro": -4.0}
    assert latency_of(["virtual", "td-17"]) == 12.3
    assert latency_of(["nitro", "td-17"]) == -4.0


def test_a_file_that_cannot_be_read_means_that_nothing_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLATJAM_CONFIG", str(tmp_path))
    (tmp_path / "latencies.json").write_text("{")
    assert load_latencies() == {}
    save_latency("Nitro", 5.0)
    assert load_latencies() == {"Nitro": 5.0}
