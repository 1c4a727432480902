"""What ``flatjam jam`` makes of news, and of a worker that keeps dying."""

from __future__ import annotations

import io
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from fmvae_core.cli import jam_processes
from fmvae_core.cli.jam_processes import ModelProcess
from fmvae_core.cli.jam_view import JamView
from fmvae_core.ipc import Endpoint, Message
from fmvae_core.jam.rules import State
from fmvae_core.live.jam_messages import JamProblem, JamState, StartJam
from fmvae_core.live.measure import Mailbox
from tests.fmvae_core.live.jack import wait_until

PROBLEM = JamProblem(text="The file exists", remedy="Choose another.")


def state(state: State) -> JamState:
    return JamState(state=state, bar=1, beat=1, bars=2, tempo=100.0, time=0.0, can_answer=True)


class Client(Mailbox):
    """An engine that answers the start of a jam with some news; the next look is Ctrl-C."""

    def __init__(self, *news: Message) -> None:
        super().__init__()
        self.news = news
        self.looks = 0

    def send(self, message: Message) -> None:
        if isinstance(message, StartJam):
            for each in self.news:
                self.put(cast(Any, None), each)

    def drain(self) -> list[Any]:
        self.looks += 1
        if self.looks > 1:
            raise KeyboardInterrupt
        return super().drain()


def show(client: Client, start: StartJam) -> str:
    ready = threading.Event()
    ready.set()
    processes = SimpleNamespace(
        engine=SimpleNamespace(client=client, process=SimpleNamespace(poll=lambda: None)),
        model=SimpleNamespace(ready=ready, problem="", warning="The worker dies", broker=None),
    )
    text = io.StringIO()
    JamView(Console(file=text), cast(Any, processes), start).run()
    return text.getvalue()


def test_a_jam_that_is_refused_ends_with_the_reason() -> None:
    with pytest.raises(ValueError, match="The file exists; Choose another"):
        show(Client(state(State.IDLE), PROBLEM), StartJam())


def test_later_troubles_and_those_of_a_pedal_are_shown_only() -> None:
    client = Client(state(State.COUNT_IN), PROBLEM)
    shown = show(client, StartJam())
    assert "The file exists Choose another." in shown
    assert "The worker dies" in shown
    assert client.received == [], "an evening of news is not kept"
    assert "The file exists" in show(Client(PROBLEM), StartJam(on_control=True))


@pytest.mark.parametrize("has_been_ready", [False, True])
def test_a_worker_that_keeps_dying_ends_no_jam_that_runs(
    has_been_ready: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    deaths: list[bool] = []

    def die(process: ModelProcess) -> None:
        deaths.append(True)
        process._has_been_ready = has_been_ready

    monkeypatch.setattr(ModelProcess, "_run", die)
    monkeypatch.setattr(jam_processes, "_PAUSE_SECONDS", 0.01)
    with (tmp_path / "log").open("w") as log:
        model = ModelProcess(tmp_path, 2, Endpoint.new("engine"), log)
        if has_been_ready:
            wait_until(lambda: len(deaths) > 8, "tried again and again")
            model.close()
            assert "dies again and again" in model.warning
            assert model.problem == ""
        else:
            wait_until(lambda: bool(model.problem), "given up")
            model.close()
            assert len(deaths) == 6
