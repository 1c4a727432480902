"""The window's end of the wire to the engine."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import sys
from pathlib import Path
from typing import Any

from PySide6.QtCore import QLockFile, QObject, Qt, QTimer, Signal

from app.services.child_process import ChildProcess
from app.services.restarts import Restarts
from fmvae_core.files import config_dir, replacing
from fmvae_core.ipc import Connection, Endpoint, Message, connect
from fmvae_core.live.messages import (
    ENGINE_EVENTS,
    EngineState,
    Panic,
    Play,
    Position,
    Quit,
    SetPhrase,
    SetSound,
    SetTransport,
    Stop,
    Swapped,
)
from fmvae_core.music.phrase import Phrase

log = logging.getLogger(__name__)

_GRACE_MS = 1000


class EngineClient(QObject):
    """Starts the engine, talks to it, and brings it back with all it knew when it dies.

    Signals
    -------
    state_changed(EngineState), position(Position), swapped(Swapped)
        What the engine tells.
    lost(str)
        The engine is gone; how. It is being started again.
    recovered()
        It is back, with phrase, tempo and play state.
    gave_up(str)
        It died too often; `start` tries again.
    attached()
        An engine was found that a window left behind when it crashed.
    """

    state_changed = Signal(object)
    position = Signal(object)
    swapped = Signal(object)
    lost = Signal(str)
    recovered = Signal()
    gave_up = Signal(str)
    attached = Signal()

    _received = Signal(object, object)
    _closed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._child = ChildProcess("fmvae_core.live", "engine", self)
        self._child.ready.connect(self._connect)
        self._child.ended.connect(self._on_ended)
        self._received.connect(self._on_message, Qt.ConnectionType.QueuedConnection)
        self._closed.connect(self._on_closed, Qt.ConnectionType.QueuedConnection)
        self._connection: Connection[Any] | None = None
        self._restarts = Restarts()
        self._closing = False
        self._recovering = False
        self._state: EngineState | None = None
        self._transport: dict[str, Any] = {}
        self._sound: dict[str, Any] = {}
        self._phrase: SetPhrase | None = None
        self._playing = False
        self._runtime_file = config_dir() / "engine.json"
        self._lock = QLockFile(str(config_dir() / "engine.lock"))
        self._owns_runtime_file = False
        self.endpoint = Endpoint.new("engine")

    @property
    def state(self) -> EngineState | None:
        """What the engine last told, ``None`` while there is none."""
        return self._state

    @property
    def pid(self) -> int | None:
        """Process number of the engine that this window started."""
        return self._child.pid

    # --- what the window asks for ---------------------------------------------------------------

    def start(self) -> None:
        """Attach to an engine that was left behind, or start one."""
        self._restarts.forget()
        config_dir().mkdir(parents=True, exist_ok=True)
        self._owns_runtime_file = self._owns_runtime_file or self._lock.tryLock(0)
        if self._owns_runtime_file and self._attach():
            self.attached.emit()
            return
        self._spawn()

    def play(self) -> None:
        """Start the transport."""
        self._playing = True
        self._send(Play())

    def stop(self) -> None:
        """Stop the transport."""
        self._playing = False
        self._send(Stop())

    def panic(self) -> None:
        """Silence everything at once."""
        self._playing = False
        self._send(Panic())

    def set_transport(self, **fields: Any) -> None:
        """Change fields of `SetTransport`."""
        self._transport |= fields
        self._send(SetTransport(**fields))

    def set_sound(self, **fields: Any) -> None:
        """Change fields of `SetSound`."""
        self._sound |= fields
        self._send(SetSound(**fields))

    def note_phrase(self, phrase: Phrase, revision: int) -> None:
        """Remember the phrase that the worker delivered, for an engine that is started again."""
        self._phrase = SetPhrase(phrase=phrase, revision=revision)

    def close(self) -> None:
        """End the engine; blocks until it is gone (it fades first)."""
        self._closing = True
        if self._connection is not None:
            self._connection.send(Quit())
            self._connection.close()
            self._connection = None
        elif self._child.is_running:
            self._child.kill()
        self._child.wait_or_kill()
        if self._owns_runtime_file:
            self._runtime_file.unlink(missing_ok=True)
            self._lock.unlock()

    # --- the process ----------------------------------------------------------------------------

    def _spawn(self) -> None:
        self._child.start(self.endpoint)

    def _attach(self) -> bool:
        try:
            table = json.loads(self._runtime_file.read_text("utf-8"))
            endpoint = Endpoint(str(table["address"]), str(table["key"]))
            connection = self._open(endpoint)
        except FileNotFoundError:
            return False
        except (
            OSError,
            EOFError,
            ValueError,
            KeyError,
            TypeError,
            multiprocessing.AuthenticationError,
        ) as error:
            log.info("no engine was left behind: %r", error)
            return False
        if sys.platform != "win32":  # the folder that was made for an engine of our own
            Path(self.endpoint.address).parent.rmdir()
        self.endpoint = endpoint
        self._connected(connection)
        return True

    def _connect(self) -> None:
        try:
            connection = self._open(self.endpoint)
        except (OSError, multiprocessing.AuthenticationError) as error:
            log.error("the engine is ready but does not answer: %s", error)
            self._child.kill()
            return
        if self._owns_runtime_file:
            self._write_runtime_file()
        self._connected(connection)

    def _open(self, endpoint: Endpoint) -> Connection[Any]:
        return connect(
            endpoint, ENGINE_EVENTS, self._received.emit, self._closed.emit, name="engine"
        )

    def _connected(self, connection: Connection[Any]) -> None:
        self._connection = connection
        if self._sound:
            self._send(SetSound(**self._sound))
        if self._transport:
            self._send(SetTransport(**self._transport))
        if self._phrase is not None:
            self._send(self._phrase)
        if self._playing:
            self._send(Play())
        if self._recovering:
            self._recovering = False
            self.recovered.emit()

    def _write_runtime_file(self) -> None:
        table = {"address": self.endpoint.address, "key": self.endpoint.key}
        with replacing(self._runtime_file) as scratch:
            descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:
                json.dump(table, file)

    def _send(self, message: Message) -> None:
        if self._connection is not None:
            self._connection.send(message)

    def _on_message(self, connection: Connection[Any], message: Message) -> None:
        if connection is not self._connection:
            return
        if isinstance(message, EngineState):
            self._state = message
            # What plays when the phrase has ended by itself, or was started by another client.
            self._playing = message.playing
            self.state_changed.emit(message)
        elif isinstance(message, Position):
            self.position.emit(message)
        elif isinstance(message, Swapped):
            self.swapped.emit(message)

    def _on_closed(self, connection: Connection[Any]) -> None:
        if connection is not self._connection or self._closing:
            return
        self._connection = None
        if self._child.is_running:
            # It is about to end, and tells so; if it only hung up, it is of no use any more.
            QTimer.singleShot(_GRACE_MS, self._kill_silent)
        else:
            self._revive("it hung up")

    def _kill_silent(self) -> None:
        if self._connection is None and not self._closing:
            self._child.kill()

    def _on_ended(self, how: str) -> None:
        self._connection = None
        if not self._closing:
            self._revive(how)

    def _revive(self, how: str) -> None:
        self._state = None
        self._recovering = True
        if self._restarts.allow():
            self.lost.emit(how)
            self._spawn()
        else:
            self.gave_up.emit(how)
