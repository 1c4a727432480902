"""The window's end of the wire to a process that it starts and keeps alive."""

from __future__ import annotations

import logging
import multiprocessing
from typing import Any

from pydantic import TypeAdapter
from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.services.child_process import ChildProcess
from fmvae_core.ipc import Connection, Endpoint, Message, connect
from fmvae_core.restarts import Restarts

log = logging.getLogger(__name__)

_GRACE_MS = 1000


class ProcessClient(QObject):
    """Starts a process, connects to it, and starts it again when it dies.

    A subclass says what is sent and received. It overrides `_config`, `_on_connected`,
    `_on_message` and `_on_gone`, and calls `_tell_recovered` once the process is of use.

    Parameters
    ----------
    module
        The Python module to run.
    name
        Names the process in logs.
    events
        Type adapter of the messages that it sends.
    quit_message
        Asks it to end.

    Signals
    -------
    lost(str)
        The process is gone; how. It is being started again.
    recovered()
        It is back.
    gave_up(str)
        It died too often; `start` tries again.
    """

    lost = Signal(str)
    recovered = Signal()
    gave_up = Signal(str)

    _received = Signal(object, object)
    _closed = Signal(object)

    def __init__(
        self,
        module: str,
        name: str,
        events: TypeAdapter[Any],
        quit_message: Message,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._name = name
        self._events = events
        self._quit_message = quit_message
        self._child = ChildProcess(module, name, self)
        self._child.ready.connect(self._connect)
        self._child.ended.connect(self._on_ended)
        self._received.connect(self._on_received, Qt.ConnectionType.QueuedConnection)
        self._closed.connect(self._on_closed, Qt.ConnectionType.QueuedConnection)
        self._grace = QTimer(self, singleShot=True, interval=_GRACE_MS)
        self._grace.timeout.connect(self._child.kill)
        self._connection: Connection[Any] | None = None
        self._restarts = Restarts()
        self._closing = False
        self._recovering = False
        self.endpoint = Endpoint.new(name)

    @property
    def pid(self) -> int | None:
        """Number of the process that this window started."""
        return self._child.pid

    def close(self) -> None:
        """End the process; blocks until it is gone."""
        self._closing = True
        self._grace.stop()
        if self._connection is not None:
            self._connection.send(self._quit_message)
            self._connection.close()
            self._connection = None
        elif self._child.is_running:
            self._child.kill()
        self._child.wait_or_kill()

    # --- what a subclass says -------------------------------------------------------------------

    def _config(self) -> dict[str, Any]:
        """Return what the process needs to know at its start besides the endpoint."""
        return {}

    def _on_connected(self) -> None:
        """Tell the process what it has to know."""

    def _on_message(self, message: Message) -> None:
        """Take a message of the process."""
        raise NotImplementedError

    def _on_gone(self) -> None:
        """Forget what was true of a process that is gone. May be called more than once."""

    # --- what a subclass uses -------------------------------------------------------------------

    def _start(self) -> None:
        """Start the process because the user asked for it."""
        self._restarts.forget()
        self._spawn()

    def _send(self, message: Message) -> None:
        """Send a message if there is a process to take it."""
        if self._connection is not None:
            self._connection.send(message)

    def _tell_recovered(self) -> None:
        """Tell that the process works again, if it had been lost."""
        if self._recovering:
            self._recovering = False
            self.recovered.emit()

    def _open(self, endpoint: Endpoint) -> Connection[Any]:
        """Return a connection to a process that listens, for `_use`.

        Raises
        ------
        OSError, EOFError, multiprocessing.AuthenticationError
            If none answers there, or not as it should.
        """
        return connect(
            endpoint, self._events, self._received.emit, self._closed.emit, name=self._name
        )

    def _use(self, endpoint: Endpoint, connection: Connection[Any]) -> None:
        """Talk to the process at an endpoint from now on."""
        self.endpoint = endpoint
        self._connection = connection
        self._on_connected()

    # --- the process ----------------------------------------------------------------------------

    def _spawn(self) -> None:
        self._child.start(self.endpoint, **self._config())

    def _connect(self) -> None:
        try:
            connection = self._open(self.endpoint)
        except (OSError, EOFError, multiprocessing.AuthenticationError) as error:
            log.error("%s is ready but does not answer: %s", self._name, error)
            self._child.kill()
            return
        self._use(self.endpoint, connection)

    def _on_received(self, connection: Connection[Any], message: Message) -> None:
        if connection is self._connection:
            self._on_message(message)

    def _on_closed(self, connection: Connection[Any]) -> None:
        if connection is not self._connection or self._closing:
            return
        self._connection = None
        self._on_gone()
        if self._child.is_running:
            # It is about to end, and tells so; if it only hung up, it is of no use any more.
            self._grace.start()
        else:
            self._revive("it hung up")

    def _on_ended(self, how: str) -> None:
        self._grace.stop()  # the next one is another process
        self._connection = None
        if not self._closing:
            self._on_gone()
            self._revive(how)

    def _revive(self, how: str) -> None:
        self._recovering = True
        if self._restarts.allow():
            self.lost.emit(how)
            self._spawn()
        else:
            self.gave_up.emit(how)
