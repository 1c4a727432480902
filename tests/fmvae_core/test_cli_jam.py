"""``flatjam jam``: a whole jam without a window, in processes of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import wave
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from fmvae_core.jam.journal import read_journal
from fmvae_core.jam.records import Answered, End, Played, Trouble
from fmvae_core.live.midi_list import of_one_interface
from tests.fmvae_core.live.jack import JackServer, wait_until
from tests.fmvae_core.live.kit import plugged

PATIENCE = 60.0


class JamCommand:
    """The command, and the lines it has printed."""

    def __init__(self, folder: Path, *options: str, jack: str = "flatjam-nobody") -> None:
        environment = {
            **os.environ,
            "FLATJAM_CACHE": str(folder),
            "FLATJAM_CONFIG": str(folder),
            "FLATJAM_AUDIO_DRIVER": "file",
            "FLATJAM_AUDIO_FILE": str(folder / "out.wav"),
            "JACK_DEFAULT_SERVER": jack,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fmvae_core.cli", "jam", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            text=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.strip())

    def wait_for(self, text: str, count: int = 1) -> None:
        def is_there() -> bool:
            assert self.process.poll() is None, self.lines
            return sum(text in line for line in self.lines) >= count

        wait_until(is_there, f"told '{text}'", PATIENCE)

    def child(self, module: str, but: int = 0) -> int:
        """Return the process id of a child that runs a module, once there is one."""
        found: list[int] = []

        def is_there() -> bool:
            found[:] = [pid for pid in self._children(module) if pid != but]
            return bool(found)

        wait_until(is_there, f"running {module}", PATIENCE)
        return found[0]

    def _children(self, module: str) -> Iterator[int]:
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            pids: list[str] = []
            with suppress(OSError):  # the thread has just ended
                pids = (task / "children").read_text().split()
            for pid in pids:
                with suppress(OSError):  # it has just ended
                    if module in Path(f"/proc/{pid}/cmdline").read_text().split("\0"):
                        yield int(pid)

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(PATIENCE)
        self._reader.join()
        return status

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[JamCommand]]:
    commands: list[JamCommand] = []
    yield commands
    for command in commands:
        command.close()


@pytest.mark.skipif(sys.platform != "linux", reason="looks for its children in /proc")
def test_a_jam_goes_on_when_the_model_dies_and_ends_cleanly(
    tmp_path: Path, started: list[JamCommand]
) -> None:
    journal = tmp_path / "take.jsonl"
    partner = ("--pull-to", "jazz", "--pull", "0.5", "--ask", "density=3", "--repeat")
    jam = JamCommand(tmp_path, "--tempo", "240", "--journal", str(journal), *partner)
    started.append(jam)
    jam.wait_for("COUNT-IN")
    jam.wait_for("The machine answers")
    engine, model = jam.child("fmvae_core.live"), jam.child("fmvae_core.inference")
    os.kill(model, signal.SIGKILL)
    new_model = jam.child("fmvae_core.inference", but=model)
    os.kill(new_model, signal.SIGSTOP)  # or it may be there before the machine's next turn
    jam.wait_for("The model has gone away")
    jam.wait_for("repeats its answer")
    os.kill(new_model, signal.SIGCONT)
    answers = sum("The machine answers" in line for line in jam.lines)
    jam.wait_for("The machine answers", answers + 1)  # the new model's
    assert jam.end() == 0
    assert jam.lines[-1] == "The jam is over."
    assert not Path(f"/proc/{engine}").exists()

    with wave.open(str(tmp_path / "out.wav")) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert np.abs(sound).max() > 1000
    take = read_journal(journal)
    assert take.head.tempo == 240.0
    assert take.head.partner.anchor is not None
    assert take.head.partner.pull == 0.5
    assert take.head.partner.asks == {"density": 3.0}
    assert not take.head.partner.no_repeat
    kinds = [type(record) for record in take.records]
    assert kinds[-1] is End
    assert {Answered, Played, Trouble} <= set(kinds)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--control", "start_stop=pedal"], "write start_stop=note:NUMBER or cc:NUMBER"),
        (["--control", "adventure=note:37"], "write adventure=cc:NUMBER"),
        (["--control", "speed=cc:21"], "choose one of"),
        (["--osc-peer", "nowhere"], "write HOST:PORT"),
        (["--pull-to", "polka"], "knows no style 'polka'; choose one of rock"),
        (["--ask", "loudness=1"], "write ATTRIBUTE=CHANGE"),
        (["--drum-map", "kazoo"], "choose one of"),
        (["--bundle", "nowhere"], "nowhere"),
        (["--journal", __file__], "never overwritten"),
        (["--journal", f"{__file__}/take.jsonl"], "cannot be written"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_starts(
    options: list[str], says: str, tmp_path: Path, started: list[JamCommand]
) -> None:
    jam = JamCommand(tmp_path, *options)
    started.append(jam)
    assert jam.process.wait(PATIENCE) == 2
    jam._reader.join()
    text = " ".join(jam.lines)
    assert says in text
    assert "Traceback" not in text
    assert not (tmp_path / "jam.log").exists()


def test_the_ports_are_listed(
    tmp_path: Path, started: list[JamCommand], monkeypatch: pytest.MonkeyPatch
) -> None:
    with JackServer() as server:
        monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
        with plugged():
            jam = JamCommand(tmp_path, "--list-ports", jack=server.name)
            started.append(jam)
            assert jam.process.wait(PATIENCE) == 0
            jam._reader.join()
    assert "in   kit:pads" in jam.lines


def test_of_two_interfaces_that_have_the_kit_one_is_listened_to() -> None:
    ports = ("Midi Through:Midi Through Port-0", "TD-17:TD-17 MIDI 1", "a2j:TD-17", "Nitro")
    chosen = of_one_interface(ports, ("ALSA", "ALSA", "Jack", "ALSA"))
    assert chosen == ("ALSA", ("TD-17:TD-17 MIDI 1", "Nitro"))
    assert of_one_interface(ports[::2], ("ALSA", "Jack")) == ("Jack", ("a2j:TD-17",))
    assert of_one_interface(ports[:1], ("ALSA",)) == ("", ())
