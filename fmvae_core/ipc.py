"""How the processes of Flatjam talk: small typed messages over local pipes.

Each process that offers a service (engine, model worker) runs a `Server`; whoever needs it opens a
`Connection` with `connect`. Messages are pydantic models sent as JSON over
`multiprocessing.connection` (a Unix socket, or a named pipe on Windows) behind its key exchange;
nothing is pickled, and nothing listens on the network.

A peer that has stopped reading never blocks a sender: each connection has a writer thread and a
bounded outbox, and where the outbox is full the oldest message is dropped.
"""

from __future__ import annotations

import logging
import os
import queue
import secrets
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Client, Listener
from multiprocessing.connection import Connection as Pipe
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

log = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
_OUTBOX = 512


class Message(BaseModel):
    """Base of all messages. Each subclass has a literal field ``kind`` that names it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class Endpoint:
    """Where a server listens, and the key that a client must know."""

    address: str
    key: str

    @classmethod
    def new(cls, name: str) -> Endpoint:
        """Return a fresh private endpoint."""
        token = secrets.token_hex(4)
        if sys.platform == "win32":
            address = rf"\\.\pipe\flatjam-{name}-{os.getpid()}-{token}"
        else:
            # A folder of mode 0700: other users cannot even reach the socket.
            address = os.path.join(tempfile.mkdtemp(prefix="flatjam-"), f"{name}.sock")
        return cls(address, secrets.token_hex(16))


class Connection(Generic[M]):
    """One end of a conversation. `send` never blocks; incoming messages arrive on a reader thread.

    Parameters
    ----------
    pipe
        The open pipe.
    incoming
        Type adapter of the union of messages this end may receive.
    on_message
        Called on the reader thread with ``(connection, message)``.
    on_close
        Called once, on the reader thread, when the other end is gone.
    """

    def __init__(
        self,
        pipe: Pipe,
        incoming: TypeAdapter[M],
        on_message: Callable[[Connection[M], M], None],
        on_close: Callable[[Connection[M]], None],
        name: str,
    ) -> None:
        self._pipe = pipe
        self._incoming = incoming
        self._on_message = on_message
        self._on_close = on_close
        self._outbox: deque[bytes] = deque(maxlen=_OUTBOX)
        self._wake: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._threads = (
            threading.Thread(target=self._write, name=f"{name}-write", daemon=True),
            threading.Thread(target=self._read, name=f"{name}-read", daemon=True),
        )

    def start(self) -> None:
        """Begin to read and write; apart from the constructor so that callbacks find it stored."""
        for thread in self._threads:
            thread.start()

    @property
    def is_open(self) -> bool:
        """Whether the other end was still there when last heard of."""
        return not self._closed.is_set()

    def send(self, message: Message) -> None:
        """Queue a message; on a closed connection it is dropped (`on_close` has told of that)."""
        self._outbox.append(message.model_dump_json().encode())
        self._wake.put(True)

    def close(self) -> None:
        """Hang up, after what is queued has been handed to the system."""
        self._wake.put(False)
        if threading.current_thread() is not self._threads[0]:
            self._threads[0].join(timeout=1.0)
        self._hang_up()

    def _hang_up(self) -> None:
        self._closed.set()
        self._pipe.close()

    def _write(self) -> None:
        while self._wake.get():
            try:
                message = self._outbox.popleft()
            except IndexError:  # dropped from a full outbox after its wake-up was queued
                continue
            try:
                self._pipe.send_bytes(message)
            except (OSError, ValueError):  # the reader notices and reports
                return

    def _read(self) -> None:
        try:
            while True:
                data = self._pipe.recv_bytes(MAX_MESSAGE_BYTES)
                try:
                    message = self._incoming.validate_json(data)
                except ValidationError as error:
                    log.error("refused a message: %s", error)
                    continue
                self._on_message(self, message)
        except (EOFError, OSError):
            pass  # the other end is gone, or close() was called: both end in on_close
        finally:
            self._closed.set()
            self._wake.put(False)
            self._on_close(self)


class Server(Generic[M]):
    """Accepts connections at an endpoint and hands their messages to one callback.

    Callbacks run on reader threads, one a client.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        incoming: TypeAdapter[M],
        on_message: Callable[[Connection[M], M], None],
        on_connect: Callable[[Connection[M]], None] = lambda connection: None,
        on_disconnect: Callable[[Connection[M]], None] = lambda connection: None,
    ) -> None:
        self._incoming = incoming
        self._on_message = on_message
        self._on_connect = on_connect
        self._on_disconnect = on_disconnect
        self._lock = threading.Lock()
        self._connections: list[Connection[M]] = []
        self._stopping = False
        self._endpoint = endpoint
        self._listener = Listener(endpoint.address, authkey=endpoint.key.encode())
        self._thread = threading.Thread(target=self._accept, name="ipc-accept", daemon=True)
        self._thread.start()

    @property
    def connections(self) -> tuple[Connection[M], ...]:
        """The clients that are connected now."""
        with self._lock:
            return tuple(self._connections)

    def broadcast(self, message: Message) -> None:
        """Send a message to every client."""
        for connection in self.connections:
            connection.send(message)

    def close(self) -> None:
        """Stop accepting and hang up on every client."""
        self._stopping = True
        self._listener.close()
        for connection in self.connections:
            connection.close()
        if sys.platform != "win32":
            try:
                os.rmdir(os.path.dirname(self._endpoint.address))
            except OSError as error:
                log.debug("left %s: %s", self._endpoint.address, error)

    def _accept(self) -> None:
        while not self._stopping:
            try:
                pipe = self._listener.accept()
            except Exception as error:  # a client with a wrong key, or one that hung up at once
                if not self._stopping:
                    log.warning("refused a connection: %s", str(error) or type(error).__name__)
                continue
            connection: Connection[M] = Connection(
                pipe, self._incoming, self._on_message, self._forget, "ipc-client"
            )
            with self._lock:
                self._connections.append(connection)
            self._on_connect(connection)
            connection.start()

    def _forget(self, connection: Connection[M]) -> None:
        with self._lock:
            if connection in self._connections:
                self._connections.remove(connection)
        self._on_disconnect(connection)


def connect(
    endpoint: Endpoint,
    incoming: TypeAdapter[Any],
    on_message: Callable[[Connection[Any], Any], None],
    on_close: Callable[[Connection[Any]], None] = lambda connection: None,
    name: str = "ipc",
) -> Connection[Any]:
    """Open a connection to a server.

    Raises
    ------
    ConnectionError, FileNotFoundError
        If nobody listens there (yet).
    multiprocessing.AuthenticationError
        If the key is wrong.
    """
    pipe = Client(endpoint.address, authkey=endpoint.key.encode())
    connection: Connection[Any] = Connection(pipe, incoming, on_message, on_close, name)
    connection.start()
    return connection
