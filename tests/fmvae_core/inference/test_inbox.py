from __future__ import annotations

import threading
from multiprocessing import Pipe

import pytest

from fmvae_core.inference.inbox import Inbox, Request
from fmvae_core.inference.messages import (
    WORKER_COMMANDS,
    DecodeJourney,
    EncodePhrase,
    OpenBundle,
    PlayLandmark,
    QuitWorker,
    Realise,
    WorkerCommand,
)
from fmvae_core.ipc import Connection, Message
from fmvae_core.jam.messages import AnswerRequest
from fmvae_core.music.phrase import Phrase


@pytest.fixture
def client() -> Connection[WorkerCommand]:
    ours, _ = Pipe()
    return Connection(ours, WORKER_COMMANDS, lambda c, m: None, lambda c: None, "test")


def journey(revision: int) -> DecodeJourney:
    return DecodeJourney(revision=revision, a=(0.0,), b=(1.0,))


def answer(number: int) -> AnswerRequest:
    return AnswerRequest(number=number, phrase=Phrase((), 2), is_final=True, seed=0)


def taken(inbox: Inbox) -> list[Message]:
    commands: list[Message] = []
    while (request := inbox.take(0)) is not None:
        commands.append(request.command)
    return commands


def test_newest_of_each_kind_and_the_urgent_first(client: Connection[WorkerCommand]) -> None:
    inbox = Inbox()
    phrase = Phrase((), 2)
    for revision in range(3):
        inbox.put(Request(client, journey(revision)))
        inbox.put(Request(client, EncodePhrase(revision=revision, phrase=phrase)))
        inbox.put(Request(client, PlayLandmark(revision=revision, landmark=1)))
        inbox.put(Request(client, Realise(revision=revision, z=(0.0,))))
        inbox.put(Request(client, answer(revision)))
    inbox.put(Request(client, OpenBundle(path="x")))
    inbox.put(Request(client, QuitWorker()))
    assert inbox.holds(DecodeJourney)
    assert taken(inbox) == [
        QuitWorker(),
        OpenBundle(path="x"),
        answer(2),
        Realise(revision=2, z=(0.0,)),
        PlayLandmark(revision=2, landmark=1),
        *(EncodePhrase(revision=revision, phrase=phrase) for revision in range(3)),
        journey(2),
    ]
    assert not inbox.holds(DecodeJourney)


def test_only_what_is_heard_is_urgent(client: Connection[WorkerCommand]) -> None:
    inbox = Inbox()
    inbox.put(Request(client, journey(1)))
    assert inbox.take_urgent() is None
    inbox.put(Request(client, Realise(revision=2, z=(0.0,))))
    urgent = inbox.take_urgent()
    assert urgent is not None
    assert urgent.command == Realise(revision=2, z=(0.0,))
    inbox.put(Request(client, answer(1)))
    urgent = inbox.take_urgent()
    assert urgent is not None
    assert urgent.command == answer(1)
    assert taken(inbox) == [journey(1)]


def test_take_returns_when_something_comes(client: Connection[WorkerCommand]) -> None:
    inbox = Inbox()
    answers: list[Request | None] = []
    waiter = threading.Thread(target=lambda: answers.append(inbox.take(60)))
    waiter.start()
    inbox.put(Request(client, journey(1)))
    waiter.join(10)
    assert [answer.command for answer in answers if answer] == [journey(1)]
