"""The processes of a jam without a window: the engine, and a model worker kept alive."""

from __future__ import annotations

import threading
from dataclasses import asdict
from functools import partial
from multiprocessing import AuthenticationError
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from fmvae_core.inference.messages import (
    WORKER_EVENTS,
    BrokerState,
    BundleReady,
    QuitWorker,
    SetBroker,
    WorkerProblem,
)
from fmvae_core.ipc import Connection, Endpoint, connect
from fmvae_core.jam.messages import Answer, AnswerRequest
from fmvae_core.live.measure import EngineProcess, Mailbox, reap, start_process
from fmvae_core.music.phrase import Phrase
from fmvae_core.restarts import Restarts

_MOST_RESTARTS, _RESTARTS_SECONDS = 5, 60.0
_PAUSE_SECONDS = 10.0
_LOOK_SECONDS = 0.25


class ModelProcess:
    """A model worker that answers an engine; one that dies is started again.

    Parameters
    ----------
    bundle
        Folder of the bundle.
    bars
        Length of its phrases.
    engine
        Where the engine listens.
    log
        Where the worker's standard error goes.
    broker
        Which one it joins, if any.
    """

    def __init__(
        self,
        bundle: Path,
        bars: int,
        engine: Endpoint,
        log: IO[str],
        broker: SetBroker | None = None,
    ) -> None:
        self._bundle = bundle
        self._broker = broker
        self._bars = bars
        self._engine = engine
        self._log = log
        self._ending = threading.Event()
        self.ready = threading.Event()
        """Set while a worker is there that has got ready to answer."""
        self.problem = ""
        """Why there is none and will be none, in words for the user; only before the first."""
        self.warning = ""
        """Why there is none at the moment, though it is tried again; empty once there is one."""
        self.broker: BrokerState | None = None
        """How things are with the broker, once that is known."""
        self._has_been_ready = False
        self._thread = threading.Thread(target=self._keep, name="model", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the worker."""
        self._ending.set()
        self._thread.join()

    def _keep(self) -> None:
        restarts = Restarts(_MOST_RESTARTS, _RESTARTS_SECONDS)
        while True:
            self._run()
            self.ready.clear()
            if self._ending.is_set() or self.problem:
                return
            if not restarts.allow():
                self._fail(f"The model worker dies again and again; see {self._log.name}")
                if not self._has_been_ready or self._ending.wait(_PAUSE_SECONDS):
                    return

    def _fail(self, text: str) -> None:
        """Tell why there is no worker. A jam that runs goes on: the machine repeats its answer."""
        if self._has_been_ready:
            self.warning = text
        else:
            self.problem = text

    def _run(self) -> None:
        """Run one worker to its end."""
        endpoint = Endpoint.new("worker")
        config: dict[str, Any] = asdict(endpoint) | {
            "engine": asdict(self._engine),
            "bundle": str(self._bundle),
            "broker": None if self._broker is None else self._broker.model_dump(),
        }
        try:
            process = start_process("fmvae_core.inference", config, log=self._log)
        except (OSError, RuntimeError):
            return
        mail = Mailbox()
        gone = threading.Event()
        connection: Connection[Any] | None = None
        try:
            connection = connect(
                endpoint, WORKER_EVENTS, partial(self._take, mail), lambda _: gone.set()
            )
            self._get_ready(connection, mail, gone)
            while not gone.wait(_LOOK_SECONDS) and not self._ending.is_set():
                pass
            connection.send(QuitWorker())
            gone.wait(5.0)
        except (OSError, EOFError, AuthenticationError):
            pass  # it has died already, before it listened or while it greeted us
        finally:
            if connection is not None:
                connection.close()
            if process.poll() is None and not gone.is_set():
                process.kill()
            reap(process)
            Path(endpoint.address).unlink(missing_ok=True)  # a killed worker leaves it

    def _take(self, mail: Mailbox, connection: Connection[Any], message: Any) -> None:
        if isinstance(message, BrokerState):
            self.broker = message
        else:
            mail.put(connection, message)

    def _get_ready(self, connection: Connection[Any], mail: Mailbox, gone: threading.Event) -> None:
        """Have the worker answer once: it measures its bundle first, and a jam does not wait."""
        while not mail.all(BundleReady) and not mail.all(WorkerProblem):
            if gone.wait(0.05) or self._ending.is_set():
                return
        if not mail.all(WorkerProblem):
            silence = Phrase((), self._bars)
            connection.send(AnswerRequest(number=0, phrase=silence, is_final=True, seed=0))
        while not mail.all(Answer):
            problems = mail.all(WorkerProblem)
            if problems:
                self._fail(f"{problems[0].text}. {problems[0].remedy}")
                return
            if gone.wait(0.05) or self._ending.is_set():
                return
        self._has_been_ready = True
        self.warning = ""
        self.ready.set()


class JamProcesses:
    """An engine and a model worker for as long as the block lasts.

    Parameters
    ----------
    bundle, bars, broker
        As for `ModelProcess`.
    log
        File for what the two say.
    """

    def __init__(self, bundle: Path, bars: int, log: Path, broker: SetBroker | None = None) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log = log.open("w", encoding="utf-8")
        try:
            self.engine = EngineProcess(log=self._log)
        except BaseException:
            self._log.close()
            raise
        self.model = ModelProcess(bundle, bars, self.engine.endpoint, self._log, broker)

    def __enter__(self) -> JamProcesses:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.model.close()
        self.engine.close()
        self._log.close()
