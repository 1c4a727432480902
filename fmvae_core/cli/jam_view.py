"""What ``flatjam jam`` shows: a picture that changes; without a terminal, a line an event."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.align import Align
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from fmvae_core.cli.jam_processes import JamProcesses
from fmvae_core.jam.rules import State
from fmvae_core.jam.words import answer_words
from fmvae_core.live.jam_messages import (
    HumanPhrase,
    JamProblem,
    JamState,
    Kept,
    MachinePhrase,
    MidiPortsState,
    StartJam,
    StopJam,
)
from fmvae_core.live.messages import EngineState
from fmvae_core.live.sync_messages import SyncState

_LOOKS_PER_SECOND = 20
_PROBLEM_SECONDS = 8.0

_TITLES = {
    State.IDLE: ("IDLE", "white"),
    State.COUNT_IN: ("COUNT-IN", "yellow"),
    State.LISTENING: ("YOU", "dark_orange"),
    State.ANSWERING: ("MACHINE", "deep_sky_blue1"),
}


class JamView:
    """Starts a jam and shows it until Ctrl-C.

    Parameters
    ----------
    console
        Where to show it.
    processes
        Engine and model worker.
    start
        The jam to start as soon as the machine is ready.
    """

    def __init__(self, console: Console, processes: JamProcesses, start: StartJam) -> None:
        self._console = console
        self._client = processes.engine.client
        self._engine = processes.engine.process
        self._model = processes.model
        self._start = start
        self._has_asked = False
        self._has_begun = False
        self._warned = ""
        self._state: JamState | None = None
        self._ports: MidiPortsState | None = None
        self._sound: EngineState | None = None
        self._sync = ""
        self._machine = ""
        self._problem = ""
        self._problem_until = 0.0
        self._said: dict[str, str] = {}

    def run(self) -> None:
        """Jam until Ctrl-C.

        Raises
        ------
        ValueError
            If the machine cannot play, the jam cannot begin, or the engine has ended.
        """
        try:
            if not self._console.is_terminal:
                self._loop(lambda: None)
                return
            with Live(console=self._console, auto_refresh=False, screen=False) as live:
                self._loop(lambda: live.update(self._picture(), refresh=True))
        except KeyboardInterrupt:
            self._say("", "The jam is over.")
        finally:
            self._client.send(StopJam())

    def _loop(self, show: Callable[[], None]) -> None:
        self._say("", "The machine gets ready ...")
        while True:
            if self._model.problem:
                raise ValueError(self._model.problem)
            warning = self._model.warning
            if warning and warning != self._warned:
                self._tell_problem(warning)
            self._warned = warning
            if self._engine.poll() is not None:
                raise ValueError("the engine has ended; start the jam again")
            if not self._has_asked and self._model.ready.is_set():
                self._has_asked = True
                self._client.send(self._start)
                if self._start.on_control:
                    self._say("", "Ready: waiting for its start by control, clock or OSC.")
            self._say("broker", self._describe_broker())
            self._take_news()
            show()
            time.sleep(1.0 / _LOOKS_PER_SECOND)

    def _take_news(self) -> None:
        for message in self._client.drain():
            if isinstance(message, JamState):
                self._state = message
                self._has_begun |= message.state is not State.IDLE
                self._say("state", _TITLES[message.state][0])
            elif isinstance(message, HumanPhrase):
                what = "hits" if message.phrase.is_drums else "notes"
                self._say("", f"You played {len(message.phrase.notes)} {what}.")
            elif isinstance(message, MachinePhrase):
                self._machine = answer_words(message.how, message.heard)
                self._machine += ", by the broker" if message.broker else ""
                self._say("", f"The machine {self._machine}.")
            elif isinstance(message, Kept):
                self._say("", f"Kept as {message.path}.")
            elif isinstance(message, MidiPortsState):
                self._ports = message
                if message.is_known:
                    self._say("ports", self._describe_ports(message))
            elif isinstance(message, JamProblem):
                if self._has_asked and not self._has_begun and not self._start.on_control:
                    raise ValueError(f"{message.text}; {message.remedy}")  # it will not begin
                self._tell_problem(f"{message.text} {message.remedy}")
            elif isinstance(message, SyncState):
                self._sync = self._describe_sync(message)
                self._say("sync", self._sync)
            elif isinstance(message, EngineState):
                self._sound = message
                self._say("sound", self._describe_sound(message))

    def _tell_problem(self, text: str) -> None:
        self._problem = text
        self._problem_until = time.monotonic() + _PROBLEM_SECONDS
        self._say("", text)

    def _describe_broker(self) -> str:
        broker = self._model.broker
        if broker is None:
            return ""
        if broker.is_open:
            return f"The broker's model answers: {broker.url}"
        return f"{broker.text}. {broker.remedy}" if broker.text else ""

    def _say(self, topic: str, text: str) -> None:
        """Print a line where there is no picture; of one topic only what is new."""
        if not self._console.is_terminal and text and (not topic or self._said.get(topic) != text):
            self._said[topic] = text
            self._console.print(Text(text), soft_wrap=True)

    @staticmethod
    def _describe_ports(ports: MidiPortsState) -> str:
        heard = ", ".join(ports.open_inputs) or "no MIDI port"
        missing = f"; missing: {', '.join(ports.missing)}" if ports.missing else ""
        return f"Listening to {heard} ({ports.drum_map}){missing}"

    @staticmethod
    def _describe_sync(sync: SyncState) -> str:
        if sync.follow == "own":
            return ""
        if not sync.is_locked:
            return "No MIDI clock comes in"
        if sync.follow == "midi":
            return f"Following the MIDI clock of {sync.source}"
        others = "one other" if sync.peers == 1 else f"{sync.peers or 'no'} others"
        return f"On Ableton Link with {others}"

    @staticmethod
    def _describe_sound(sound: EngineState) -> str:
        if sound.problems:
            return " ".join(f"{problem.text} {problem.remedy}" for problem in sound.problems)
        return f"Sound: {sound.driver or 'not yet'}"

    def _picture(self) -> RenderableType:
        state = self._state
        title, colour = _TITLES[state.state if state is not None else State.IDLE]
        if not self._model.ready.is_set() and (state is None or state.state is State.IDLE):
            title = "GETTING READY"
        place = ""
        if state is not None and state.state is not State.IDLE:
            beats = " ".join("●" if beat <= state.beat else "○" for beat in range(1, 5))
            place = f"bar {state.bar}   {beats}   {state.tempo:.0f} bpm"
        lines = [Text(title, style=f"bold {colour}"), Text(place, style=f"bold {colour}")]
        below: list[Text] = []
        if self._machine:
            below.append(Text(f"The machine {self._machine}.", style="deep_sky_blue1"))
        if state is not None and not state.can_answer and self._model.ready.is_set() is False:
            below.append(Text("The model is not there yet, or comes back.", style="yellow"))
        if self._ports is not None and self._ports.is_known:
            style = "red" if self._ports.missing else "dim"
            below.append(Text(self._describe_ports(self._ports), style=style))
        if self._sync:
            below.append(Text(self._sync, style="dim"))
        if self._sound is not None:
            style = "red" if self._sound.problems else "dim"
            below.append(Text(self._describe_sound(self._sound), style=style))
        if broker := self._describe_broker():
            below.append(Text(broker, style="dim"))
        if time.monotonic() < self._problem_until:
            below.append(Text(self._problem, style="red"))
        below.append(Text("Ctrl-C ends", style="dim"))
        big = Panel(Align.center(Group(*(Align.center(line) for line in lines))), padding=(2, 4))
        return Group(big, *below)
