"""What the controls of a kit do, with a transport that only takes note."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pythonosc.udp_client import SimpleUDPClient

from fmvae_core.ipc import Message
from fmvae_core.jam.keeps import Keep, read_keeps
from fmvae_core.jam.messages import NamedAnchor
from fmvae_core.live.clock import Clock
from fmvae_core.live.control_messages import AnchorChosen, SetOsc
from fmvae_core.live.jam_messages import JamProblem, KeepPhrases, Kept, SetJam, StartJam
from fmvae_core.live.messages import SetTransport
from fmvae_core.live.midi_poll import MidiPoll
from fmvae_core.live.stage import Stage
from fmvae_core.music.phrase import Note, Phrase
from tests.fmvae_core.broker.rig import free_port
from tests.fmvae_core.live.jack import wait_until


class Transport:
    def __init__(self) -> None:
        self.state = SimpleNamespace(tempo=100.0)

    def change(self, wanted: SetTransport) -> None:
        self.state.tempo = wanted.tempo

    def stop(self) -> None: ...
    def release(self) -> None: ...
    def sound(self, events: list[Any]) -> None: ...


class Window:
    """A client, and all that every client is told."""

    def __init__(self) -> None:
        self.told: list[Message] = []
        self.transport = Transport()
        self.stage = Stage(Clock(), cast(Any, self.transport), self.told.append, lambda: None)

    def send(self, message: Message) -> None:
        raise AssertionError(message)

    @property
    def problems(self) -> list[str]:
        return [message.text for message in self.told if isinstance(message, JamProblem)]


@pytest.fixture
def window() -> Iterator[Window]:
    window = Window()
    yield window
    window.stage.close()


def test_a_pedal_that_cannot_start_a_jam_tells_why(window: Window, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    journal = tmp_path / "file" / "take.jsonl"
    window.stage.handle(window, StartJam(on_control=True, journal=journal))
    window.stage.control("start_stop", 1.0)
    assert len(window.problems) == 1
    assert "cannot be written" in window.problems[0]
    assert not window.stage.jam.is_running


def test_a_tempo_that_was_tapped_or_chosen_is_that_of_the_next_take(window: Window) -> None:
    window.stage.handle(window, StartJam(on_control=True, tempo=100.0))
    window.stage.control("tap", 1.0)
    window.stage.control("tap", 1.5)
    window.stage.control("start_stop", 2.0)
    assert window.stage.jam.tempo == 120.0
    window.stage.change(SetTransport(tempo=90.0))
    window.stage.control("start_stop", 3.0)
    assert not window.stage.jam.is_running
    window.stage.control("start_stop", 4.0)
    assert window.stage.jam.tempo == window.transport.state.tempo == 90.0


def test_a_pedal_and_osc_choose_what_answers_are_pulled_to(window: Window) -> None:
    stage = window.stage
    stage.control("anchor", 1.0)
    assert "nothing to be pulled to" in window.problems[0]
    points = {"A": (0.1, 0.2), "style:jazz": (1.0, 0.5), "style:funk": (0.0, 0.25)}
    anchors = tuple(NamedAnchor(name=name, z=z) for name, z in points.items())
    stage.handle(window, SetJam(anchors=anchors))
    chosen = []
    for seconds in (2.0, 3.0, 4.0, 5.0):
        stage.control("anchor", seconds)
        chosen.append(window.told[-1])
    names = ("A", "style:jazz", "style:funk", "A")
    assert chosen == [AnchorChosen(name=name) for name in names]
    assert stage.jam.partner.anchor == points["A"]
    port = free_port(socket.SOCK_DGRAM)
    stage.handle(window, SetOsc(port=port))
    osc = SimpleUDPClient("127.0.0.1", port)
    with osc._sock:  # it has no way of its own to be closed
        osc.send_message("/flatjam/anchor", "style:funk")
        wait_until(lambda: window.told[-1] == AnchorChosen(name="style:funk"), "chosen by name")
        osc.send_message("/flatjam/no_repeat", 0)
        wait_until(lambda: not stage.jam.partner.no_repeat, "allowed to repeat")
    assert stage.jam.partner.anchor == points["style:funk"]
    stage.control("start_stop", 6.0)  # the next take goes on so
    assert stage.jam.partner.anchor == points["style:funk"]
    assert not stage.jam.partner.no_repeat


def test_keep_saves_what_was_played_or_says_that_nothing_was(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.stage.control("keep", 1.0)
    assert "nothing has been played" in window.problems[0]
    keep = Keep(when=1e9, tempo=90.0, human=Phrase((Note(0.0, 36, 90),), 1), machine=None)
    monkeypatch.setattr(window.stage.jam, "keep", lambda tempo: keep)
    window.stage.handle(window, KeepPhrases())
    wait_until(lambda: any(isinstance(each, Kept) for each in window.told), "kept")
    kept = next(each for each in window.told if isinstance(each, Kept))
    assert [saved.path for saved in read_keeps()[0]] == [kept.path]


def test_a_keep_that_cannot_be_written_is_told(
    window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FLATJAM_USER_DATA", str(tmp_path / "file"))
    keep = Keep(when=1e9, tempo=90.0, human=Phrase((Note(0.0, 36, 90),), 1), machine=None)
    monkeypatch.setattr(window.stage.jam, "keep", lambda tempo: keep)
    window.stage.control("keep", 1.0)
    wait_until(lambda: bool(window.problems), "told")
    assert "could not be kept" in window.problems[0]


class Port:
    def __init__(self, *messages: list[int]) -> None:
        self.messages = list(messages)

    def get_message(self) -> tuple[list[int], float] | None:
        return (self.messages.pop(0), time.monotonic()) if self.messages else None


def test_a_message_that_fails_does_not_keep_the_next_from_being_heard(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard = threading.Event()

    def take(name: str, data: list[int]) -> None:
        if data == [1]:
            raise RuntimeError("the first is bad")
        heard.set()

    poll, port = MidiPoll(take), Port([1], [2])
    poll.add(port, "kit")
    wait_until(heard.is_set, "heard")
    poll.remove(port)
    assert "the first is bad" in caplog.text
