"""OSC in and out, over real sockets of this machine."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket

from fmvae_core.ipc import Message
from fmvae_core.jam.rules import State
from fmvae_core.live.control_messages import OscState, SetOsc
from fmvae_core.live.jam_messages import JamProblem, JamState
from fmvae_core.live.osc import LARGEST, Osc, parse_peer
from tests.fmvae_core.broker.rig import free_port
from tests.fmvae_core.live.jack import wait_until


class Engine:
    """What OSC steers, and a program that sends it."""

    def __init__(self) -> None:
        self.done: list[Any] = []
        self.told: list[Message] = []
        self.osc = Osc(
            self.done.append,
            lambda name, value: self.done.append((name, value)),
            self._choose,
            self.told.append,
        )
        self.port = free_port(socket.SOCK_DGRAM)
        self.osc.change(SetOsc(port=self.port))
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def _choose(self, name: str) -> None:
        if name != "style:jazz":
            raise ValueError(f"there is no anchor '{name}'")
        self.done.append(("anchor", name))

    def raw(self, data: bytes) -> None:
        self.socket.sendto(data, ("127.0.0.1", self.port))

    def send(self, address: str, *values: object) -> None:
        self.raw(_message(address, *values).dgram)

    def wait_for(self, taken: int, refused: int = 0) -> None:
        def is_there() -> bool:
            state = self.osc.state
            return (state.taken, state.refused) == (taken, refused)

        wait_until(is_there, f"counted: {self.osc.state}")

    def close(self) -> None:
        self.osc.close()
        self.socket.close()


def _message(address: str, *values: Any) -> Any:
    builder = OscMessageBuilder(address=address)
    for value in values:
        builder.add_arg(value)
    return builder.build()


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.close()


def test_switches_and_settings(engine: Engine) -> None:
    engine.send("/flatjam/start")
    engine.send("/flatjam/tap", 1.0)
    engine.send("/flatjam/tap", 0.0)  # a button that is let go
    engine.send("/flatjam/tempo", 133.5)
    engine.send("/flatjam/adventure", 4)
    engine.send("/flatjam/ask", "density", 2.0)
    engine.send("/flatjam/level", "machine", 0.5)
    bundle = OscBundleBuilder(IMMEDIATELY)
    bundle.add_content(_message("/flatjam/keep"))
    bundle.add_content(_message("/flatjam/stop"))
    engine.raw(bundle.build().dgram)
    engine.send("/flatjam/anchor")
    engine.send("/flatjam/anchor", 0)
    engine.send("/flatjam/anchor", "style:jazz")
    engine.send("/flatjam/no_repeat", 0)
    engine.wait_for(12)
    assert engine.done == [
        "start",
        "tap",
        ("tempo", 133.5),
        ("adventure", 4.0),
        ("ask:density", 2.0),
        ("level:machine", 0.5),
        "keep",
        "stop",
        "anchor",
        ("anchor", "style:jazz"),
        ("no_repeat", 0.0),
    ]


def test_what_means_nothing_is_counted_and_told_once(engine: Engine) -> None:
    bad = [
        _message("/flatjam/volume", 1.0).dgram,
        _message("/other/start").dgram,
        _message("/flatjam/tempo").dgram,
        _message("/flatjam/tempo", "fast").dgram,
        _message("/flatjam/tempo", True).dgram,
        _message("/flatjam/tempo", float("nan")).dgram,
        _message("/flatjam/ask", 1.0, 2.0).dgram,
        _message("/flatjam/anchor", "style:polka").dgram,
        _message("/flatjam/ask", "loudness", 2.0).dgram,
        _message("/flatjam/tempo", "x" * LARGEST).dgram,
        b"hello",
        b"",
        b"#bundle\0" * 100,
    ]
    dice = random.Random(3)
    bad += [dice.randbytes(dice.randrange(1, 200)) for _ in range(300)]
    for number, data in enumerate(bad, start=1):
        engine.raw(data)
        engine.wait_for(0, number)
    assert engine.done == []
    assert [type(message) for message in engine.told] == [OscState, JamProblem, OscState]
    engine.send("/flatjam/start")
    engine.wait_for(1, len(bad))
    assert engine.done == ["start"]


def test_a_peer_is_told_where_the_jam_is(engine: Engine) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(20.0)
        engine.osc.change(SetOsc(peer=f"localhost:{peer.getsockname()[1]}"))
        assert engine.osc.state.port == engine.port, "as it was"
        engine.osc.send_state(
            JamState(
                state=State.LISTENING, bar=2, beat=3, bars=2, tempo=90.0, time=0.0, can_answer=True
            )
        )
        heard = [OscPacket(peer.recv(LARGEST)).messages[0].message for _ in range(3)]
    assert [(message.address, *message.params) for message in heard] == [
        ("/flatjam/state", "listening"),
        ("/flatjam/bar", 2),
        ("/flatjam/beat", 3),
    ]


def test_a_port_that_is_taken_is_refused_in_words(engine: Engine) -> None:
    other = Osc(engine.done.append, lambda *_: None, lambda _: None, engine.told.append)
    with pytest.raises(OSError, match="choose another port"):
        other.change(SetOsc(port=engine.port))
    engine.osc.change(SetOsc(port=0))
    other.change(SetOsc(port=engine.port))
    other.close()


@pytest.mark.parametrize("text", ["nowhere", ":9000", "here:", "127.0.0.1:0", "127.0.0.1:x"])
def test_a_peer_needs_an_address(text: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        parse_peer(text)
