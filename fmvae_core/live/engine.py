"""The engine: transport, sound and clients tied together (`messages` is what it understands)."""

from __future__ import annotations

import gc
import logging
import sys
import threading
from dataclasses import replace

from fmvae_core.ipc import Connection, Endpoint, Message, Server
from fmvae_core.live.clock import Clock
from fmvae_core.live.jam_messages import JamProblem
from fmvae_core.live.messages import (
    ENGINE_COMMANDS,
    EngineCommand,
    EngineState,
    Panic,
    Play,
    Position,
    Quit,
    SetPhrase,
    SetSound,
    SetTransport,
    Stop,
    Swapped,
)
from fmvae_core.live.playback import Playback
from fmvae_core.live.priority import TIMER, raise_priority
from fmvae_core.live.samplers import CHANNELS
from fmvae_core.live.scheduler import Tag
from fmvae_core.live.sound import Sound
from fmvae_core.live.sound_messages import SetOutputs, SetSampler
from fmvae_core.live.stage import Stage
from fmvae_core.live.take_messages import PlayTake, StopTake
from fmvae_core.live.transport import Transport
from fmvae_core.live.voices import SoundEvent

log = logging.getLogger(__name__)

_MACHINES = dict(zip(CHANNELS["human"], CHANNELS["machine"], strict=True))
"""The machine's channel for what the human plays on each of theirs."""

LINGER_SECONDS = 60.0
"""How long the engine plays on for a new client when the last one is gone without `Quit`."""

_WAKE = 0.010  # seconds between wake-ups while playing
_IDLE = 0.050  # the same while stopped: enough to keep the clock in step with the audio
_TELL = 1.0 / 30.0  # seconds between positions
_QUIT_FADE = 0.15  # seconds
_ABANDONED_FADE = 2.0

Client = Connection[EngineCommand]


