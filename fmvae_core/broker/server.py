"""The broker's WebSocket door: who comes in, what is taken from them, and when they are put out."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

from pydantic import ValidationError
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from fmvae_core.broker import limits
from fmvae_core.broker.exchange import Exchange, Model, Player
from fmvae_core.broker.limits import Allowance
from fmvae_core.broker.osc import OscDoor
from fmvae_core.broker.protocol import (
    DEFAULT_OSC_PORT,
    DEFAULT_PORT,
    HELLO,
    TO_BROKER,
    VERSION,
    Ask,
    Decline,
    Hello,
    Join,
    Problem,
    Reply,
    ToBroker,
    Welcome,
    explain,
)
from fmvae_core.ipc import Message

log = logging.getLogger(__name__)

_wire_log = logging.getLogger(f"{__name__}.wire")
_wire_log.setLevel(logging.CRITICAL)  # every stranger who speaks no WebSocket would be a traceback

_CHECK_SECONDS = 1.0
_PING_SECONDS = 10.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Doors:
    """Where the broker listens, and who may come in.

    Parameters
    ----------
    host
        Address; only this machine reaches the default.
    port, osc_port
        0 for any that is free; no ``osc_port`` for no OSC.
    token
        What every client has to know; none if only this machine reaches the broker.

    Raises
    ------
    ValueError
        If others could come in without a token.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    osc_port: int | None = DEFAULT_OSC_PORT
    token: str | None = None

    def __post_init__(self) -> None:
        if self.token is None and not limits.is_loopback(self.host):
            raise ValueError(
                f"others could reach a broker at {self.host}; "
                "give it a --token-file, or leave it at 127.0.0.1"
            )
        if self.token is not None and len(self.token) < limits.SHORTEST_TOKEN:
            raise ValueError(f"a token has at least {limits.SHORTEST_TOKEN} characters")


class Broker:
    """The central server between players and models; open for as long as the block lasts.

    Parameters
    ----------
    doors
        Where it listens.
    say
        Called with a line whenever somebody comes or goes.

    Raises
    ------
    OSError
        If a port is taken.
    """

    def __init__(self, doors: Doors, say: Say = log.info) -> None:
        self._doors = doors
        self._say = say
        self._exchange = Exchange()
        self._clients: set[_Client] = set()
        self.model_token = doors.token or secrets.token_urlsafe(32)
        """What a model has to know: the broker's token, or one that nobody else has been told."""

    async def __aenter__(self) -> Broker:
        doors = self._doors
        self._server: Server = await serve(
            self._welcome,
            doors.host,
            doors.port,
            # Pages of browsers always tell their origin: none of them is to reach a local broker.
            origins=[None],
            compression=None,  # a small message could become a very large one
            max_size=limits.MAX_MESSAGE_BYTES,
            max_queue=4,
            open_timeout=limits.JOIN_SECONDS,
            ping_interval=_PING_SECONDS,
            ping_timeout=_PING_SECONDS,
            close_timeout=1.0,
            server_header=None,
            logger=_wire_log,
        )
        self._osc: OscDoor | None = None
        try:
            if doors.osc_port is not None:
                self._osc = await OscDoor.open(
                    self._exchange, doors.host, doors.osc_port, doors.token, self._say
                )
        except BaseException:
            self._server.close()
            raise
        self._checks = asyncio.create_task(self._check())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._checks.cancel()
        with suppress(asyncio.CancelledError):
            await self._checks
        if self._osc is not None:
            self._osc.close()
        self._server.close()
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        """Of WebSockets."""
        port: int = next(iter(self._server.sockets)).getsockname()[1]
        return port

    @property
    def osc_port(self) -> int | None:
        """Of OSC."""
        return None if self._osc is None else self._osc.port

    async def _check(self) -> None:
        while True:
            await asyncio.sleep(_CHECK_SECONDS)
            self._exchange.check()
            if self._osc is not None:
                self._osc.check()

    async def _welcome(self, wire: ServerConnection) -> None:
        client = _Client(wire)
        if len(self._clients) >= limits.MOST_CLIENTS:
            await client.refuse(f"{limits.MOST_CLIENTS} clients are here", "Come again later.")
            return
        self._clients.add(client)
        guest: Player | Model | None = None
        try:
            guest = await self._admit(client)
            if guest is not None:
                self._say(f"{_who(guest)} has come")
                await self._listen(client, guest)
        except ConnectionClosed:
            pass
        finally:
            self._clients.discard(client)
            if isinstance(guest, Player):
                self._exchange.leave(guest)
            elif isinstance(guest, Model):
                self._exchange.retire(guest)
            if guest is not None:
                why = f": {client.why}" if client.why else ""
                self._say(f"{_who(guest)} has gone{why}")
            client.close()

    async def _admit(self, client: _Client) -> Player | Model | None:
        try:
            async with asyncio.timeout(limits.JOIN_SECONDS):
                hello = await self._hello(client)
        except TimeoutError:
            await client.refuse("You have not said who you are", "Begin with join or serve.")
            return None
        if hello is None:
            return None
        wanted = self._doors.token if isinstance(hello, Join) else self.model_token
        if wanted is not None and not limits.is_token(hello.token, wanted):
            await client.refuse("The token is wrong", "Use that of the broker's --token-file.")
            return None
        guest: Player | Model
        if isinstance(hello, Join):
            guest = self._exchange.join(client, hello.name, hello.room)
            client.send(Welcome(player=guest.number, model=self._exchange.model))
            return guest
        client.allow_replies()
        client.send(Welcome(player=0, model=hello.model))
        try:
            return self._exchange.serve(client, hello.name, hello.model)
        except ValueError as error:
            text, _, remedy = str(error).partition("; ")
            await client.refuse(text, remedy)
            return None

    async def _hello(self, client: _Client) -> Hello | None:
        data = await client.wire.recv()
        try:
            hello = HELLO.validate_json(data)
        except ValidationError as error:
            await client.refuse(explain(error), "Begin with join or serve; see docs/broker.md.")
            return None
        if hello.version != VERSION:
            await client.refuse(
                f"This broker speaks version {VERSION} of the protocol, not {hello.version}",
                "Update the older of the two.",
            )
            return None
        return hello

    async def _listen(self, client: _Client, guest: Player | Model) -> None:
        async for data in client.wire:
            if not client.allowance.take():
                wrong = "You send too much: wait between messages"
            else:
                try:
                    self._take(guest, TO_BROKER.validate_json(data))
                    continue
                except ValidationError as error:
                    wrong = explain(error)
                except ValueError as error:
                    wrong = str(error)
            if not client.faults.take():
                client.why = "too much of what it sent was wrong"
                await client.refuse(f"Too much was wrong, at last: {wrong}", "See docs/broker.md.")
                return
            client.send(Problem(text=wrong, remedy="See docs/broker.md."))

    def _take(self, guest: Player | Model, message: ToBroker) -> None:
        if isinstance(guest, Player) and isinstance(message, Ask):
            self._exchange.ask(guest, message.request)
        elif isinstance(guest, Model) and isinstance(message, Reply):
            self._exchange.reply(guest, message)
        elif isinstance(guest, Model) and isinstance(message, Decline):
            self._exchange.decline(guest, message.job, message.text, message.remedy)
        else:
            raise ValueError(f"'{message.kind}' is not for you to send now")


