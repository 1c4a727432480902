"""The window's end of the wire to the model worker."""

from __future__ import annotations

import logging
import multiprocessing
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.services.child_process import ChildProcess
from app.services.restarts import Restarts
from fmvae_core.inference.messages import (
    WORKER_EVENTS,
    BundleReady,
    DecodeJourney,
    EncodePhrase,
    JourneyDecoded,
    LandmarkPlayed,
    OpenBundle,
    PhraseEncoded,
    PlayLandmark,
    QuitWorker,
    Realise,
    Realised,
    WorkerProblem,
)
from fmvae_core.ipc import Connection, Endpoint, Message, connect
from fmvae_core.music.drums import DEFAULT_DRUM_MAP
from fmvae_core.music.phrase import Phrase

log = logging.getLogger(__name__)

_GRACE_MS = 1000

Request = Realise | PlayLandmark | DecodeJourney | EncodePhrase


class _Lane:
    """Requests of one sort: at most one is on its way.

    Parameters
    ----------
    keeps_all
        Whether every request counts, or only the newest that waits.
    """

    def __init__(self, keeps_all: bool = False) -> None:
        self.on_its_way: Request | None = None
        self.waiting: deque[Request] = deque(maxlen=None if keeps_all else 1)

    def put_back(self) -> None:
        """Make what was on its way wait again, for a worker that is started again."""
        if self.on_its_way is not None and len(self.waiting) != self.waiting.maxlen:
            self.waiting.appendleft(self.on_its_way)
        self.on_its_way = None

    def clear(self) -> None:
        """Forget all requests."""
        self.waiting.clear()
        self.on_its_way = None


