"""A model worker as a real process, and a stand at the engine's place on the wire."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from fmvae_core.inference.messages import WORKER_EVENTS, BundleReady
from fmvae_core.ipc import Connection, Endpoint, Message, Server, connect
from fmvae_core.live.measure import PATIENCE, Mailbox, reap, start_process
from fmvae_core.live.messages import ENGINE_COMMANDS, EngineCommand

M = TypeVar("M", bound=Message)


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
        config = asdict(self.endpoint) | {
            "engine": asdict(engine) if engine else None,
            "bundle": str(bundle) if bundle else None,
            "corpus": str(corpus) if corpus else None,
        }
        self.process = start_process("fmvae_core.inference", config, environment)
        self.mail = Mailbox()
        self.closed = threading.Event()
        self.connection = self.connect(self.mail, self.closed)

    def connect(self, mail: Mailbox, closed: threading.Event) -> Connection[Any]:
        """Open one more connection."""
        return connect(self.endpoint, WORKER_EVENTS, mail.put, lambda connection: closed.set())

    def wait_until_open(self) -> BundleReady:
        return self.mail.wait_for(BundleReady)

    def ask(self, command: Message, answer: type[M]) -> M:
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
        reap(self.process)
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
