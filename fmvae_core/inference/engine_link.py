"""The model worker's own wire to the engine: music gets there even while the window is stuck."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from multiprocessing import AuthenticationError
from typing import Any

from fmvae_core.inference.messages import WorkerProblem
from fmvae_core.ipc import Connection, Endpoint, Message, connect
from fmvae_core.jam.messages import AnswerRequest
from fmvae_core.live.jam_messages import JamProblem, OfferAnswers
from fmvae_core.live.messages import ENGINE_EVENTS, SetPhrase

log = logging.getLogger(__name__)

_RETRY_SECONDS = 0.25


class JammingEngine:
    """An engine that has asked for an answer; whatever is sent to it goes back there.

    Parameters
    ----------
    connection
        The connection that the request came on.
    """

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection

    def send(self, message: Message) -> None:
        """Send an answer, or what kept the worker from one."""
        if isinstance(message, WorkerProblem):
            message = JamProblem(text=message.text, remedy=message.remedy)
        self._connection.send(message)


class EngineLink:
    """Keeps a connection to the engine; a restarted one gets the newest phrase and offer again.

    `deliver` never blocks; connecting happens on a thread of its own, since an engine that hangs
    would hold up whoever knocks.

    Parameters
    ----------
    endpoint
        Where the engine listens, now and after a restart.
    on_request
        Called on the connection's thread with whom to answer and each request of the engine's.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        on_request: Callable[[JammingEngine, AnswerRequest], None] = lambda engine, request: None,
    ) -> None:
        self._endpoint = endpoint
        self._on_request = on_request
        self._offer: OfferAnswers | None = None
        self._lock = threading.Lock()
        self._connection: Connection[Any] | None = None
        self._newest: SetPhrase | None = None
        self._lost = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="engine-link", daemon=True)
        self._thread.start()

    @property
    def is_open(self) -> bool:
        """Whether the engine is there."""
        connection = self._connection
        return connection is not None and connection.is_open

    def deliver(self, phrase: SetPhrase) -> None:
        """Send a phrase, or keep it until the engine is there."""
        with self._lock:
            self._newest = phrase
            if self._connection is not None:
                self._connection.send(phrase)

    def offer(self, offer: OfferAnswers | None) -> None:
        """Offer to answer in a jam, now and to an engine that restarts; ``None`` for no more."""
        with self._lock:
            if offer is None and self._offer is not None and self._connection is not None:
                self._connection.close()  # the engine takes it as the end of what was offered
            self._offer = offer
            if self._connection is not None and offer is not None:
                self._connection.send(offer)

    def close(self) -> None:
        """Hang up."""
        self._stopped.set()
        self._lost.set()
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _keep(self) -> None:
        while not self._stopped.is_set():
            self._lost.clear()
            try:
                connection = connect(
                    self._endpoint,
                    ENGINE_EVENTS,
                    on_message=self._receive,
                    on_close=lambda connection: self._lost.set(),
                    name="engine",
                )
            except (OSError, EOFError, AuthenticationError) as error:
                log.debug("the engine is not there: %r", error)
                self._stopped.wait(_RETRY_SECONDS)
                continue
            with self._lock:
                if self._stopped.is_set():
                    connection.close()
                    return
                self._connection = connection
                if self._newest is not None:
                    connection.send(self._newest)
                if self._offer is not None:
                    connection.send(self._offer)
            self._lost.wait()
            with self._lock:
                self._connection = None
            connection.close()

    def _receive(self, engine: Connection[Any], message: Any) -> None:
        if isinstance(message, AnswerRequest):  # the rest is what the engine tells every client
            self._on_request(JammingEngine(engine), message)
