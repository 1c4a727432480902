"""The window's end of the wire to the engine."""

from __future__ import annotations

import json
import logging
import math
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PySide6.QtCore import QLockFile, QObject, Signal
from typing_extensions import override

from app.services.jam_client import JamClient
from app.services.process_client import ProcessClient
from fmvae_core.files import config_dir, replacing
from fmvae_core.ipc import Endpoint, Message
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
from fmvae_core.live.take_messages import PlayTake, StopTake, TakePosition
from fmvae_core.music.phrase import Phrase

log = logging.getLogger(__name__)

_ON_ITS_WAY_SECONDS = 1.0
AUDITION = "audition"
"""Source of phrases that are heard for a while in the place of what the model worker sends."""


class EngineClient(ProcessClient):
    """Starts the engine, talks to it, and brings it back with all it knew when it dies.

    Signals
    -------
    state_changed(EngineState), position(Position), swapped(Swapped), take_position(TakePosition)
        What the engine tells.
    tempo_changed(float)
        Somebody else has changed the tempo: a pad that taps, a clock that is followed.
    recovered()
        It is back, with phrase, tempo and play state.
    attached()
        An engine was found that a window left behind when it crashed.
    """

    state_changed = Signal(object)
    position = Signal(object)
    swapped = Signal(object)
    take_position = Signal(object)
    tempo_changed = Signal(float)
    attached = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__("fmvae_core.live", "engine", ENGINE_EVENTS, Quit(), parent)
        self._state: EngineState | None = None
        self._transport: dict[str, Any] = {}
        self._sound: dict[str, Any] = {}
        self._phrase: SetPhrase | None = None
        self._audition: SetPhrase | None = None
        self._auditions = 0
        self._playing = False
        self._takes = 0
        self._is_muted = False
        self._asked_tempo_at = -math.inf
        self.jam = JamClient(self._send, self)
        self._runtime_file = config_dir() / "engine.json"
        self._lock = QLockFile(str(config_dir() / "engine.lock"))
        self._owns_runtime_file = False

    @property
    def state(self) -> EngineState | None:
        """What the engine last told, ``None`` while there is none."""
        return self._state

    # --- what the window asks for ---------------------------------------------------------------

    def start(self) -> None:
        """Attach to an engine that was left behind, or start one."""
        config_dir().mkdir(parents=True, exist_ok=True)
        self._owns_runtime_file = self._owns_runtime_file or self._lock.tryLock(0)
        if self._owns_runtime_file and self._attach():
            self.attached.emit()
            return
        self._start()

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

    @contextmanager
    def muted(self) -> Iterator[None]:
        """Tell the engine nothing meanwhile, and only remember it: the engine knows it already."""
        self._is_muted = True
        try:
            yield
        finally:
            self._is_muted = False

    def set_transport(self, **fields: Any) -> None:
        """Change fields of `SetTransport`."""
        self._transport |= fields
        if "tempo" in fields:
            self._asked_tempo_at = time.monotonic()
        self._send(SetTransport(**fields))

    def set_sound(self, **fields: Any) -> None:
        """Change fields of `SetSound`."""
        self._sound |= fields
        self._send(SetSound(**fields))

    def play_take(self, path: Path, beat: float) -> int:
        """Play a take from a beat on; a jam, or what else plays, ends.

        Returns
        -------
        number
            Of the positions that are told of this start.
        """
        self._playing = False
        self._takes += 1
        self._send(PlayTake(path=path, beat=beat, number=self._takes))
        return self._takes

    def stop_take(self) -> None:
        """Stop the take that is played."""
        self._send(StopTake())

    def note_phrase(self, phrase: Phrase, revision: int) -> None:
        """Remember the phrase that the worker delivered, for an engine that is started again."""
        self._phrase = SetPhrase(phrase=phrase, revision=revision)

    def audition(self, phrase: Phrase) -> None:
        """Play a phrase from its beginning, in the place of what the model worker has sent."""
        self._audition = self._as_audition(phrase)
        self._send(self._audition)
        self.play()

    def end_audition(self) -> None:
        """Stop, and put the phrase of the model worker back."""
        if self._audition is None:
            return
        self._audition = None
        if self._state is not None and self._state.playing:
            self.stop()
        self._playing = False
        if self._phrase is not None:
            self._send(self._as_audition(self._phrase.phrase))

    def _as_audition(self, phrase: Phrase) -> SetPhrase:
        self._auditions += 1
        return SetPhrase(phrase=phrase, revision=self._auditions, source=AUDITION)

    @override
    def close(self) -> None:
        super().close()  # it fades first
        if self._owns_runtime_file:
            self._runtime_file.unlink(missing_ok=True)
            self._lock.unlock()

    # --- the process ----------------------------------------------------------------------------

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
        self._use(endpoint, connection)
        return True

    @override
    def _on_connected(self) -> None:
        if self._owns_runtime_file:
            self._write_runtime_file()
        if self._sound:
            self._send(SetSound(**self._sound))
        if self._transport:
            self._send(SetTransport(**self._transport))
        phrase = self._audition or self._phrase
        if phrase is not None:
            self._send(phrase)
        self.jam.tell_all()
        if self._playing:
            self._send(Play())
        self._tell_recovered()

    def _write_runtime_file(self) -> None:
        table = {"address": self.endpoint.address, "key": self.endpoint.key}
        with replacing(self._runtime_file) as scratch:
            descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:
                json.dump(table, file)

    @override
    def _on_message(self, message: Message) -> None:
        if isinstance(message, EngineState):
            self._state = message
            # What plays when the phrase has ended by itself, or was started by another client.
            self._playing = message.playing
            self.state_changed.emit(message)
            self._look_at_tempo(message.tempo)
        elif isinstance(message, Position):
            self.position.emit(message)
        elif isinstance(message, Swapped):
            self.swapped.emit(message)
        elif isinstance(message, TakePosition):
            self.take_position.emit(message)
        else:
            self.jam.take(message)

    def _look_at_tempo(self, tempo: float) -> None:
        # What was told on the way of a change of ours is older than that.
        is_settled = time.monotonic() > self._asked_tempo_at + _ON_ITS_WAY_SECONDS
        if tempo == self._transport.get("tempo"):
            self._asked_tempo_at = -math.inf
        elif is_settled and "tempo" in self._transport:
            with self.muted():
                self.tempo_changed.emit(tempo)
            self._asked_tempo_at = -math.inf

    @override
    def _send(self, message: Message) -> None:
        if not self._is_muted:
            super()._send(message)

    @override
    def _on_gone(self) -> None:
        self._state = None
        self.jam.forget()