class _Client:
    """The wire to one client. Whoever does not read is hung up on; nobody waits for it."""

    def __init__(self, wire: ServerConnection) -> None:
        self.wire = wire
        self.why = ""
        self.allowance = Allowance(limits.MESSAGES_AT_ONCE, limits.MESSAGES_PER_SECOND)
        self.faults = Allowance(limits.FAULTS_AT_ONCE, limits.FAULTS_PER_SECOND)
        self._outbox: asyncio.Queue[str] = asyncio.Queue(limits.OUTBOX)
        self._writer = asyncio.create_task(self._write())

    def allow_replies(self) -> None:
        self.allowance = Allowance(limits.REPLIES_AT_ONCE, limits.REPLIES_PER_SECOND)

    def send(self, message: Message) -> None:
        try:
            self._outbox.put_nowait(message.model_dump_json())
        except asyncio.QueueFull:
            self.drop("it does not read what it is sent")

    def drop(self, why: str) -> None:
        self.why = self.why or why
        self.wire.transport.abort()

    def close(self) -> None:
        self._writer.cancel()

    async def refuse(self, text: str, remedy: str) -> None:
        """Say what is wrong and hang up."""
        self._writer.cancel()
        problem = Problem(text=text, remedy=remedy, is_end=True)
        with suppress(ConnectionClosed, TimeoutError):
            async with asyncio.timeout(1.0):
                await self.wire.send(problem.model_dump_json())
        await self.wire.close(1008, text[:100].encode("ascii", "replace").decode())

    async def _write(self) -> None:
        with suppress(ConnectionClosed):  # whoever reads from it notices, too
            while True:
                await self.wire.send(await self._outbox.get())


def _who(guest: Player | Model) -> str:
    if isinstance(guest, Player):
        return f"Player {guest.number}, {guest.name} in room {guest.room},"
    return f"Model {guest.number}, {guest.name} with {guest.info.title},"
