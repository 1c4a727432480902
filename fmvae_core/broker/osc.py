"""The broker's OSC door, for Max and Pure Data: each hit by itself, answers as flat lists.

A player is whoever sends from one address and port, from ``/flatjam/hello`` on until it says
``/flatjam/bye`` or nothing for a while. The tables are in docs/broker.md.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError
from pythonosc.osc_message import OscMessage, ParseError
from pythonosc.osc_message_builder import build_msg
from pythonosc.parsing import osc_types

from fmvae_core.broker import limits
from fmvae_core.broker.exchange import Exchange, Player
from fmvae_core.broker.limits import Allowance
from fmvae_core.broker.protocol import (
    VERSION,
    Answered,
    Declined,
    Heard,
    ModelChanged,
    Name,
    Problem,
    Token,
    explain,
)
from fmvae_core.ipc import Message
from fmvae_core.jam.messages import MOST_CHANGED_HITS, MOST_RECENT, AnswerRequest, Partner
from fmvae_core.jam.window import HALF_STEP, Window
from fmvae_core.live.fields import Tempo, Velocity
from fmvae_core.music.drums import DRUMS
from fmvae_core.music.phrase import STEPS_PER_BEAT, Phrase

log = logging.getLogger(__name__)

_MOST_HITS = 512
_MOST_ASKED = 64
_LONGEST_TURN = 256.0  # beats
_MOST_NUMBER = 2**31 - 1  # an OSC int
_TYPES = set("ifdhs")

Address = tuple[str, int]


class _Arguments(BaseModel):
    """Of a message, in the order of its fields; those with a default may be left out."""

    model_config = ConfigDict(frozen=True)


class _Hello(_Arguments):
    port: int = Field(default=0, ge=0, le=65535)
    room: Name = "main"
    name: Name = "OSC"
    token: Token = ""


class _Hit(_Arguments):
    beat: FiniteFloat = Field(ge=-HALF_STEP, lt=_LONGEST_TURN)
    drum: int = Field(ge=0, lt=len(DRUMS))
    velocity: Velocity = 100


class _Turn(_Arguments):
    number: int = Field(ge=0, le=_MOST_NUMBER)
    tempo: Tempo
    is_final: int = Field(ge=0, le=1)
    seed: int | None = Field(default=None, ge=0, le=_MOST_NUMBER)


class _Adventure(_Arguments):
    hits: float = Field(ge=0.0, le=MOST_CHANGED_HITS)


class _Bye(_Arguments):
    pass


_COMMANDS: dict[str, type[_Arguments]] = {
    "/flatjam/hello": _Hello,
    "/flatjam/hit": _Hit,
    "/flatjam/turn": _Turn,
    "/flatjam/adventure": _Adventure,
    "/flatjam/bye": _Bye,
}


@dataclass(eq=False)
class _OscPlayer:
    """One who plays by OSC; the peer of its own player."""

    source: Address
    reply_to: Address
    post: Callable[[bytes, Address], None]
    seen: float
    player: Player = field(init=False)
    allowance: Allowance = field(
        default_factory=lambda: Allowance(limits.DATAGRAMS_AT_ONCE, limits.DATAGRAMS_PER_SECOND)
    )
    faults: Allowance = field(
        default_factory=lambda: Allowance(limits.FAULTS_AT_ONCE, limits.FAULTS_PER_SECOND)
    )
    hits: list[_Hit] = field(default_factory=list)
    partner: Partner = field(default_factory=Partner)
    recent: deque[Phrase] = field(default_factory=lambda: deque(maxlen=MOST_RECENT))
    asked: dict[int, tuple[int, bool]] = field(default_factory=dict)
    """Turn and whether it was over, of each request that has not been answered."""
    count: int = 0
    answered: int | None = None
    """Turn whose final answer was the last to come."""

    def send(self, message: Message) -> None:
        match message:
            case Answered(answer=answer):
                asked = self.asked.pop(answer.number, None)
                if asked is None:
                    return  # much has been asked since
                turn, is_final = asked
                if is_final:
                    self.answered = turn
                    self.recent.append(answer.phrase)
                elif turn == self.answered:
                    return  # overtaken by the final one
                head = [turn, int(is_final), answer.phrase.tempo, answer.phrase.bars]
                self.tell("/flatjam/answer", head + hit_list(answer.phrase))
            case Heard(name=name, answer=answer):
                self.tell("/flatjam/heard", [name, *hit_list(answer.phrase)])
            case Declined(number=number, text=text, remedy=remedy):
                turn, _ = self.asked.pop(number, (number, False))
                self.tell("/flatjam/declined", [turn, f"{text}. {remedy}"])
            case ModelChanged(model=model):
                self.tell("/flatjam/model", [0 if model is None else model.bars])
            case Problem(text=text, remedy=remedy):
                self.tell("/flatjam/problem", [f"{text}. {remedy}"])

    def drop(self, why: str) -> None:
        self.tell("/flatjam/problem", [why])

    def tell(self, address: str, values: Sequence[int | float | str]) -> None:
        self.post(build_msg(address, list(values)).dgram, self.reply_to)


class OscDoor(asyncio.DatagramProtocol):
    """Takes OSC messages in. Made by `open`."""

    def __init__(self, exchange: Exchange, token: str | None, say: Callable[[str], None]) -> None:
        self._exchange = exchange
        self._token = token
        self._say = say
        self._players: dict[Address, _OscPlayer] = {}
        self._told_of_strangers = Allowance(3, 0.1)
        self._clock = asyncio.get_running_loop().time

    @classmethod
    async def open(
        cls,
        exchange: Exchange,
        host: str,
        port: int,
        token: str | None,
        say: Callable[[str], None],
    ) -> OscDoor:
        """Listen at a UDP port.

        Raises
        ------
        OSError
            If it is taken.
        """
        loop = asyncio.get_running_loop()
        _, door = await loop.create_datagram_endpoint(
            lambda: cls(exchange, token, say), local_addr=(host, port)
        )
        return door

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._transport.get_extra_info("sockname")[1]
        return port

    def close(self) -> None:
        """Listen no more."""
        for each in tuple(self._players.values()):
            self._part(each)
        self._transport.close()

    def check(self) -> None:
        """Forget players that say nothing any more."""
        late = self._clock() - limits.OSC_SECONDS
        for each in [each for each in self._players.values() if each.seen < late]:
            self._part(each)

    # --- asyncio's callbacks ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        """Take in one message. One that is wrong is answered, if it comes from a player."""
        source: Address = (addr[0], addr[1])
        each = self._players.get(source)
        if each is not None:
            each.seen = self._clock()
            if not each.allowance.take():
                return  # as if the network had lost it
        try:
            address, arguments = _parse(data)
            if isinstance(arguments, _Hello):
                self._hello(source, arguments)
            elif each is not None:
                self._take(each, arguments)
            else:
                raise ValueError(f"{address} before /flatjam/hello")
        except ValueError as error:
            if each is None:  # not answered: who has sent it can be made up
                if self._told_of_strangers.take():
                    self._say(f"Refused an OSC message from {source[0]}: {error}")
                return
            if not each.faults.take():
                each.drop(f"Too much was wrong, at last: {error}")
                self._part(each)
                return
            each.send(Problem(text=str(error), remedy="See docs/broker.md"))

    def error_received(self, exc: Exception) -> None:
        """Take note that a player could not be reached; it is forgotten once it says no more."""
        log.debug("an OSC player cannot be reached: %s", exc)

    # --- what is done -----------------------------------------------------------------------------

    def _hello(self, source: Address, hello: _Hello) -> None:
        if self._token is not None and not limits.is_token(hello.token, self._token):
            raise ValueError("the token is wrong")
        reply_to = (source[0], hello.port or source[1])
        each = self._players.get(source)
        if each is not None and (each.player.name, each.player.room) != (hello.name, hello.room):
            self._part(each)
            each = None
        if each is None:
            if len(self._players) >= limits.MOST_OSC_PLAYERS:
                raise ValueError(f"{limits.MOST_OSC_PLAYERS} OSC players are here")
            each = _OscPlayer(source, reply_to, self._transport.sendto, self._clock())
            each.player = self._exchange.join(each, hello.name, hello.room)
            self._players[source] = each
            self._say(f"{_who(each)} has come")
        each.reply_to = reply_to  # a hello may be said again, so as not to be forgotten
        model = self._exchange.model
        each.tell("/flatjam/welcome", [VERSION, 0 if model is None else model.bars])

    def _part(self, each: _OscPlayer) -> None:
        self._players.pop(each.source, None)
        self._exchange.leave(each.player)
        self._say(f"{_who(each)} has gone")

    def _take(self, each: _OscPlayer, arguments: _Arguments) -> None:
        match arguments:
            case _Hit():
                if len(each.hits) >= _MOST_HITS:
                    raise ValueError(f"a turn has at most {_MOST_HITS} hits")
                each.hits.append(arguments)
            case _Adventure(hits=hits):
                each.partner = each.partner.model_copy(update={"adventure": hits})
            case _Turn():
                self._ask(each, arguments)
            case _Bye():
                self._part(each)

    def _ask(self, each: _OscPlayer, turn: _Turn) -> None:
        model = self._exchange.model
        if model is None:
            each.hits.clear()
            raise ValueError("no model is there")
        window = Window(0.0, model.bars)
        for hit in each.hits:
            window.add(hit.beat, DRUMS[hit.drum].pitch, hit.velocity)
        if turn.is_final:
            each.hits.clear()
        each.count += 1
        each.asked[each.count] = (turn.number, bool(turn.is_final))
        for old in [number for number in each.asked if number <= each.count - _MOST_ASKED]:
            del each.asked[old]
        self._exchange.ask(
            each.player,
            AnswerRequest(
                number=each.count,
                phrase=window.phrase(turn.tempo),
                is_final=bool(turn.is_final),
                seed=turn.number if turn.seed is None else turn.seed,
                partner=each.partner,
                recent=tuple(each.recent),
            ),
        )


def _who(each: _OscPlayer) -> str:
    return f"Player {each.player.number}, {each.player.name} by OSC in room {each.player.room},"


def hit_list(phrase: Phrase) -> list[int | float]:
    """Return a phrase's hits as OSC lists them: step, drum, velocity, offset; step, drum, ...

    A hit is due ``step + offset / 2`` sixteenths after the first beat; drums are indices into
    `fmvae_core.music.drums.DRUMS`.
    """
    drums = {drum.pitch: index for index, drum in enumerate(DRUMS)}
    values: list[int | float] = []
    for note in phrase.notes:
        at = note.onset * STEPS_PER_BEAT
        step = math.floor(at + 0.5)
        values += [step, drums[note.pitch], note.velocity, float(2.0 * (at - step))]
    return values


def _parse(data: bytes) -> tuple[str, _Arguments]:
    """Return address and arguments of a message.

    Raises
    ------
    ValueError
        If it is none of ours.
    """
    if len(data) > limits.MAX_DATAGRAM_BYTES:
        raise ValueError(f"a message has at most {limits.MAX_DATAGRAM_BYTES} bytes")
    if data.startswith(b"#bundle"):
        raise ValueError("bundles are not taken; send each message by itself")
    address, values = _read(data)
    kind = _COMMANDS.get(address)
    if kind is None:
        raise ValueError(f"there is no {address[:40]!r}; there are {', '.join(_COMMANDS)}")
    names = list(kind.model_fields)
    if len(values) > len(names):
        raise ValueError(f"{address} takes {len(names)} values at most")
    try:
        return address, kind.model_validate(dict(zip(names, values, strict=False)))
    except ValidationError as error:
        raise ValueError(f"{address} {explain(error)}") from None


def _read(data: bytes) -> tuple[str, list[Any]]:
    try:
        address, index = osc_types.get_string(data, 0)
        if index < len(data):
            types, _ = osc_types.get_string(data, index)
            if types[:1] != "," or not set(types[1:]) <= _TYPES:
                raise ValueError("values are numbers and strings")
        return address, OscMessage(data).params
    except (ParseError, osc_types.ParseError, UnicodeDecodeError):
        raise ValueError("this is no OSC message") from None
