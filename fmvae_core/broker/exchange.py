"""Who plays, who answers, and what waits: the broker without its wires.

Everything here happens on one thread, that of the event loop; nothing here blocks.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from fmvae_core.broker.limits import JOB_SECONDS
from fmvae_core.broker.protocol import (
    Answered,
    Declined,
    Heard,
    ModelChanged,
    ModelInfo,
    Reply,
    Work,
)
from fmvae_core.ipc import Message
from fmvae_core.jam.messages import AnswerRequest

MOST_JOBS = 2
"""Of a model at a time: it begins the next one while the answer to the last is on its way."""


class Peer(Protocol):
    """The wire to a client."""

    def send(self, message: Message) -> None:
        """Send a message; never blocks."""

    def drop(self, why: str) -> None:
        """Hang up at once."""


@dataclass(eq=False)
class Player:
    """Somebody who asks."""

    number: int
    name: str
    room: str
    peer: Peer


@dataclass(frozen=True)
class _Job:
    player: Player
    request: AnswerRequest
    since: float


@dataclass(eq=False)
class Model:
    """Somebody who answers."""

    number: int
    name: str
    info: ModelInfo
    peer: Peer
    jobs: dict[int, _Job] = field(default_factory=dict)


class Exchange:
    """Brings requests of players to models, and the answers back.

    Of a player only the newest request waits. Final ones come before those that are prepared, and
    the one that came first before others. All models are of one bundle, so that it does not matter
    which of them answers.

    Parameters
    ----------
    clock
        Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._numbers = itertools.count(1)
        self._orders = itertools.count()
        self._players: dict[int, Player] = {}
        self._models: dict[int, Model] = {}
        self._waiting: dict[int, tuple[int, AnswerRequest]] = {}  # by player: order, request

    @property
    def model(self) -> ModelInfo | None:
        """Which model answers; none if none is there."""
        return next((model.info for model in self._models.values()), None)

    @property
    def players(self) -> tuple[Player, ...]:
        """Who plays."""
        return tuple(self._players.values())

    # --- players ----------------------------------------------------------------------------------

    def join(self, peer: Peer, name: str, room: str) -> Player:
        """Take in a player."""
        player = Player(next(self._numbers), name, room, peer)
        self._players[player.number] = player
        return player

    def leave(self, player: Player) -> None:
        """Forget a player; answers that are still to come to it are dropped."""
        self._players.pop(player.number, None)
        self._waiting.pop(player.number, None)

    def ask(self, player: Player, request: AnswerRequest) -> None:
        """Have a request answered; one of the player's that waits is dropped."""
        if not self._models:
            _decline(player, request, "No model is there", "Wait, or start one.")
            return
        order, _ = self._waiting.get(player.number, (next(self._orders), None))
        self._waiting[player.number] = (order, request)
        self._hand_out()

    # --- models -----------------------------------------------------------------------------------

    def serve(self, peer: Peer, name: str, info: ModelInfo) -> Model:
        """Take in a model.

        Raises
        ------
        ValueError
            If it is of another bundle than those that are there.
        """
        others = self.model
        if others is not None and others.bundle != info.bundle:
            raise ValueError(
                f"the models of this broker are of {others.title}, another bundle than this "
                f"{info.title}; use the same one, or a broker started with --no-model"
            )
        model = Model(next(self._numbers), name, info, peer)
        self._models[model.number] = model
        if others is None:
            self._tell_of_model()
        self._hand_out()
        return model

    def retire(self, model: Model) -> None:
        """Forget a model. What it was to answer is declined: it may be why the model has gone."""
        if self._models.pop(model.number, None) is None:
            return
        lost = [(job.player, job.request) for job in model.jobs.values()]
        model.jobs.clear()
        if not self._models:
            lost += [(self._players[n], request) for n, (_, request) in self._waiting.items()]
            self._waiting.clear()
            self._tell_of_model()
        for player, request in lost:
            _decline(player, request, "The model has gone away", "Ask again later.")

    def reply(self, model: Model, reply: Reply) -> None:
        """Bring a model's answer to whoever asked.

        Raises
        ------
        ValueError
            If it was not asked, or answers something else.
        """
        job = model.jobs.get(reply.job)
        if (
            job is None
            or reply.answer.number != job.request.number
            or reply.answer.bundle != model.info.bundle
        ):
            raise ValueError(f"this is no answer to job {reply.job}")
        del model.jobs[reply.job]
        player = job.player
        if player.number in self._players:
            player.peer.send(Answered(answer=reply.answer))
            if job.request.is_final:
                heard = Heard(
                    player=player.number,
                    name=player.name,
                    phrase=job.request.phrase,
                    answer=reply.answer,
                )
                for other in self.players:
                    if other.room == player.room and other is not player:
                        other.peer.send(heard)
        self._hand_out()

    def decline(self, model: Model, number: int, text: str, remedy: str) -> None:
        """Tell whoever asked why there is no answer.

        Raises
        ------
        ValueError
            If the model was not asked.
        """
        job = model.jobs.pop(number, None)
        if job is None:
            raise ValueError(f"there is no job {number}")
        _decline(job.player, job.request, text, remedy)
        self._hand_out()

    def check(self) -> None:
        """Hang up on models that do not answer; to be called about once a second."""
        late = self._clock() - JOB_SECONDS
        for model in tuple(self._models.values()):
            if any(job.since < late for job in model.jobs.values()):
                model.peer.drop(f"{model.name} has not answered for {JOB_SECONDS:g} s")
                self.retire(model)

    # --- the rest ---------------------------------------------------------------------------------

    def _hand_out(self) -> None:
        while self._waiting and self._models:
            model = min(self._models.values(), key=lambda model: len(model.jobs))
            if len(model.jobs) >= MOST_JOBS:
                return
            number = min(self._waiting, key=self._urgency)
            _, request = self._waiting.pop(number)
            job = next(self._numbers)
            model.jobs[job] = _Job(self._players[number], request, self._clock())
            model.peer.send(Work(job=job, request=request))

    def _urgency(self, number: int) -> tuple[bool, int]:
        order, request = self._waiting[number]
        return not request.is_final, order

    def _tell_of_model(self) -> None:
        for player in self.players:
            player.peer.send(ModelChanged(model=self.model))


def _decline(player: Player, request: AnswerRequest, text: str, remedy: str) -> None:
    player.peer.send(Declined(number=request.number, text=text, remedy=remedy))
