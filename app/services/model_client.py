"""The window's end of the wire to the model worker."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, Signal
from typing_extensions import override

from app.services.process_client import ProcessClient
from fmvae_core.inference.messages import (
    WORKER_EVENTS,
    AdventureScale,
    BrokerState,
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
    SetBroker,
    WorkerProblem,
)
from fmvae_core.ipc import Endpoint, Message
from fmvae_core.jam.messages import Answer, AnswerRequest
from fmvae_core.music.drums import DEFAULT_DRUM_MAP
from fmvae_core.music.phrase import Phrase

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


class ModelClient(ProcessClient):
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
    jam_ready(Answer)
        The answer to `get_ready_to_jam`: the next one will be quick.
    adventure_measured(AdventureScale)
        Which sigma changes how many hits in a bundle.
    broker_changed(BrokerState)
        How things are with the broker of `join_broker`.
    problem(WorkerProblem)
        What could not be met.
    recovered()
        It is back, and its networks are loaded.
    """

    ready = Signal(object)
    realised = Signal(object)
    landmark_played = Signal(object)
    journey_decoded = Signal(object)
    encoded = Signal(object)
    jam_ready = Signal(object)
    adventure_measured = Signal(object)
    broker_changed = Signal(object)
    problem = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(
            "fmvae_core.inference", "model-worker", WORKER_EVENTS, QuitWorker(), parent
        )
        self._is_ready = False
        self._engine: Endpoint | None = None
        self._bundle: str | None = None
        self._corpus: str | None = None
        self._broker: SetBroker | None = None
        self._adventure: AdventureScale | None = None
        self._sound = _Lane()
        self._journey = _Lane()
        self._encode = _Lane(keeps_all=True)
        # Revisions of a window that was started again must exceed those the engine has seen.
        self._revision = int(time.time() * 1000)

    @property
    def is_ready(self) -> bool:
        """Whether networks are loaded."""
        return self._is_ready

    @property
    def adventure(self) -> AdventureScale | None:
        """Which sigma changes how many hits, in the bundle of which that was measured last."""
        return self._adventure

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
        self._start()

    def open_bundle(self, path: str) -> None:
        """Load another bundle; what was asked of the old one is dropped."""
        self._bundle = path
        self._is_ready = False
        for lane in (self._sound, self._journey, self._encode):
            lane.clear()
        self._send(OpenBundle(path=path))

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

    def get_ready_to_jam(self, bars: int, *, is_drums: bool = True) -> None:
        """Let the worker answer silence once: it measures its bundle first, and no jam can wait.

        Parameters
        ----------
        bars, is_drums
            Length of the bundle's phrases, and whether they are of drums.
        """
        silence = Phrase((), bars, is_drums=is_drums)
        self._send(AnswerRequest(number=0, phrase=silence, is_final=True, seed=0))

    def join_broker(self, wanted: SetBroker) -> None:
        """Join a broker, now and with a worker that is started again; one without url: leave it."""
        self._broker = wanted
        self._send(wanted)

    # --- lanes ----------------------------------------------------------------------------------

    def _put(self, lane: _Lane, request: Callable[[int], Request]) -> int:
        self._revision += 1
        lane.waiting.append(request(self._revision))
        self._drive(lane)
        return self._revision

    def _drive(self, lane: _Lane) -> None:
        if lane.on_its_way is None and lane.waiting and self._is_ready:
            lane.on_its_way = lane.waiting.popleft()
            self._send(lane.on_its_way)

    def _answered(self, revision: int) -> bool:
        """Take note of an answer; return whether it was waited for."""
        for lane in (self._sound, self._journey, self._encode):
            if lane.on_its_way is not None and lane.on_its_way.revision == revision:
                lane.on_its_way = None
                self._drive(lane)
                return True
        return False

    # --- the process ----------------------------------------------------------------------------

    @override
    def _config(self) -> dict[str, Any]:
        assert self._engine is not None
        engine = {"address": self._engine.address, "key": self._engine.key}
        return {
            "engine": engine,
            "bundle": self._bundle,
            "corpus": self._corpus,
            "broker": None if self._broker is None else self._broker.model_dump(),
        }

    @override
    def _on_message(self, message: Message) -> None:
        if isinstance(message, BundleReady):
            if message.path != self._bundle:
                return  # of a bundle that has been left meanwhile
            self._is_ready = True
            self.ready.emit(message)
            self._tell_recovered()
            for lane in (self._sound, self._journey, self._encode):
                self._drive(lane)
            return
        if isinstance(message, Answer):
            self.jam_ready.emit(message)
            return
        if isinstance(message, AdventureScale):
            self._adventure = message
            self.adventure_measured.emit(message)
            return
        if isinstance(message, BrokerState):
            self.broker_changed.emit(message)
            return
        for kind, signal in (
            (Realised, self.realised),
            (LandmarkPlayed, self.landmark_played),
            (JourneyDecoded, self.journey_decoded),
            (PhraseEncoded, self.encoded),
            (WorkerProblem, self.problem),
        ):
            if isinstance(message, kind):
                waited_for = self._answered(message.revision)
                # What was asked of a bundle that has been left may not even fit the one that is
                # open; what has no revision was not asked for.
                if waited_for or message.revision == 0:
                    signal.emit(message)

    @override
    def _on_gone(self) -> None:
        self._is_ready = False
        for lane in (self._sound, self._journey, self._encode):
            lane.put_back()


def _floats(z: npt.ArrayLike) -> tuple[float, ...]:
    return tuple(np.asarray(z, np.float64).tolist())
