"""Conversations between real processes."""

from __future__ import annotations

import dataclasses
import json
import os
import queue
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from pathlib import Path

import pytest

from fmvae_core.ipc import MAX_MESSAGE_BYTES, Connection, Endpoint, Server, connect
from tests.fmvae_core.echo_process import SAYINGS, Say

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and sockets of Unix")

WAIT = 30.0  # seconds; a bound on failure, not a measure


class Echo:
    """An echo process and its endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.fmvae_core.echo_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(dataclasses.asdict(endpoint)) + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "ready\n"

    def end(self) -> str:
        """Kill the process if it still runs; return what it logged."""
        if self.process.poll() is None:
            self.process.kill()
        logged = self.process.communicate(timeout=WAIT)[1]
        shutil.rmtree(Path(self.endpoint.address).parent, ignore_errors=True)
        return logged


class Ear:
    """One client; keeps what it hears."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.heard: queue.Queue[Say] = queue.Queue()
        self.closed = threading.Event()
        self.closings = 0
        self.connection: Connection[Say] = connect(
            endpoint, SAYINGS, lambda _, message: self.heard.put(message), self._on_close
        )

    def _on_close(self, connection: Connection[Say]) -> None:
        self.closings += 1
        self.closed.set()

    def next(self) -> Say:
        return self.heard.get(timeout=WAIT)


@pytest.fixture
def echo() -> Iterator[Echo]:
    echo = Echo(Endpoint.new("echo"))
    yield echo
    echo.end()


@pytest.fixture
def ear(echo: Echo) -> Iterator[Ear]:
    ear = Ear(echo.endpoint)
    assert ear.next().text == "welcome"
    yield ear
    ear.connection.close()
    assert ear.closed.wait(WAIT)
    assert ear.closings == 1


def test_messages_arrive_whole_and_in_order(ear: Ear) -> None:
    sent = [Say(text="Grüße ♪ " * number, number=number) for number in range(200)]
    for message in sent:
        ear.connection.send(message)
    assert [ear.next() for _ in sent] == sent


def test_large_message_passes(ear: Ear) -> None:
    message = Say(text="x" * 2_000_000)
    ear.connection.send(message)
    assert ear.next() == message


def test_wrong_key_is_refused(echo: Echo, ear: Ear) -> None:
    with pytest.raises(AuthenticationError):
        Ear(Endpoint(echo.endpoint.address, "a wrong key"))
    ear.connection.send(Say(number=1))
    assert ear.next().number == 1
    assert "refused a connection" in echo.end()


def test_stranger_who_says_nothing_keeps_nobody_out(echo: Echo) -> None:
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(echo.endpoint.address)
        other = Ear(echo.endpoint)
        assert other.next().text == "welcome"
        other.connection.close()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe not json",
        b"[" * 10_000,
        b'{"kind": "shout", "text": "hey"}',
        b'{"kind": "say", "number": "many"}',
        b'{"kind": "say", "text": "hey", "extra": 1}',
    ],
)
def test_malformed_message_is_refused_and_the_connection_lives(echo: Echo, data: bytes) -> None:
    with Client(echo.endpoint.address, authkey=echo.endpoint.key.encode()) as pipe:
        assert SAYINGS.validate_json(pipe.recv_bytes()).text == "welcome"
        pipe.send_bytes(data)
        pipe.send_bytes(Say(number=7).model_dump_json().encode())
        assert SAYINGS.validate_json(pipe.recv_bytes()) == Say(number=7)
    assert "refused a message" in echo.end()


def test_oversized_message_ends_only_its_own_connection(echo: Echo, ear: Ear) -> None:
    with Client(echo.endpoint.address, authkey=echo.endpoint.key.encode()) as pipe:
        pipe.recv_bytes()
        with pytest.raises(OSError, match=r"reset|pipe"):
            pipe.send_bytes(b" " * (MAX_MESSAGE_BYTES + 1))
    assert ear.next().text == "one left"