class ModelClient(QObject):
    """Starts the model worker, asks it, and brings it back when it dies.

    Requests have growing revisions. While one is on its way a newer one waits and replaces the one
    that waited before it, so a drag is never behind by more than one decode.

    Signals
    -------
    ready(BundleReady)
        Its networks are loaded.
    realised(Realised), landmark_played(LandmarkPlayed), journey_decoded(JourneyDecoded)
        Answers.
    encoded(PhraseEncoded)
        The answer to `encode`; compare the revision.
    problem(WorkerProblem)
        What could not be met.
    lost(str), recovered(), gave_up(str)
        As those of the engine's client.
    """

    ready = Signal(object)
    realised = Signal(object)
    landmark_played = Signal(object)
    journey_decoded = Signal(object)
    encoded = Signal(object)
    problem = Signal(object)
    lost = Signal(str)
    recovered = Signal()
    gave_up = Signal(str)

    _received = Signal(object, object)
    _closed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._child = ChildProcess("fmvae_core.inference", "model-worker", self)
        self._child.ready.connect(self._connect)
        self._child.ended.connect(self._on_ended)
        self._received.connect(self._on_message, Qt.ConnectionType.QueuedConnection)
        self._closed.connect(self._on_closed, Qt.ConnectionType.QueuedConnection)
        self._connection: Connection[Any] | None = None
        self._restarts = Restarts()
        self._closing = False
        self._recovering = False
        self._is_ready = False
        self._engine: Endpoint | None = None
        self._bundle: str | None = None
        self._corpus: str | None = None
        self._sound = _Lane()
        self._journey = _Lane()
        self._encode = _Lane(keeps_all=True)
        # Revisions of a window that was started again must exceed those the engine has seen.
        self._revision = int(time.time() * 1000)
        self.endpoint = Endpoint.new("model")

    @property
    def pid(self) -> int | None:
        """Process number of the worker."""
        return self._child.pid

    @property
    def is_ready(self) -> bool:
        """Whether networks are loaded."""
        return self._is_ready

    # --- what the window asks for ---------------------------------------------------------------

    def start(self, engine: Endpoint, bundle: str, corpus: str | None) -> None:
        """Start the worker, which delivers phrases straight to the engine.

        Parameters
        ----------
        engine
            Where the engine listens.
        bundle
            Folder of the bundle to load.
        corpus
            The Groove archive or folder, for landmarks as they were played.
        """
        self._engine, self._bundle, self._corpus = engine, bundle, corpus
        self._restarts.forget()
        self._spawn()

    def open_bundle(self, path: str) -> None:
        """Load another bundle; what was asked of the old one is dropped."""
        self._bundle = path
        self._is_ready = False
        for lane in (self._sound, self._journey, self._encode):
            lane.clear()
        if self._connection is not None:
            self._connection.send(OpenBundle(path=path))

    def realise(self, z: npt.ArrayLike, asks: Mapping[str, float], tempo: float) -> int:
        """Ask for the phrase of a latent point, moved as asked; return the request's revision."""
        return self._put(
            self._sound,
            lambda revision: Realise(revision=revision, z=_floats(z), asks=dict(asks), tempo=tempo),
        )

    def play_landmark(self, landmark: int, tempo: float) -> int:
        """Ask for a landmark as it was played; return the request's revision."""
        return self._put(
            self._sound,
            lambda revision: PlayLandmark(revision=revision, landmark=landmark, tempo=tempo),
        )

    def decode_journey(self, a: npt.ArrayLike, b: npt.ArrayLike, points: int, method: Any) -> int:
        """Ask for points along a journey; return the request's revision."""
        return self._put(
            self._journey,
            lambda revision: DecodeJourney(
                revision=revision, a=_floats(a), b=_floats(b), points=points, method=method
            ),
        )

    def encode(self, phrase: Phrase, drum_map: str = DEFAULT_DRUM_MAP) -> int:
        """Ask for the latent point of a phrase; return the request's revision."""
        return self._put(
            self._encode,
            lambda revision: EncodePhrase(revision=revision, phrase=phrase, drum_map=drum_map),
        )

    def close(self) -> None:
        """End the worker; blocks until it is gone."""
        self._closing = True
        if self._connection is not None:
            self._connection.send(QuitWorker())
            self._connection.close()
            self._connection = None
        elif self._child.is_running:
            self._child.kill()
        self._child.wait_or_kill()

    # --- lanes ----------------------------------------------------------------------------------

    def _put(self, lane: _Lane, request: Callable[[int], Request]) -> int:
        self._revision += 1
        lane.waiting.append(request(self._revision))
        self._drive(lane)
        return self._revision

    def _drive(self, lane: _Lane) -> None:
        if lane.on_its_way is None and lane.waiting and self._is_ready:
            assert self._connection is not None
            lane.on_its_way = lane.waiting.popleft()
            self._connection.send(lane.on_its_way)

    def _answered(self, revision: int) -> None:
        for lane in (self._sound, self._journey, self._encode):
            if lane.on_its_way is not None and lane.on_its_way.revision == revision:
                lane.on_its_way = None
                self._drive(lane)

    # --- the process ----------------------------------------------------------------------------

    def _spawn(self) -> None:
        assert self._engine is not None
        engine = {"address": self._engine.address, "key": self._engine.key}
        self._child.start(self.endpoint, engine=engine, bundle=self._bundle, corpus=self._corpus)

    def _connect(self) -> None:
        try:
            self._connection = connect(
                self.endpoint,
                WORKER_EVENTS,
                self._received.emit,
                self._closed.emit,
                name="model-worker",
            )
        except (OSError, multiprocessing.AuthenticationError) as error:
            log.error("the model worker is ready but does not answer: %s", error)
            self._child.kill()

    def _on_message(self, connection: Connection[Any], message: Message) -> None:
        if connection is not self._connection:
            return
        if isinstance(message, BundleReady):
            if message.path != self._bundle:
                return  # of a bundle that has been left meanwhile
            self._is_ready = True
            self.ready.emit(message)
            if self._recovering:
                self._recovering = False
                self.recovered.emit()
            for lane in (self._sound, self._journey, self._encode):
                self._drive(lane)
            return
        for kind, signal in (
            (Realised, self.realised),
            (LandmarkPlayed, self.landmark_played),
            (JourneyDecoded, self.journey_decoded),
            (PhraseEncoded, self.encoded),
            (WorkerProblem, self.problem),
        ):
            if isinstance(message, kind):
                self._answered(message.revision)
                signal.emit(message)

    def _on_closed(self, connection: Connection[Any]) -> None:
        if connection is not self._connection or self._closing:
            return
        self._connection = None
        self._is_ready = False
        # It is about to end, and tells so; if it only hung up, it is of no use any more.
        QTimer.singleShot(_GRACE_MS, self._kill_silent)

    def _kill_silent(self) -> None:
        if self._connection is None and not self._closing:
            self._child.kill()

    def _on_ended(self, how: str) -> None:
        self._connection = None
        self._is_ready = False
        if self._closing:
            return
        for lane in (self._sound, self._journey, self._encode):
            lane.put_back()
        self._recovering = True
        if self._restarts.allow():
            self.lost.emit(how)
            self._spawn()
        else:
            self.gave_up.emit(how)


def _floats(z: npt.ArrayLike) -> tuple[float, ...]:
    return tuple(np.asarray(z, np.float64).tolist())
