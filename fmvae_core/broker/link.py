"""The app's wire to a broker: its answers where they come in time, the own model's otherwise.

Each request is put to both. The own answer is held back for as long as the engine can wait; if the
broker's has not come by then, the own one goes out, in the very same turn. To one request only one
answer is ever given, so that the journal tells which it was.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from pydantic import ValidationError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from fmvae_core.broker.limits import MAX_MESSAGE_BYTES
from fmvae_core.broker.protocol import (
    FROM_BROKER,
    VERSION,
    Answered,
    Ask,
    Declined,
    FromBroker,
    Join,
    ModelChanged,
    ModelInfo,
    Problem,
    Welcome,
)
from fmvae_core.inference.messages import BrokerState, SetBroker
from fmvae_core.ipc import Message
from fmvae_core.jam.messages import Answer, AnswerRequest
from fmvae_core.live.priority import ANSWERER, raise_priority

log = logging.getLogger(__name__)

MARGIN_SECONDS = 0.008
"""From when an own answer is sent until the engine has taken it in."""
LONGEST_WAIT = 0.2
"""Seconds for which an own answer is held back at most; less than a beat at any tempo."""

_RETRY_SECONDS = 1.0
_PING_SECONDS = 2.0
_REMEMBERED = 16


class Client(Protocol):
    """Whoever has asked."""

    def send(self, message: Message) -> None:
        """Send an answer; never blocks."""


class BrokerLink:
    """Keeps a connection to a broker, on a thread of its own.

    Parameters
    ----------
    wanted
        Where the broker is, and who we are there.
    bundle
        SHA-256 of the own model. The broker's has to be the same: points of another one mean
        nothing on the own map.
    tell
        Called with how things are, whenever that has changed, on the thread.
    """

    def __init__(self, wanted: SetBroker, bundle: str, tell: Callable[[BrokerState], None]) -> None:
        self._wanted = wanted
        self._bundle = bundle
        self._tell = tell
        self._state = BrokerState(url=wanted.url)
        self._lock = threading.Lock()
        self._closed = False
        self._was_there = False
        self._is_refused = False
        self._pending: OrderedDict[int, _Either] = OrderedDict()  # by number of the request
        self._loop = asyncio.new_event_loop()
        self._asks: asyncio.Queue[AnswerRequest] = asyncio.Queue(1)
        self._task = self._loop.create_task(self._keep())
        self._thread = threading.Thread(target=self._live, name="broker-link", daemon=True)
        self._thread.start()

    @property
    def state(self) -> BrokerState:
        """How things are."""
        return self._state

    def ask(self, client: Client, request: AnswerRequest) -> Client:
        """Ask the broker, and return to whom the own answer is to be sent; from any thread.

        Parameters
        ----------
        client
            Who is to have one of the two answers.
        request
            What is asked, of the own model too.
        """
        with self._lock:
            if self._closed or not self._state.is_open:
                return client
            either = _Either(client, request)
            self._pending[request.number] = either
            while len(self._pending) > _REMEMBERED:
                self._pending.popitem(last=False)[1].give_own()
            self._loop.call_soon_threadsafe(self._ask, either)
        return either

    def close(self) -> None:
        """Hang up. Own answers that were held back are given."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join()

    # --- on the link's thread ---------------------------------------------------------------------

    def _live(self) -> None:
        raise_priority(ANSWERER)
        try:
            with suppress(asyncio.CancelledError):
                self._loop.run_until_complete(self._task)
        finally:
            with self._lock:
                self._closed = True
            self._give_own()
            self._loop.close()

    def _ask(self, either: _Either) -> None:
        self._loop.call_later(either.patience(), either.give_own)
        if self._asks.full():
            self._asks.get_nowait()  # only the newest is answered
        self._asks.put_nowait(either.request)

    def _give_own(self) -> None:
        with self._lock:
            pending = tuple(self._pending.values())
            self._pending.clear()
        for either in pending:
            either.give_own()

    async def _keep(self) -> None:
        while True:
            try:
                async with connect(
                    self._wanted.url,
                    proxy=None,
                    compression=None,
                    max_size=2 * MAX_MESSAGE_BYTES,  # others' phrases come with their answers
                    ping_interval=_PING_SECONDS,
                    ping_timeout=_PING_SECONDS,
                    close_timeout=0.5,
                ) as wire:
                    await self._converse(wire)
            except (OSError, TimeoutError, WebSocketException, ValidationError) as error:
                log.debug("the broker: %r", error)
                if not self._is_refused:
                    self._close(
                        "The broker has gone away" if self._was_there else "No broker is there",
                        "It is looked for; meanwhile the own model answers.",
                    )
            await asyncio.sleep(_RETRY_SECONDS)

    async def _converse(self, wire: ClientConnection) -> None:
        hello = Join(
            version=VERSION,
            name=self._wanted.name,
            room=self._wanted.room,
            token=self._wanted.token,
        )
        await wire.send(hello.model_dump_json())
        sender = self._loop.create_task(self._send(wire))
        try:
            async for data in wire:
                self._take(FROM_BROKER.validate_json(data))
            raise ConnectionClosed(None, None)
        finally:
            sender.cancel()

    async def _send(self, wire: ClientConnection) -> None:
        with suppress(ConnectionClosed):  # whoever reads from it notices, too
            while True:
                request = await self._asks.get()
                await wire.send(Ask(request=request).model_dump_json())

    def _take(self, message: FromBroker) -> None:
        match message:
            case Welcome() | ModelChanged():
                self._was_there, self._is_refused = True, False
                self._judge(message.model)
            case Answered(answer=answer):
                with self._lock:
                    either = self._pending.get(answer.number)
                if either is not None and answer.bundle == self._bundle:
                    either.give(answer.model_copy(update={"broker": self._wanted.url}))
            case Declined(number=number):
                with self._lock:
                    either = self._pending.get(number)
                if either is not None:
                    either.give_own()
            case Problem():
                log.warning("the broker says: %s. %s", message.text, message.remedy)
                if message.is_end:
                    self._is_refused = True
                    self._close(f"The broker says: {message.text}", message.remedy)

    def _judge(self, model: ModelInfo | None) -> None:
        """Say whether a broker with this model is of use."""
        if model is None:
            self._close("The broker has no model", "Meanwhile the own one answers.")
        elif model.bundle != self._bundle:
            self._close(
                f"The broker plays another model, {model.title}",
                "Open the same bundle here, and it answers; until then the own one does.",
            )
        else:
            self._change(BrokerState(url=self._wanted.url, is_open=True))

    def _close(self, text: str, remedy: str) -> None:
        self._change(BrokerState(url=self._wanted.url, text=text, remedy=remedy))
        self._give_own()

    def _change(self, state: BrokerState) -> None:
        if state != self._state:
            self._state = state
            self._tell(state)


class _Either:
    """Takes the own answer to one request, and gives that or the broker's, whichever is due."""

    def __init__(self, client: Client, request: AnswerRequest) -> None:
        self.request = request
        self._client = client
        self._until = time.monotonic() + min(LONGEST_WAIT, request.within - MARGIN_SECONDS)
        self._lock = threading.Lock()
        self._own: Message | None = None
        self._is_given = False
        self._is_waiting = True

    def patience(self) -> float:
        """Return for how many seconds the broker's answer is waited for."""
        return max(0.0, self._until - time.monotonic())

    def send(self, message: Message) -> None:
        """Take the own answer, or what kept the own model from one."""
        with self._lock:
            self._own = message
            self._give_if_due()

    def give(self, answer: Answer) -> None:
        """Give the broker's answer, unless the own one has been given."""
        with self._lock:
            if not self._is_given:
                self._is_given = True
                self._client.send(answer)

    def give_own(self) -> None:
        """Wait for the broker's no longer."""
        with self._lock:
            self._is_waiting = False
            self._give_if_due()

    def _give_if_due(self) -> None:
        if self._own is not None and not self._is_waiting and not self._is_given:
            self._is_given = True
            self._client.send(self._own)
