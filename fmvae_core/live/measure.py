"""Processes to drive from Python, and figures about the engine, for tests and the benchmark."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from types import TracebackType
from typing import IO, Any, TypeVar

from fmvae_core.ipc import Connection, Endpoint, Message, connect
from fmvae_core.live.messages import (
    ENGINE_EVENTS,
    EngineState,
    Play,
    Position,
    Quit,
    SetPhrase,
    Stop,
    Swapped,
)
from fmvae_core.music.phrase import Phrase

M = TypeVar("M", bound=Message)

PATIENCE = 60.0
"""Seconds to wait for a message of a process that starts on a busy machine."""


@dataclass(frozen=True)
class Summary:
    """Median, 99th percentile and maximum of some measurements."""

    p50: float
    p99: float
    max: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Summary:
        """Summarise values (nearest rank).

        Raises
        ------
        ValueError
            If there are none.
        """
        ordered = sorted(values)
        if not ordered:
            raise ValueError("nothing was measured")

        def rank(share: float) -> float:
            return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

        return cls(rank(0.50), rank(0.99), ordered[-1])


class Mailbox:
    """All messages in the order of their arrival, to be waited for."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self.received: list[tuple[float, Any]] = []
        """Time of arrival (monotonic) and message."""

    def put(self, connection: Connection[Any], message: Any) -> None:
        """Take a message; the callback of a connection."""
        with self._news:
            self.received.append((time.monotonic(), message))
            self._news.notify_all()

    def mark(self) -> int:
        """Return how many messages have come; the others can begin there."""
        with self._news:
            return len(self.received)

    def drain(self) -> list[Any]:
        """Return the messages that have come since the last time, and forget them.

        Marks from before hold no more.
        """
        with self._news:
            drained, self.received = self.received, []
        return [message for _, message in drained]

    def all(self, kind: type[M], since: int = 0) -> list[M]:
        """Return the messages of a kind that have come after a `mark`."""
        with self._news:
            return [message for _, message in self.received[since:] if isinstance(message, kind)]

    def wait_for(
        self,
        kind: type[M],
        wanted: Callable[[M], bool] = lambda message: True,
        since: int = 0,
        newest: bool = False,
        timeout: float = PATIENCE,
    ) -> M:
        """Return the first message of a kind that is as wanted, waiting for it if need be.

        Parameters
        ----------
        kind, wanted
            Which messages.
        since
            Leave out messages before this `mark`.
        newest
            Return the last one that has come instead of the first.
        timeout
            Seconds.

        Raises
        ------
        TimeoutError
            If none comes; the message holds what came last.
        """
        found: list[M] = []

        def look() -> bool:
            found[:] = [
                message
                for _, message in self.received[since:]
                if isinstance(message, kind) and wanted(message)
            ]
            return bool(found)

        with self._news:
            if not self._news.wait_for(look, timeout):
                last = [message for _, message in self.received[since:]][-3:]
                raise TimeoutError(f"no such {kind.__name__} within {timeout:g} s; last: {last}")
        return found[-1 if newest else 0]


class EngineClient(Mailbox):
    """A client of an engine.

    Parameters
    ----------
    endpoint
        Where the engine listens.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__()
        self._connection = connect(endpoint, ENGINE_EVENTS, self.put)

    def send(self, message: Message) -> None:
        """Send a command."""
        self._connection.send(message)

    def close(self) -> None:
        """Hang up, without `Quit`."""
        self._connection.close()

    @property
    def state(self) -> EngineState:
        """The last state told."""
        return self.wait_for(EngineState, newest=True)


def start_process(
    module: str,
    config: Mapping[str, Any],
    env: Mapping[str, str] | None = None,
    log: IO[str] | None = None,
) -> subprocess.Popen[str]:
    """Run a module that reads a line of JSON; return the process once it has said "ready".

    Parameters
    ----------
    module, config
        What to run, and what it reads.
    env
        Its environment.
    log
        Where its standard error goes. A process that has one is out of reach of the terminal's
        Ctrl-C: whoever started it ends it.

    Raises
    ------
    RuntimeError
        If it says something else or ends.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        env=env,
        text=True,
        start_new_session=log is not None,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(config) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        if answer.strip() != "ready":
            raise RuntimeError(f"{module} did not start; it said {answer!r}")
    except BaseException:
        process.kill()
        reap(process)
        raise
    return process


