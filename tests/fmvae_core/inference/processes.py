"""A model worker as a real process, and a stand at the engine's place on the wire."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from fmvae_core.inference.messages import WORKER_EVENTS, BundleReady
from fmvae_core.ipc import Connection, Endpoint, Message, Server, connect
from fmvae_core.live.messages import ENGINE_COMMANDS, EngineCommand

E = TypeVar("E", bound=Message)
PATIENCE = 60.0


class Mailbox:
    """Messages in the order of their arrival, to be waited for."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.messages: list[Any] = []

    def put(self, connection: Connection[Any], message: Any) -> None:
        with self._changed:
            self.messages.append(message)
            self._changed.notify_all()

    def wait_for(self, kind: type[E], where: Callable[[E], bool] = lambda message: True) -> E:
        """Return the first message of a kind that fits, once it is there."""

        def found() -> E | None:
            fitting = (m for m in self.messages if isinstance(m, kind) and where(m))
            return next(fitting, None)

        with self._changed:
            message = self._changed.wait_for(found, PATIENCE)
        assert message is not None, f"no {kind.__name__} among {self.messages}"
        return message

    def all(self, kind: type[E]) -> list[E]:
        with self._changed:
            return [message for message in self.messages if isinstance(message, kind)]


class WorkerProcess:
    """``python -m fmvae_core.inference`` with one client, this one."""

    def __init__(
        self,
        bundle: Path | None,
        corpus: Path | None = None,
        engine: Endpoint | None = None,
        cache: Path | None = None,
    ) -> None:
        self.endpoint = Endpoint.new("worker")
        environment = dict(os.environ)
        if cache is not None:
            environment["FLATJAM_CACHE"] = str(cache)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fmvae_core.inference"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        line = asdict(self.endpoint) | {
            "engine": asdict(engine) if engine else None,
            "bundle": str(bundle) if bundle else None,
            "corpus": str(corpus) if corpus else None,
        }
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.close()
        assert self.process.stdout.readline() == "ready\n"
        self.mail = Mailbox()
        self.closed = threading.Event()
        self.connection = self.connect(self.mail, self.closed)

    def connect(self, mail: Mailbox, closed: threading.Event) -> Connection[Any]:
        """Open one more connection."""
        return connect(self.endpoint, WORKER_EVENTS, mail.put, lambda connection: closed.set())

    def wait_until_open(self) -> BundleReady:
        return self.mail.wait_for(BundleReady)

    def ask(self, command: Message, answer: type[E]) -> E:
        """Send a request and return the answer with its revision."""
        self.connection.send(command)
        revision = getattr(command, "revision", 0)
        return self.mail.wait_for(answer, lambda event: getattr(event, "revision", 0) == revision)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.connection.close()
        socket = Path(self.endpoint.address)
        if socket.exists():  # a killed worker leaves it
            socket.unlink()
            socket.parent.rmdir()


class EngineStand:
    """Listens where an engine would and keeps what it is told."""

    def __init__(self, endpoint: Endpoint) -> None:
        Path(endpoint.address).parent.mkdir(mode=0o700, exist_ok=True)
        self.mail = Mailbox()
        self._server: Server[EngineCommand] = Server(endpoint, ENGINE_COMMANDS, self.mail.put)

    def __enter__(self) -> EngineStand:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()

    def wait_until_connected(self) -> None:
        end = time.monotonic() + PATIENCE
        while not self._server.connections:
            assert time.monotonic() < end, "nobody connected"
            time.sleep(0.01)
