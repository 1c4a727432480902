"""Who is answered, by whom, and in which order."""

from __future__ import annotations

from typing import TypeVar

import pytest

from fmvae_core.broker.exchange import MOST_JOBS, Exchange, Model
from fmvae_core.broker.limits import JOB_SECONDS
from fmvae_core.broker.protocol import Answered, Declined, Heard, ModelChanged, Reply, Work
from fmvae_core.ipc import Message
from tests.fmvae_core.broker.rig import MODEL, answer_to, request

M = TypeVar("M", bound=Message)


class Wire:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.dropped = ""

    def send(self, message: Message) -> None:
        self.sent.append(message)

    def drop(self, why: str) -> None:
        self.dropped = why

    def all(self, kind: type[M]) -> list[M]:
        return [message for message in self.sent if isinstance(message, kind)]


class Evening:
    """An exchange, a clock, and whoever comes."""

    def __init__(self) -> None:
        self.now = 0.0
        self.exchange = Exchange(lambda: self.now)
        self.wires: dict[object, Wire] = {}

    def player(self, name: str = "a", room: str = "main") -> object:
        wire = Wire()
        player = self.exchange.join(wire, name, room)
        self.wires[player] = wire
        return player

    def model(self) -> Model:
        wire = Wire()
        model = self.exchange.serve(wire, "m", MODEL)
        self.wires[model] = wire
        return model

    def works(self, model: Model) -> list[Work]:
        return self.wires[model].all(Work)

    def reply(self, model: Model, work: Work) -> None:
        self.exchange.reply(model, Reply(job=work.job, answer=answer_to(work.request)))


@pytest.fixture
def evening() -> Evening:
    return Evening()


def test_without_a_model_nothing_is_answered(evening: Evening) -> None:
    player = evening.player()
    evening.exchange.ask(player, request(7))
    assert evening.wires[player].all(Declined)[0].number == 7
    model = evening.model()
    assert evening.wires[player].all(ModelChanged)[0].model == MODEL
    evening.exchange.retire(model)
    assert evening.wires[player].all(ModelChanged)[1].model is None


def test_only_the_newest_request_of_a_player_waits_and_finals_come_first(evening: Evening) -> None:
    model = evening.model()
    busy = [evening.player() for _ in range(MOST_JOBS)]
    for player in busy:
        evening.exchange.ask(player, request(0))
    first, second = evening.player(), evening.player()
    evening.exchange.ask(first, request(1, is_final=False))
    evening.exchange.ask(first, request(2, is_final=False))
    evening.exchange.ask(second, request(3, is_final=True))
    assert len(evening.works(model)) == MOST_JOBS
    for index in range(MOST_JOBS + 2):
        evening.reply(model, evening.works(model)[index])
    assert [work.request.number for work in evening.works(model)] == [0] * MOST_JOBS + [3, 2]
    assert [told.answer.number for told in evening.wires[first].all(Answered)] == [2]


def test_work_goes_to_the_model_with_the_least(evening: Evening) -> None:
    models = [evening.model(), evening.model()]
    for number in range(4):
        evening.exchange.ask(evening.player(), request(number))
    assert [len(evening.works(model)) for model in models] == [2, 2]


def test_a_model_of_another_bundle_is_refused(evening: Evening) -> None:
    evening.model()
    other = MODEL.model_copy(update={"bundle": "cd" * 32})
    with pytest.raises(ValueError, match="another bundle"):
        evening.exchange.serve(Wire(), "m", other)


def test_what_a_model_was_to_answer_is_declined_once_it_is_gone(evening: Evening) -> None:
    model = evening.model()
    players = [evening.player() for _ in range(MOST_JOBS + 1)]
    for number, player in enumerate(players):
        evening.exchange.ask(player, request(number))
    evening.exchange.retire(model)
    evening.exchange.retire(model)
    assert [evening.wires[p].all(Declined)[0].number for p in players] == [0, 1, 2]
    with pytest.raises(ValueError, match="no answer to job"):
        evening.reply(model, evening.works(model)[0])


def test_a_model_that_does_not_answer_is_hung_up_on(evening: Evening) -> None:
    model, player = evening.model(), evening.player()
    evening.exchange.ask(player, request(1))
    evening.now = JOB_SECONDS - 0.1
    evening.exchange.check()
    assert evening.exchange.model is not None
    evening.now = JOB_SECONDS + 0.1
    evening.exchange.check()
    assert evening.exchange.model is None
    assert "has not answered" in evening.wires[model].dropped
    assert evening.wires[player].all(Declined)


def test_an_answer_to_something_else_is_refused(evening: Evening) -> None:
    model, player = evening.model(), evening.player()
    evening.exchange.ask(player, request(1))
    (work,) = evening.works(model)
    for wrong in (
        Reply(job=work.job + 1, answer=answer_to(work.request)),
        Reply(job=work.job, answer=answer_to(request(2))),
        Reply(job=work.job, answer=answer_to(work.request, "cd" * 32)),
    ):
        with pytest.raises(ValueError, match="no answer to job"):
            evening.exchange.reply(model, wrong)
    with pytest.raises(ValueError, match="there is no job"):
        evening.exchange.decline(model, work.job + 1, "", "")
    evening.reply(model, work)
    assert len(evening.wires[player].all(Answered)) == 1


def test_those_in_a_room_hear_each_others_final_answers(evening: Evening) -> None:
    model = evening.model()
    asks, near = evening.player("asks"), evening.player("near")
    far, gone = evening.player("far", "cellar"), evening.player("gone")
    evening.exchange.ask(asks, request(1, is_final=False))
    evening.exchange.ask(asks, request(2))
    evening.exchange.leave(gone)
    for work in evening.works(model):
        evening.reply(model, work)
    (heard,) = evening.wires[near].all(Heard)
    assert (heard.name, heard.answer.number) == ("asks", 2)
    for other in (asks, far, gone):
        assert not evening.wires[other].all(Heard)


def test_who_has_left_is_not_answered(evening: Evening) -> None:
    model, player = evening.model(), evening.player()
    evening.exchange.ask(player, request(1))
    evening.exchange.ask(player, request(2))
    evening.exchange.ask(player, request(3))
    evening.exchange.leave(player)
    for work in evening.works(model):
        evening.reply(model, work)
    assert len(evening.works(model)) == 2
    assert not evening.wires[player].all(Answered)