def reap(process: subprocess.Popen[str]) -> int:
    """Wait for the end of a process of `start_process`; return its exit status."""
    status = process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None and not pipe.closed:
            pipe.close()
    return status


class EngineProcess:
    """A real engine process and a client of it.

    Parameters
    ----------
    env
        Its environment.
    linger
        Seconds that it waits for another client when the last one is gone.
    log
        Where its standard error goes, as for `start_process`.
    """

    def __init__(
        self,
        env: Mapping[str, str] | None = None,
        linger: float = 5.0,
        log: IO[str] | None = None,
    ) -> None:
        self.endpoint = Endpoint.new("engine")
        begun = time.monotonic()
        config = asdict(self.endpoint) | {"linger": linger}
        self.process = start_process("fmvae_core.live", config, env, log)
        self.seconds_to_ready = time.monotonic() - begun
        try:
            self.client = EngineClient(self.endpoint)
        except BaseException:
            self.process.kill()
            reap(self.process)
            raise

    def __enter__(self) -> EngineProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> int:
        """End the process with `Quit`; return its exit status (killed if it does not end)."""
        if self.process.poll() is None:
            self.client.send(Quit())
        try:
            self.process.wait(10.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.client.close()
        return reap(self.process)


@dataclass(frozen=True)
class SwapFigures:
    """What swaps of phrases cost, in milliseconds.

    Parameters
    ----------
    swap
        From sending `SetPhrase` to the time in `Swapped`.
    told
        From sending it to having `Swapped` in hand.
    first_new
        From sending it to the first sound of the new phrase.
    """

    swap: tuple[float, ...]
    told: tuple[float, ...]
    first_new: tuple[float, ...]


def measure_swaps(
    client: EngineClient, phrases: Sequence[Phrase], count: int, gap: float, revision: int = 1
) -> SwapFigures:
    """Send phrases one after the other to an engine and time what becomes of them.

    Parameters
    ----------
    client
        A client of an engine on this machine (the monotonic clock is common to all processes).
    phrases
        Sent in turn.
    count
        How many to send.
    gap
        Seconds between them.
    revision
        That of the first; later ones count up.
    """
    swap, told, first_new = [], [], []
    mark = client.mark()
    client.send(Play())
    client.wait_for(Position, since=mark)
    for i in range(count):
        mark = client.mark()
        sent = time.monotonic()
        number = revision + i
        client.send(SetPhrase(phrase=phrases[i % len(phrases)], revision=number, source="measure"))
        news = client.wait_for(Swapped, partial(_is_revision, number), since=mark)
        told.append(1000.0 * (time.monotonic() - sent))
        swap.append(1000.0 * (news.time - sent))
        if news.first_new_time is not None:
            first_new.append(1000.0 * (news.first_new_time - sent))
        time.sleep(gap)
    client.send(Stop())
    return SwapFigures(tuple(swap), tuple(told), tuple(first_new))


def _is_revision(revision: int, swapped: Swapped) -> bool:
    return swapped.revision == revision


def measure_lateness(client: EngineClient, seconds: float) -> tuple[float, ...]:
    """Let the engine play and return how late its timer woke, in milliseconds.

    One figure for each `Position`, about 30 a second: the worst of some three wake-ups.
    """
    mark = client.mark()
    client.send(Play())
    time.sleep(seconds)
    client.send(Stop())
    client.wait_for(EngineState, lambda state: not state.playing, since=mark)
    return tuple(position.lateness_ms for position in client.all(Position, since=mark))
