"""A broker on a thread, and clients of it over real sockets."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from websockets.asyncio.client import connect as connect_later
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from fmvae_core.broker.protocol import (
    FROM_BROKER,
    VERSION,
    Answered,
    Ask,
    Decline,
    Join,
    ModelInfo,
    Problem,
    Reply,
    Serve,
    Welcome,
    Work,
)
from fmvae_core.broker.server import Broker, Doors
from fmvae_core.ipc import Message
from fmvae_core.jam.messages import Answer, AnswerRequest
from fmvae_core.music.phrase import Note, Phrase

M = TypeVar("M", bound=Message)

PATIENCE = 60.0
BUNDLE = "ab" * 32
MODEL = ModelInfo(title="scripted", bundle=BUNDLE, bars=2)


def groove(bars: int = 2) -> Phrase:
    """A bass drum on every beat."""
    return Phrase(tuple(Note(float(beat), 36, 100) for beat in range(4 * bars)), bars, 120.0)


def request(number: int = 1, is_final: bool = True, **changes: Any) -> AnswerRequest:
    fields = {"phrase": groove(), "seed": 1, **changes}
    return AnswerRequest(number=number, is_final=is_final, **fields)


def answer_to(asked: AnswerRequest, bundle: str = BUNDLE) -> Answer:
    """The human's own phrase, as an answer."""
    return Answer(
        number=asked.number,
        phrase=asked.phrase,
        z_human=(0.0,) * 8,
        z_machine=(1.0,) * 8,
        heard=(),
        sigma=1.0,
        changed_hits=0,
        bundle=bundle,
        milliseconds=0.0,
    )


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Return a port below those that systems give away, so that it stays free."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket(socket.AF_INET, kind) as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def wait_until(is_done: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not is_done():
        assert time.monotonic() < end, f"still not {what}"
        time.sleep(0.01)


async def play_turns(url: str, room: str, turns: int, pause: float = 0.0) -> list[float]:
    """Ask for so many final answers; return the seconds that each took less the model's own."""
    waits = []
    async with connect_later(url, proxy=None, compression=None) as wire:
        await wire.send(Join(version=VERSION, room=room).model_dump_json())
        for number in range(turns):
            await asyncio.sleep(pause)
            begun = time.monotonic()
            await wire.send(Ask(request=request(number)).model_dump_json())
            async for data in wire:
                # The others' are not looked into: all clients share one processor here.
                if '"kind":"answered"' in str(data)[:20]:
                    break
            took = time.monotonic() - begun
            told = FROM_BROKER.validate_json(data)
            assert isinstance(told, Answered)
            assert told.answer.number == number
            waits.append(took - told.answer.milliseconds / 1000.0)
    return waits


class BrokerThread:
    """A broker with its own event loop, for as long as the block lasts."""

    def __init__(self, token: str | None = None, port: int = 0, osc_port: int | None = 0) -> None:
        self.said: list[str] = []
        self._doors = Doors("127.0.0.1", port, osc_port, token)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        async with Broker(self._doors, self.said.append) as self.broker:
            self.port = self.broker.port
            self.osc_port = self.broker.osc_port or 0
            self._ready.set()
            await self._over.wait()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def model(self, info: ModelInfo = MODEL, **how: Any) -> ScriptedModel:
        return ScriptedModel(self.url, self.broker.model_token, info, **how)

    def __enter__(self) -> BrokerThread:
        self._thread.start()
        assert self._ready.wait(PATIENCE)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()


class Guest:
    """A client of a broker."""

    def __init__(self, url: str, **how: Any) -> None:
        self._wires = ExitStack()
        opened = connect(url, proxy=None, compression=None, **how)
        self.wire: ClientConnection = self._wires.enter_context(opened)
        self.received: list[Any] = []

    @classmethod
    def player(cls, url: str, name: str = "player", room: str = "main", token: str = "") -> Guest:
        guest = cls(url)
        guest.send(Join(version=VERSION, name=name, room=room, token=token))
        guest.welcome = guest.wait_for(Welcome)
        return guest

    welcome: Welcome

    def send(self, message: Message | str | bytes) -> None:
        self.wire.send(message.model_dump_json() if isinstance(message, Message) else message)

    def next(self, timeout: float = PATIENCE) -> Any:
        message = FROM_BROKER.validate_json(self.wire.recv(timeout))
        self.received.append(message)
        return message

    def wait_for(self, kind: type[M], timeout: float = PATIENCE) -> M:
        """Return the next message of a kind; those before it are kept in ``received``."""
        while True:
            message = self.next(timeout)
            if isinstance(message, kind):
                return message

    def ask(self, number: int = 1, **changes: Any) -> Answer:
        """Return the answer to a request."""
        self.send(Ask(request=request(number, **changes)))
        return self.wait_for(Answered).answer

    def ends(self) -> tuple[int | None, Problem | None]:
        """Read until the broker hangs up; return its code and the last problem it told."""
        try:
            while True:
                self.next()
        except ConnectionClosed as closed:
            problems = [each for each in self.received if isinstance(each, Problem)]
            code = closed.rcvd.code if closed.rcvd else None
            return code, problems[-1] if problems else None

    def close(self) -> None:
        self._wires.close()

    def __enter__(self) -> Guest:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class ScriptedModel(Guest):
    """Answers each phrase with itself, on a thread; while ``is_held`` it only takes note."""

    def __init__(
        self, url: str, token: str, info: ModelInfo, declines: bool = False, is_held: bool = False
    ) -> None:
        super().__init__(url)
        self.is_held = is_held
        self.works: list[Work] = []
        self._declines = declines
        self._bundle = info.bundle
        self.send(Serve(version=VERSION, name="scripted", token=token, model=info))
        self.wait_for(Welcome)
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self._thread.start()

    def _answer(self) -> None:
        try:
            while True:
                message = self.next(24 * 3600.0)
                if isinstance(message, Work):
                    self.works.append(message)
                    if not self.is_held:
                        self.reply(message)
        except ConnectionClosed:
            pass

    def reply(self, work: Work) -> None:
        if self._declines:
            self.send(Decline(job=work.job, text="It does not please me", remedy="play better"))
        else:
            self.send(Reply(job=work.job, answer=answer_to(work.request, self._bundle)))

    def close(self) -> None:
        super().close()
        self._thread.join(PATIENCE)


class Command:
    """A command, and the lines it has printed."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "FLATJAM_CACHE": str(folder), "PYTHONUNBUFFERED": "1"},
            text=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.strip())

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, text: str) -> str:
        """Wait for a line with a text, and return it."""

        def is_there() -> bool:
            assert self.process.poll() is None or text in self.text, self.lines
            return text in self.text

        wait_until(is_there, f"told '{text}'")
        return next(line for line in self.lines if text in line)

    def wait(self) -> int:
        status = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return status

    def __enter__(self) -> Command:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