class Engine:
    """Serves clients at an endpoint from the moment it is made; `run` returns once it has ended.

    Parameters
    ----------
    endpoint
        Where to listen.
    linger
        Seconds to wait for a new client after the last one is gone.
    """

    def __init__(self, endpoint: Endpoint, linger: float = LINGER_SECONDS) -> None:
        self._linger = linger
        self._clock = Clock()
        self._transport = Transport(self._clock)
        self._sound = Sound(self._transport, self._publish)
        self._quit = threading.Event()
        self._kick = threading.Event()
        self._publishing = threading.Lock()
        self._published: EngineState | None = None
        self._revising = threading.Lock()
        self._revisions: dict[str, int] = {}
        self._senders: dict[str, set[Client]] = {}
        self._failure: BaseException | None = None
        self._stage = Stage(self._clock, self._transport, self._tell, self._kick.set, self._publish)
        self._playback = Playback(
            self._clock.now, self._sound_take, self._transport.release, self._tell, self._kick.set
        )
        self._timer = threading.Thread(target=self._run_timer, name="timer", daemon=True)
        self._server: Server[EngineCommand] = Server(
            endpoint, ENGINE_COMMANDS, self._on_command, self._on_connect, self._on_disconnect
        )

    def run(self) -> None:
        """Play until told to quit, or abandoned; then fade and let go of everything.

        Raises
        ------
        RuntimeError
            If the timer has failed; the window then starts another engine.
        """
        # The default lets a thread that parses a message keep the timer waiting for 5 ms.
        sys.setswitchinterval(0.001)
        # The collector stops every thread for as long as it looks. What is there by now stays.
        gc.freeze()
        self._timer.start()
        self._sound.start()
        left_at = self._clock.now()
        abandoned = False
        while not self._quit.wait(0.25):
            now = self._clock.now()
            if self._server.connections:
                left_at = now
            elif now - left_at > self._linger:
                log.warning("no client for %g s: ending", self._linger)
                abandoned = True
                break
        self._fade_out(_ABANDONED_FADE if abandoned else _QUIT_FADE)
        self._stage.close()
        self._quit.set()
        self._kick.set()
        self._timer.join()
        self._sound.close()
        self._server.close()
        if self._failure is not None:
            raise RuntimeError("the engine's timer has failed") from self._failure

    def quit(self) -> None:
        """Ask `run` to end. May be called from a signal handler."""
        self._quit.set()

    # --- clients ----------------------------------------------------------------------------------

    def _on_connect(self, client: Client) -> None:
        with self._publishing:
            client.send(self._state())
        self._stage.greet(client)

    def _on_disconnect(self, client: Client) -> None:
        self._stage.forget(client)
        # A source whose senders are all gone may begin to count anew: a window that is back after
        # a crash does not know how far the old one had got.
        with self._revising:
            for source, senders in list(self._senders.items()):
                senders.discard(client)
                if not senders:
                    del self._senders[source]
                    self._revisions.pop(source, None)

    def _on_command(self, client: Client, command: EngineCommand) -> None:
        match command:
            case SetPhrase():
                self._set_phrase(client, command)
            case Play():
                self._stage.end()
                self._playback.stop()
                self._transport.play()
                self._kick.set()
            case Stop():
                self._transport.stop()
            case Panic():
                self._stage.end()
                self._playback.stop()
                self._transport.panic()
            case SetTransport():
                self._transport.change(command)
                self._stage.change(command)
            case SetSound():
                self._sound.request(command)
            case SetSampler():
                self._transport.set_sampler(command)
                self._sound.request(command)
            case SetOutputs():
                self._transport.set_outputs(command)
                self._sound.request(command)
            case PlayTake():
                self._play_take(client, command)
            case StopTake():
                self._playback.stop()
            case Quit():
                self.quit()
            case _:
                self._stage.handle(client, command)
        self._publish()

    def _tell(self, message: Message) -> None:
        self._server.broadcast(message)

    def _set_phrase(self, client: Client, command: SetPhrase) -> None:
        with self._revising:
            newest = self._revisions.get(command.source)
            if newest is not None and command.revision < newest:
                log.info("ignored revision %d of %s", command.revision, command.source)
                return
            self._revisions[command.source] = command.revision
            self._senders.setdefault(command.source, set()).add(client)
            swap = self._transport.set_phrase(command.phrase, Tag(command.source, command.revision))
        self._server.broadcast(
            Swapped(
                revision=command.revision,
                source=command.source,
                time=swap.time,
                first_new_time=swap.first_new_time,
            )
        )

    def _play_take(self, client: Client, command: PlayTake) -> None:
        self._stage.jam.stop()
        self._transport.stop()
        try:
            self._playback.start(command)
        except (ValueError, OSError) as error:
            text, _, remedy = str(error).partition("; ")
            client.send(JamProblem(text=text, remedy=remedy or "Try again."))

    def _sound_take(self, events: list[SoundEvent]) -> None:
        if not self._transport.state.human.sounds:  # nobody plays the kit whose sound it has
            events = [
                replace(event, channel=_MACHINES.get(event.channel, event.channel))
                for event in events
            ]
        self._transport.sound(events)

    def _state(self) -> EngineState:
        transport = self._transport.state
        sound = self._sound.state
        return EngineState(
            playing=transport.playing,
            tempo=transport.tempo,
            loop=transport.loop,
            metronome=transport.metronome,
            metronome_level=transport.metronome_level,
            volume=transport.volume,
            instrument=transport.instrument,
            soundfont=sound.soundfont,
            soundfonts=sound.soundfonts,
            driver=sound.driver,
            drivers=sound.drivers,
            sample_rate=sound.sample_rate,
            human=transport.human.model_copy(update={"soundfont": sound.human_soundfont}),
            machine=transport.machine.model_copy(update={"soundfont": sound.machine_soundfont}),
            outputs=transport.outputs,
            pairs=sound.pairs,
            problems=sound.problems,
        )

    def _publish(self) -> None:
        """Tell every client of the state if it has changed."""
        with self._publishing:
            state = self._state()
            if state != self._published:
                self._published = state
                self._server.broadcast(state)

    # --- time -------------------------------------------------------------------------------------

    def _run_timer(self) -> None:
        try:
            self._keep_time()
        except BaseException as error:
            self._failure = error
            self._quit.set()

    def _keep_time(self) -> None:
        log.info("timer priority: %s", raise_priority(TIMER))
        now = self._clock.now()
        due = tell = now
        worst = 0.0
        was_playing = False
        while not self._quit.is_set():
            kicked = self._kick.wait(max(0.0, due - now))
            if not kicked:
                woke = self._clock.now()
                worst = max(worst, woke - due)
            self._kick.clear()
            self._transport.wake()
            self._stage.wake()
            if self._stage.jam.is_running:
                self._playback.stop()
            self._playback.wake()
            lost = self._transport.take_lost_synth()
            if lost is not None:
                self._sound.report_lost(lost)
            playing = self._transport.is_playing
            now = self._clock.now()
            if playing and not was_playing:
                due, tell, worst = now, now, 0.0
            if was_playing and not playing:
                self._publish()
            if playing and now >= tell:
                self._tell_position(worst)
                worst = 0.0
                tell = max(tell + _TELL, now)
            was_playing = playing
            busy = playing or self._stage.is_busy or self._playback.is_running
            if not kicked:  # a kick is one wake-up more, and takes the place of none
                due += _WAKE if busy else _IDLE
            due = min(max(due, now), now + (_WAKE if busy else _IDLE))
            choice = self._stage.jam.next_due()
            if choice is not None:
                due = min(due, choice)

    def _tell_position(self, lateness: float) -> None:
        time, position = self._transport.position()
        self._server.broadcast(
            Position(
                time=time,
                beat=position.beat,
                beats=position.beats,
                revision=position.tag.revision,
                source=position.tag.source,
                lateness_ms=1000.0 * lateness,
            )
        )

    def _fade_out(self, seconds: float) -> None:
        if self._transport.is_playing or self._stage.jam.is_running or self._playback.is_running:
            steps = round(seconds / 0.010)
            end = threading.Event()
            for step in range(1, steps + 1):
                self._transport.fade(1.0 - step / steps)
                end.wait(seconds / steps)
        self._transport.panic()
