"""What waits to be done: the newest of each kind, the urgent first."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from fmvae_core.inference.messages import (
    DecodeJourney,
    EncodePhrase,
    OpenBundle,
    PlayLandmark,
    QuitWorker,
    Realise,
    SetBroker,
    WorkerCommand,
    WorkerEvent,
)
from fmvae_core.ipc import Message
from fmvae_core.jam.messages import AnswerRequest

COMMANDS = (
    QuitWorker,
    OpenBundle,
    SetBroker,
    AnswerRequest,
    Realise,
    PlayLandmark,
    EncodePhrase,
    DecodeJourney,
)
"""All kinds of requests, the first to be met first."""

_URGENT = (AnswerRequest, Realise, PlayLandmark)
_MOST_PHRASES = 64


class Client(Protocol):
    """Whoever has asked."""

    def send(self, message: Message) -> None:
        """Send an answer; never blocks."""


@dataclass(frozen=True)
class Request:
    """A command and who sent it."""

    client: Client
    command: WorkerCommand

    def answer(self, event: WorkerEvent) -> None:
        """Send an answer to whoever asked."""
        self.client.send(event)


class Inbox:
    """Requests that wait for the worker, filled by the reader threads of its clients.

    A slider sends faster than a model decodes, so only the newest request of a kind waits and older
    ones are dropped unanswered; phrases to encode are the exception, each is an answer of its own.
    What makes sound comes before what is only shown, and an answer, for which a downbeat will not
    wait, before all else that sounds.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[type[Message], deque[Request]] = {
            kind: deque(maxlen=_MOST_PHRASES if kind is EncodePhrase else 1) for kind in COMMANDS
        }

    def put(self, request: Request) -> None:
        """Add a request; a waiting one of its kind is replaced."""
        with self._changed:
            self._waiting[type(request.command)].append(request)
            self._changed.notify()

    def take(self, timeout: float) -> Request | None:
        """Return the next request, waiting up to ``timeout`` seconds for one."""
        with self._changed:
            request = self._first(COMMANDS)
            if request is None:
                self._changed.wait(timeout)
                request = self._first(COMMANDS)
            return request

    def take_urgent(self) -> Request | None:
        """Return the next request for something to be heard, if one waits."""
        with self._changed:
            return self._first(_URGENT)

    def holds(self, *kinds: type[Message]) -> bool:
        """Return whether a request of one of these kinds waits."""
        with self._changed:
            return any(self._waiting[kind] for kind in kinds)

    def _first(self, kinds: tuple[type[Message], ...]) -> Request | None:
        for kind in kinds:
            if self._waiting[kind]:
                return self._waiting[kind].popleft()
        return None
