"""The model worker: owns the networks, answers the window, and hands phrases to the engine."""

from __future__ import annotations

import gc
import logging
import math
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fmvae_core.data.corpus import CorpusError
from fmvae_core.data.download import GROOVE
from fmvae_core.files import cache_dir
from fmvae_core.inference.engine_link import EngineLink, JammingEngine
from fmvae_core.inference.inbox import COMMANDS, Inbox, Request
from fmvae_core.inference.messages import (
    WORKER_COMMANDS,
    BundleReady,
    DecodeJourney,
    OpenBundle,
    PlayLandmark,
    QuitWorker,
    Realise,
    SetBroker,
    WorkerCommand,
    WorkerProblem,
)
from fmvae_core.inference.networks import Array
from fmvae_core.inference.opened import OpenModel
from fmvae_core.inference.partner import MachinePlayer
from fmvae_core.inference.source import LandmarkSource
from fmvae_core.ipc import Connection, Endpoint, Message, Server
from fmvae_core.jam.messages import AnswerRequest
from fmvae_core.jam.rules import Plays
from fmvae_core.jam.window import HALF_STEP
from fmvae_core.live.jam_messages import OfferAnswers
from fmvae_core.live.messages import SetPhrase
from fmvae_core.live.priority import ANSWERER, at_priority
from fmvae_core.music.phrase import Phrase

if TYPE_CHECKING:
    from fmvae_core.broker.link import BrokerLink

log = logging.getLogger(__name__)

FIRST_CLIENT_SECONDS = 60.0
LAST_CLIENT_SECONDS = 5.0
"""How long the worker waits for a first client, and for another one after the last is gone."""

_LOOK_UP_SECONDS = 0.5  # a signal does not end a wait, so none is longer than this
_WARM_UP_SECONDS = 0.010  # before an answer has to be queued, which is 15 ms before it sounds


class _Nobody:
    """Who does not want to know."""

    def send(self, message: Message) -> None:
        """Let an answer be."""


_NOBODY = _Nobody()


class _WantedError(Exception):
    """Somebody asks for something: what was begun at rest is given up."""


