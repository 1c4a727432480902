"""The app's wire to a broker: whose answer is given, and when."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from fmvae_core.broker import link as link_module
from fmvae_core.broker.link import BrokerLink
from fmvae_core.inference.messages import BrokerState, SetBroker
from fmvae_core.ipc import Message
from fmvae_core.jam.messages import Answer, AnswerRequest
from tests.fmvae_core.broker.rig import (
    BUNDLE,
    BrokerThread,
    Guest,
    answer_to,
    free_port,
    request,
    wait_until,
)

AGES = 30.0  # seconds that an engine has in these tests where it is not to run out of patience


class Engine:
    """Keeps the answers it is sent."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.came: list[float] = []

    def send(self, message: Message) -> None:
        assert isinstance(message, Answer)
        self.answers.append(message)
        self.came.append(time.monotonic())


class Linked:
    """A link, and what it has told."""

    def __init__(self, url: str, bundle: str = BUNDLE, **wanted: str) -> None:
        self.states: list[BrokerState] = []
        self.engine = Engine()
        self.link = BrokerLink(SetBroker(url=url, **wanted), bundle, self.states.append)

    def wait_for(self, text: str = "") -> None:
        """Wait until the link is open, or is not for a reason with this text."""

        def is_so() -> bool:
            state = self.link.state
            return text in state.text if text else state.is_open

        wait_until(is_so, f"'{text}'; told {self.states}")

    def ask(self, number: int = 1, within: float = AGES) -> AnswerRequest:
        """Have both asked; the own answer is there at once."""
        asked = request(number, within=within)
        self.link.ask(self.engine, asked).send(own_answer(asked))
        return asked

    def wait_for_answers(self, count: int) -> None:
        wait_until(lambda: len(self.engine.answers) >= count, f"{count} answers")


def own_answer(asked: AnswerRequest) -> Answer:
    return answer_to(asked).model_copy(update={"sigma": 7.0})


@pytest.fixture
def broker() -> Iterator[BrokerThread]:
    with BrokerThread() as broker:
        yield broker


@pytest.fixture
def linked(broker: BrokerThread) -> Iterator[Linked]:
    linked = Linked(broker.url, name="Ada")
    yield linked
    linked.link.close()


def test_the_brokers_answer_is_given_where_it_comes_in_time(
    broker: BrokerThread, linked: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "LONGEST_WAIT", AGES)
    with broker.model():
        linked.wait_for()
        linked.ask()
        linked.wait_for_answers(1)
    (answer,) = linked.engine.answers
    assert (answer.broker, answer.sigma) == (broker.url, 1.0)


def test_the_own_answer_is_given_in_time_where_the_brokers_is_late(
    broker: BrokerThread, linked: Linked
) -> None:
    with broker.model(is_held=True) as model:
        linked.wait_for()
        begun = time.monotonic()
        linked.ask(1, within=AGES)
        linked.wait_for_answers(1)
        assert linked.engine.came[0] - begun >= link_module.LONGEST_WAIT - 0.01
        wait_until(lambda: len(model.works) == 1, "asked")
        model.reply(model.works[0])  # too late
        model.is_held = False
        linked.ask(2, within=0.0)
        linked.wait_for_answers(2)
        wait_until(lambda: len(model.works) == 2, "asked")
        with Guest.player(broker.url) as other:  # whatever was to come has come before this
            other.ask(1)
    assert [answer.number for answer in linked.engine.answers] == [1, 2]
    assert {answer.broker for answer in linked.engine.answers} == {""}


def test_an_own_answer_that_is_held_goes_out_when_the_broker_dies(
    linked: Linked, broker: BrokerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "LONGEST_WAIT", AGES)
    model = broker.model(is_held=True)
    linked.wait_for()
    linked.ask()
    wait_until(lambda: len(model.works) == 1, "asked")
    assert not linked.engine.answers
    model.close()
    linked.wait_for_answers(1)
    linked.wait_for("no model")
    assert linked.engine.answers[0].sigma == 7.0
    assert linked.ask(2).number == 2  # nobody is asked but the own model
    linked.wait_for_answers(2)


def test_it_comes_back_with_the_broker() -> None:
    port = free_port()
    linked = Linked(f"ws://127.0.0.1:{port}")
    try:
        linked.wait_for("No broker is there")
        for _ in range(2):
            with BrokerThread(port=port) as broker, broker.model():
                linked.wait_for()
            linked.wait_for("gone away")
    finally:
        linked.link.close()


@pytest.mark.parametrize(
    ("bundle", "token", "says"),
    [("cd" * 32, "a token that nobody guesses", "another model"), (BUNDLE, "", "token is wrong")],
)
def test_a_broker_that_is_of_no_use_is_not_asked(bundle: str, token: str, says: str) -> None:
    with BrokerThread(token="a token that nobody guesses") as broker, broker.model() as model:
        linked = Linked(broker.url, bundle, token=token)
        try:
            linked.wait_for(says)
            linked.ask()
            assert [answer.sigma for answer in linked.engine.answers] == [7.0]
            assert not model.works
        finally:
            linked.link.close()


def test_closing_gives_what_is_held(broker: BrokerThread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "LONGEST_WAIT", AGES)
    linked = Linked(broker.url)
    with broker.model(is_held=True):
        linked.wait_for()
        linked.ask()
        linked.link.close()
    assert len(linked.engine.answers) == 1
    linked.ask(2)
    linked.link.close()
    assert len(linked.engine.answers) == 2


def test_one_request_never_has_two_answers(broker: BrokerThread, linked: Linked) -> None:
    with broker.model():
        linked.wait_for()
        for number in range(200):  # the two race
            asked = request(number, within=link_module.MARGIN_SECONDS + 0.001 * (number % 5))
            client = linked.link.ask(linked.engine, asked)
            threading.Timer(0.001 * (number % 3), client.send, [own_answer(asked)]).start()
            linked.wait_for_answers(number + 1)
    assert [answer.number for answer in linked.engine.answers] == list(range(200))
