"""``flatjam learn-kit`` with a kit on a real MIDI port."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fmvae_core.music.drums import DRUMS, drum_map
from tests.fmvae_core.live.jack import JackServer
from tests.fmvae_core.live.kit import plugged


def test_each_pad_is_hit_once_and_the_map_kept(
    jack_server: JackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", jack_server.name)
    monkeypatch.setenv("FLATJAM_CONFIG", str(tmp_path))
    command = subprocess.Popen(
        [sys.executable, "-m", "fmvae_core.cli", "learn-kit", "My kit", "--midi-in", "kit"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    assert command.stdin is not None
    assert command.stdout is not None
    with command, plugged() as kit:
        for index, drum in enumerate(DRUMS):
            line = ""
            while not line.startswith(f"Hit: {drum.title} "):
                line = command.stdout.readline()
                assert line, f"ended before it asked for {drum.title}"
            if drum.key == "crash":
                command.stdin.write("\n")
                continue
            kit.send(0x99, 70 + index, 90)
            kit.send(0x89, 70 + index, 0)
        assert "--drum-map my-kit" in command.stdout.read()
        assert command.wait() == 0
    learnt = drum_map("my-kit").categories
    assert [learnt.get(70 + index) for index in range(9)] == [0, 1, 2, 3, 4, 5, 6, None, 8]
    assert learnt[49] == 7, "what was not hit is as in General MIDI"