def test_stopped_peer_never_blocks_the_sender(echo: Echo, ear: Ear) -> None:
    sent = 3_000
    echo.process.send_signal(signal.SIGSTOP)
    os.waitpid(echo.process.pid, os.WUNTRACED)  # it has stopped
    for number in range(sent):  # 60 MB: far more than the system or the outbox holds
        ear.connection.send(Say(text="x" * 20_000, number=number))
    echo.process.send_signal(signal.SIGCONT)

    numbers = [ear.next().number]
    while numbers[-1] != sent - 1:
        numbers.append(ear.next().number)
    assert numbers == sorted(set(numbers))
    assert len(numbers) < sent  # the oldest were dropped, the newest came


def test_closing_does_not_wait_for_a_stopped_peer(echo: Echo) -> None:
    ear = Ear(echo.endpoint)
    ear.next()
    echo.process.send_signal(signal.SIGSTOP)
    os.waitpid(echo.process.pid, os.WUNTRACED)
    for number in range(100):
        ear.connection.send(Say(text="x" * 20_000, number=number))
    ear.connection.close()
    assert ear.closed.wait(WAIT)
    assert not ear.connection.is_open
    echo.process.send_signal(signal.SIGCONT)


def test_what_was_sent_before_closing_arrives(echo: Echo) -> None:
    ear = Ear(echo.endpoint)
    ear.connection.send(Say(text="quit"))
    ear.connection.close()
    assert echo.process.wait(WAIT) == 0


def test_server_learns_that_a_client_left(echo: Echo, ear: Ear) -> None:
    other = Ear(echo.endpoint)
    other.next()
    other.connection.close()
    assert ear.next().text == "one left"


def test_client_learns_that_the_server_quit(echo: Echo) -> None:
    ear = Ear(echo.endpoint)
    ear.connection.send(Say(text="quit"))
    assert ear.closed.wait(WAIT)
    assert not ear.connection.is_open
    ear.connection.send(Say(text="into the void"))
    ear.connection.close()
    assert ear.closings == 1
    assert echo.process.wait(WAIT) == 0
    assert not Path(echo.endpoint.address).parent.exists()
    with pytest.raises(FileNotFoundError):
        Ear(echo.endpoint)


def test_killed_server_is_noticed_and_can_be_restarted_at_its_endpoint(echo: Echo) -> None:
    ear = Ear(echo.endpoint)
    ear.next()
    echo.process.kill()
    assert ear.closed.wait(WAIT)
    echo.process.wait(WAIT)  # a dying process closes its connections before its listener
    with pytest.raises(ConnectionRefusedError):
        Ear(echo.endpoint)
    again = Echo(echo.endpoint)
    try:
        back = Ear(again.endpoint)
        assert back.next().text == "welcome"
        back.connection.close()
    finally:
        again.end()


def test_second_server_at_an_endpoint_is_refused(echo: Echo, ear: Ear) -> None:
    with pytest.raises(OSError, match="in use"):
        Server(echo.endpoint, SAYINGS, lambda connection, message: None)
    ear.connection.send(Say(number=3))
    assert ear.next().number == 3


def test_closed_server_leaves_no_thread_waiting() -> None:
    before = set(threading.enumerate())
    gone = threading.Event()
    heard: queue.Queue[Say] = queue.Queue()
    server: Server[Say] = Server(
        Endpoint.new("threads"),
        SAYINGS,
        lambda connection, message: heard.put(message),
        on_disconnect=lambda connection: gone.set(),
    )
    ear = Ear(server._endpoint)
    ear.connection.send(Say(number=5))
    assert heard.get(timeout=WAIT).number == 5
    assert len(server.connections) == 1
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(server._endpoint.address)
        server.close()
        assert ear.closed.wait(WAIT)
        assert gone.wait(WAIT)
        assert server.connections == ()
        for thread in set(threading.enumerate()) - before:
            thread.join(WAIT)
            assert not thread.is_alive(), thread.name


def test_endpoints_are_private() -> None:
    one, other = Endpoint.new("a"), Endpoint.new("a")
    assert one.address != other.address
    assert one.key != other.key
    for endpoint in (one, other):
        folder = Path(endpoint.address).parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        folder.rmdir()
