"""The model worker's own wire to the engine: a phrase gets there even while the window is stuck."""

from __future__ import annotations

import logging
import threading
from multiprocessing import AuthenticationError
from typing import Any

from fmvae_core.ipc import Connection, Endpoint, connect
from fmvae_core.live.messages import ENGINE_EVENTS, SetPhrase

log = logging.getLogger(__name__)

_RETRY_SECONDS = 0.25


class EngineLink:
    """Keeps a connection to the engine, and delivers the newest phrase again to a restarted one.

    `deliver` never blocks; connecting happens on a thread of its own, since an engine that hangs
    would hold up whoever knocks.

    Parameters
    ----------
    endpoint
        Where the engine listens, now and after a restart.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
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
                    on_message=lambda connection, message: None,  # the engine tells every client
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
            self._lost.wait()
            with self._lock:
                self._connection = None
            connection.close()
