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
import socket
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Client, Listener, answer_challenge, deliver_challenge
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
        Called once, on the reader thread, when the other end is gone or `close` was called.
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
        self._pipe_lock = threading.Lock()
        self._writer = threading.Thread(target=self._write, name=f"{name}-write", daemon=True)
        self._reader = threading.Thread(target=self._read, name=f"{name}-read", daemon=True)

    def start(self) -> None:
        """Begin to read and write; apart from the constructor so that callbacks find it stored."""
        self._writer.start()
        self._reader.start()

    @property
    def is_open(self) -> bool:
        """Whether the other end was still there when last heard of."""
        return not self._closed.is_set()

    def send(self, message: Message) -> None:
        """Queue a message; on a closed connection it is dropped (`on_close` has told of that)."""
        self._outbox.append(message.model_dump_json().encode())
        self._wake.put(True)

    def close(self) -> None:
        """Hang up, after what is queued has been handed to the system (for a second at most)."""
        self._end_writer()
        self._closed.set()
        with self._pipe_lock:
            _shut(self._pipe)  # the reader notices, and cleans up

    def _end_writer(self) -> None:
        self._wake.put(False)
        if self._writer.is_alive():
            self._writer.join(timeout=1.0)

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
            with self._pipe_lock:
                _shut(self._pipe)
            self._end_writer()
            with self._pipe_lock:
                self._pipe.close()
            self._on_close(self)


def _shut(pipe: Pipe) -> None:
    """End a pipe for both ends and for the threads that wait in it.

    Closing it alone does not: a thread that waits in it keeps it open.
    """
    if sys.platform == "win32":
        pipe.close()
        return
    with suppress(OSError), socket.socket(fileno=os.dup(pipe.fileno())) as shared:
        shared.shutdown(socket.SHUT_RDWR)  # an error means that it has ended already


class Server(Generic[M]):
    """Accepts connections at an endpoint and hands their messages to one callback.

    Callbacks run on reader threads, one a client. What a crashed server left at the endpoint is
    taken over.

    Raises
    ------
    OSError
        If another server listens there.
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
        self._strangers: set[Pipe] = set()  # have not shown that they know the key
        self._stopping = threading.Event()
        self._endpoint = endpoint
        _clear_the_way(endpoint.address)
        self._listener = Listener(endpoint.address, backlog=16)
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
        self._stopping.set()
        with suppress(OSError):
            Client(self._endpoint.address).close()  # wakes accept(), which closing would not
        self._thread.join(timeout=1.0)
        self._listener.close()
        with self._lock:
            for pipe in self._strangers:
                _shut(pipe)
        for connection in self.connections:
            connection.close()
        if sys.platform != "win32":
            try:
                os.rmdir(os.path.dirname(self._endpoint.address))
            except OSError as error:
                log.debug("left %s: %s", self._endpoint.address, error)

    def _accept(self) -> None:
        while True:
            try:
                pipe = self._listener.accept()
            except OSError as error:
                if self._stopping.wait(0.1):
                    return
                log.warning("cannot accept a connection: %s", error)
                continue
            if self._stopping.is_set():
                pipe.close()
                return
            with self._lock:
                self._strangers.add(pipe)
            # On a thread of its own, so that one who says nothing keeps nobody else out.
            threading.Thread(
                target=self._welcome, args=(pipe,), name="ipc-welcome", daemon=True
            ).start()

    def _welcome(self, pipe: Pipe) -> None:
        key = self._endpoint.key.encode()
        try:
            deliver_challenge(pipe, key)
            answer_challenge(pipe, key)
        except Exception as error:  # a wrong key, gibberish, or gone already
            if not self._stopping.is_set():
                log.warning("refused a connection: %s", str(error) or type(error).__name__)
            with self._lock:
                self._strangers.discard(pipe)
                pipe.close()
            return
        connection: Connection[M] = Connection(
            pipe, self._incoming, self._on_message, self._forget, "ipc-client"
        )
        with self._lock:
            self._strangers.discard(pipe)
            if self._stopping.is_set():
                pipe.close()
                return
            self._connections.append(connection)
        self._on_connect(connection)
        connection.start()

    def _forget(self, connection: Connection[M]) -> None:
        with self._lock:
            if connection in self._connections:
                self._connections.remove(connection)
        self._on_disconnect(connection)


def _clear_the_way(address: str) -> None:
    """Remove what a server that was killed left where another is to listen."""
    if sys.platform == "win32":
        return  # a named pipe ends with its process
    os.makedirs(os.path.dirname(address), mode=0o700, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(address)
        except FileNotFoundError:
            pass
        except ConnectionRefusedError:
            os.unlink(address)
        # Where somebody does listen, Listener says so.


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