class ModelWorker:
    """Serves one endpoint until its last client is gone or it is told to quit.

    Parameters
    ----------
    endpoint
        Where to listen.
    engine
        Where the engine listens, if phrases are to go there.
    corpus
        Where the Groove dataset is, for landmarks as they were played (by default the user's cache,
        where ``flatjam fetch groove`` puts it).
    """

    def __init__(
        self, endpoint: Endpoint, engine: Endpoint | None = None, corpus: Path | None = None
    ) -> None:
        self._corpus = corpus or cache_dir() / "corpora" / GROOVE.name
        self._source: LandmarkSource | None = None
        self._model: OpenModel | None = None
        self._machine: MachinePlayer | None = None
        self._news: BundleReady | WorkerProblem | None = None
        self._inbox = Inbox()
        self._ending = False
        self._warm_up: tuple[Request | None, float] = None, math.inf  # what, and when
        self._had_client = False
        self._wanted_broker = SetBroker()
        self._broker: BrokerLink | None = None
        self._engine = EngineLink(engine, self._hear) if engine is not None else None
        self._server: Server[WorkerCommand] = Server(
            endpoint,
            WORKER_COMMANDS,
            on_message=lambda client, command: self._inbox.put(Request(client, command)),
            on_connect=self._greet,
        )

    def run(self, bundle: str | None = None, broker: SetBroker | None = None) -> None:
        """Open a bundle, if one is given, and answer requests until it is time to end."""
        try:
            if broker is not None:
                self._wanted_broker = broker
            if bundle is not None:
                with at_priority(None):
                    self._open(bundle)
            last_seen = time.monotonic()
            while not self._ending:
                now = time.monotonic()
                # A client can have come and gone while the bundle was loading.
                patience = LAST_CLIENT_SECONDS if self._had_client else FIRST_CLIENT_SECONDS
                if self._server.connections:
                    last_seen = now
                elif now > last_seen + patience:
                    log.info("nobody is there any more")
                    return
                warm_up, at = self._warm_up
                request = self._inbox.take(min(_LOOK_UP_SECONDS, max(0.0, at - now)))
                if request is not None:
                    self._serve(request)
                elif time.monotonic() >= at and warm_up is not None:
                    self._warm_up = None, math.inf
                    self._serve(warm_up)
                else:
                    with at_priority(None):
                        self._get_ready_to_jam()
        finally:
            self._server.close()
            if self._broker is not None:
                self._broker.close()
            if self._engine is not None:
                self._engine.close()

    def end(self) -> None:
        """Let `run` return soon; safe from a signal handler."""
        self._ending = True

    def _greet(self, client: Connection[WorkerCommand]) -> None:
        self._had_client = True
        if self._news is not None:
            client.send(self._news)
        machine, broker = self._machine, self._broker
        if machine is not None:
            client.send(machine.scale)
        if broker is not None:
            client.send(broker.state)

    def _hear(self, engine: JammingEngine, request: AnswerRequest) -> None:
        """Take in a request of the engine's, on the thread of its connection."""
        broker = self._broker
        client = engine if broker is None else broker.ask(engine, request)
        self._inbox.put(Request(client, request))

    def _serve(self, request: Request) -> None:
        """Answer one request. Whatever is wrong with it becomes a `WorkerProblem`, never an end."""
        # A jam does not wait for an answer, so nothing else on the machine goes before it; the rest
        # may take long, and goes before nobody.
        with at_priority(ANSWERER if isinstance(request.command, AnswerRequest) else None):
            self._do(request)

    def _do(self, request: Request) -> None:
        command = request.command
        try:
            if isinstance(command, QuitWorker):
                self._ending = True
            elif isinstance(command, OpenBundle):
                self._open(command.path)
            elif isinstance(command, SetBroker):
                self._wanted_broker = command
                self._join_broker()
            elif isinstance(command, AnswerRequest):
                request.answer(self._machine_player().answer(command))
                if request.client is not _NOBODY:
                    self._plan_to_warm_up(command)
            elif isinstance(command, Realise):
                self._realise(request, command)
            elif isinstance(command, PlayLandmark):
                self._play_landmark(request, command)
            elif isinstance(command, DecodeJourney):
                self._decode_journey(request, command)
            else:
                request.answer(self._opened().encode_phrase(command))
        except (ValueError, IndexError) as error:
            request.answer(_problem(command, str(error)))
        except Exception as error:  # a defect of ours: told and logged, and the worker lives on
            log.exception("could not answer %s", command.kind)
            request.answer(
                _problem(
                    command,
                    f"the model worker failed ({error!r}); "
                    "try again, or report this with what you did",
                )
            )

    def _plan_to_warm_up(self, prepared: AnswerRequest) -> None:
        """Plan to give an answer once more, to nobody, just before the final one is asked for.

        A processor that has rested for a second takes 12 ms to encode and decode a phrase, and one
        that has just done it 4.
        """
        self._warm_up = None, math.inf
        if not prepared.is_final and prepared.within > 0.0:
            close = prepared.within - HALF_STEP * 60.0 / prepared.phrase.tempo
            self._warm_up = Request(_NOBODY, prepared), time.monotonic() + close - _WARM_UP_SECONDS

    def _open(self, path: str) -> None:
        """Load a bundle and tell every client; a bad one leaves the open one as it was."""
        began = time.monotonic()
        try:
            model = OpenModel.load(path)
        except ValueError as error:
            problem = _problem(OpenBundle(path=path), str(error))
            if self._model is None:
                self._news = problem
            self._server.broadcast(problem)
            return
        self._model = model
        self._machine = None
        if self._engine is not None:
            plays: Plays = "drums" if model.plays_drums else "melody"
            self._engine.offer(OfferAnswers(bars=model.bundle.bars, plays=plays))
        self._news = BundleReady(path=path, seconds=time.monotonic() - began)
        self._server.broadcast(self._news)
        self._join_broker()

    def _join_broker(self) -> None:
        """Join the broker that is wanted, as soon as there is a model to compare with its own."""
        if self._broker is not None:
            self._broker.close()
            self._broker = None
        wanted, model = self._wanted_broker, self._model
        if not wanted.url or model is None or not model.plays_drums:
            return
        from fmvae_core.broker.link import BrokerLink  # most workers never join one

        self._broker = BrokerLink(wanted, model.bundle.sha256, self._server.broadcast)

    def _opened(self) -> OpenModel:
        if self._model is None:
            raise ValueError("no model is open; choose a bundle")
        return self._model

    def _machine_player(self) -> MachinePlayer:
        machine = self._machine
        if machine is None:
            model = self._opened()
            machine = MachinePlayer(model.bundle, model.networks)
            self._take_machine(machine)
        return machine

    def _get_ready_to_jam(self) -> None:
        """Measure the machine player before it is wanted, until somebody asks for something."""
        model = self._model
        if model is None or self._machine is not None:
            return

        def decode(z: Array) -> Array:
            if self._ending or self._inbox.holds(*COMMANDS):
                raise _WantedError
            return model.networks.decode(z)

        with suppress(_WantedError):  # it is tried again at the next rest
            self._take_machine(MachinePlayer(model.bundle, model.networks, decode))
            # The collector takes a tenth of a second for all that torch has made: not in a jam.
            gc.unfreeze()
            gc.collect()
            gc.freeze()

    def _take_machine(self, machine: MachinePlayer) -> None:
        self._machine = machine
        self._server.broadcast(machine.scale)

    def _realise(self, request: Request, command: Realise) -> None:
        realised = self._opened().realise(command)
        if command.deliver:
            self._deliver(realised.phrase, command.revision)
        request.answer(realised)

    def _play_landmark(self, request: Request, command: PlayLandmark) -> None:
        model = self._opened()

        def recording(landmark: int) -> Phrase:
            try:
                if self._source is None:  # looked for each time: it may have been fetched meanwhile
                    self._source = LandmarkSource(self._corpus)
                return self._source.phrase(model.bundle.landmarks, landmark, model.bundle.bars)
            except CorpusError as error:
                raise ValueError(
                    f"this groove cannot be played as played: {str(error).partition(';')[0]}; "
                    "run 'flatjam fetch groove' once to download the recordings"
                ) from None

        played = model.play_landmark(command, recording)
        if command.deliver:
            self._deliver(played.phrase, command.revision)
        request.answer(played)

    def _decode_journey(self, request: Request, command: DecodeJourney) -> None:
        def is_wanted() -> bool:
            while (urgent := self._inbox.take_urgent()) is not None:
                self._serve(urgent)
            return not self._inbox.holds(DecodeJourney)  # only the newest is answered

        decoded = self._opened().decode_journey(command, is_wanted)
        if decoded is not None:
            request.answer(decoded)

    def _deliver(self, phrase: Phrase, revision: int) -> None:
        if self._engine is not None:
            self._engine.deliver(SetPhrase(phrase=phrase, revision=revision, source="window"))


def _problem(command: WorkerCommand, message: str) -> WorkerProblem:
    """Turn an error message, "what; what to do", into the two halves that the window shows."""
    text, _, remedy = message.partition("; ")
    return WorkerProblem(
        request=command.kind,
        revision=command.number
        if isinstance(command, AnswerRequest)
        else getattr(command, "revision", 0),
        text=text,
        remedy=remedy or "change the request and try again",
    )
