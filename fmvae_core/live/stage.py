"""The engine's part in a jam: MIDI ports, the kit, the two players' sound, and the jam itself."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from fmvae_core.ipc import Message
from fmvae_core.jam.journal import free_path, new_take
from fmvae_core.jam.keeps import save_keep
from fmvae_core.jam.messages import Answer
from fmvae_core.jam.pads import Hit, Key
from fmvae_core.live.clock import Clock
from fmvae_core.live.control_messages import Setting, Switch
from fmvae_core.live.jam import Jam
from fmvae_core.live.jam_messages import (
    HumanPhrase,
    JamCommand,
    JamProblem,
    KeepPhrases,
    Kept,
    KeyMoved,
    MidiActivity,
    MidiPortsState,
    NoteHeard,
    OfferAnswers,
    PadHit,
    SetJam,
    SetMidi,
    StartJam,
    StopJam,
    Tap,
)
from fmvae_core.live.messages import SetTransport
from fmvae_core.live.midi_clock import Pulse
from fmvae_core.live.midi_input import MidiInput
from fmvae_core.live.midi_output import MidiOutput
from fmvae_core.live.midi_ports import MidiEvent, MidiPorts
from fmvae_core.live.samplers import CHANNELS
from fmvae_core.live.steering import Steering, SteeringCommand
from fmvae_core.live.sync import Moment
from fmvae_core.live.tap import TapTempo
from fmvae_core.live.transport import Transport
from fmvae_core.live.voices import SoundEvent
from fmvae_core.music.drums import drum_map

log = logging.getLogger(__name__)

_ACTIVITY_SECONDS = 0.1
_NOTE_ON = 0x90


class Client(Protocol):
    """Whoever has sent a command."""

    def send(self, message: Message) -> None:
        """Send a message; never blocks."""


class Stage:
    """Hears the human, runs the jam, and lets both players sound.

    Parameters
    ----------
    clock, transport
        The engine's.
    tell
        Tells every client.
    kick
        Wakes the engine's timer.
    publish
        Tells every client of the engine's state, after a change that no client asked for.
    """

    def __init__(
        self,
        clock: Clock,
        transport: Transport,
        tell: Callable[[Message], None],
        kick: Callable[[], None],
        publish: Callable[[], None] = lambda: None,
    ) -> None:
        self._now = clock.now
        self._publish = publish
        self._transport = transport
        self._tell = tell
        self._lock = threading.Lock()
        self._answerers: list[tuple[Client, OfferAnswers]] = []
        self._last_activity = 0.0
        self._tells_notes = False
        self._start = StartJam()
        self._tap = TapTempo()
        self._input = MidiInput(self, self._on_activity, lambda s: self._steering.desk.value(s))
        self._ports = MidiPorts(self._input.receive, self._tell_ports, clock.now)
        self._output = MidiOutput(self._send, clock.now)
        self.jam = Jam(clock.now, self._sound, self._release, self._tell_of_jam, kick, self._pulse)
        self._steering = Steering(clock.now, self, transport, self._input, self._output, self._tell)
        self._had_output = False

    def close(self) -> None:
        """End the jam and let go of the ports."""
        self.jam.stop()
        self._steering.close()
        self._output.close()
        self._ports.close()

    @property
    def is_busy(self) -> bool:
        """Whether `wake` has to be called a hundred times a second."""
        return self.jam.is_running or self._steering.calibration.is_running

    def wake(self) -> None:
        """Do what falls due; to be called as `fmvae_core.live.jam.Jam.wake` is."""
        self._steering.wake()
        self.jam.wake()

    def handle(self, client: Client, command: JamCommand | SteeringCommand | Answer) -> None:
        """Do what a client asks for. What cannot be done becomes a `JamProblem` for it."""
        try:
            self._handle(client, command)
        except (ValueError, OSError) as error:
            client.send(_problem(error))

    def _handle(self, client: Client, command: JamCommand | SteeringCommand | Answer) -> None:
        match command:
            case SetMidi():
                self._set_midi(command)
            case PadHit():
                self.hit(Hit(self._now(), command.drum, command.velocity), "")
            case KeyMoved():
                self.key(Key(self._now(), command.pitch, command.velocity), "")
            case OfferAnswers():
                with self._lock:
                    self._answerers = [each for each in self._answerers if each[0] is not client]
                    self._answerers.append((client, command))
                self._ask(client, command)
            case Answer():
                self.jam.answer(command)
            case StartJam():
                self._start = command
                if not command.on_control:
                    self._start_jam()
            case SetJam():
                self.set_jam(command)
            case StopJam():
                self.jam.stop()
            case KeepPhrases():
                self._keep()
            case Tap():
                self.control("tap", self._now())
            case JamProblem():
                self._tell_problem(command)
            case _:
                self._steering.handle(command)

    def greet(self, client: Client) -> None:
        """Tell a new client where the jam is, and of the ports once anybody has asked for some."""
        if self.jam.told is not None:
            client.send(self.jam.told)
        self._steering.greet(client.send)
        state = self._ports.state
        if state.wanted_inputs or state.wanted_output:
            client.send(self._ports_state())

    def forget(self, client: Client) -> None:
        """Take note that a client is gone; the machine goes on with what it has."""
        with self._lock:
            left = [each for each in self._answerers if each[0] is not client]
            was_last = bool(self._answerers) and self._answerers[-1][0] is client
            self._answerers = left
        if not was_last:
            return
        if left:
            self._ask(*left[-1])
        else:
            self.jam.set_answerer(None)
        if not left and self.jam.is_running:
            self._tell_problem(
                JamProblem(
                    text="The model has gone away: the machine repeats its last answer.",
                    remedy="It answers again once a model worker is back.",
                )
            )

    def _ask(self, client: Client, offer: OfferAnswers) -> None:
        """Ask a client for answers from now on; its phrases say what MIDI inputs play."""
        self._input.set_plays(offer.plays)
        self.jam.set_answerer(client.send, offer.bars, offer.plays)

    def change(self, wanted: SetTransport) -> None:
        """Take note of a change of the transport: a jam goes at the same tempo."""
        if wanted.tempo is not None:
            self.set_tempo(wanted.tempo)

    # --- what the human does ----------------------------------------------------------------------

    def hit(self, hit: Hit, port: str) -> None:
        """Let a hit of a port's sound, then take it in."""
        if self._steering.hit(hit, port):
            return
        self._transport.strike(hit.pitch, hit.velocity)
        self.jam.hit(hit)

    def key(self, key: Key, port: str) -> None:
        """Let a key of a port's sound, then take it in."""
        tapped = Hit(key.seconds, 0, key.velocity)  # which one it is plays no part in a calibration
        if key.velocity and self._steering.hit(tapped, port):
            return
        self._transport.key(key.pitch, key.velocity)
        self.jam.key(key)

    def choke(self, pitch: int) -> None:
        """Damp a cymbal that was grabbed."""
        self._transport.choke(pitch)

    def control(self, name: Switch, seconds: float) -> None:
        """Do what a switch is for. What cannot be done becomes a `JamProblem` for every client."""
        try:
            self._control(name, seconds)
        except (ValueError, OSError) as error:
            self._tell_problem(_problem(error))

    def turn(self, setting: Setting, value: float) -> None:
        """Take what a knob has changed."""
        self._steering.turn(setting, value)

    def learnt(self) -> None:
        """Tell every client which control does what."""
        self._steering.tell_controls()

    def system(self, event: MidiEvent) -> None:
        """Take a message of a clock's."""
        self._steering.system(event)

    # --- what steers ------------------------------------------------------------------------------

    def begin(self, moment: Moment | None) -> None:
        """Begin a take as the last one, at a moment or now."""
        try:
            self._start_jam(again=True, moment=moment)
        except (ValueError, OSError) as error:
            self._tell_problem(_problem(error))

    def end(self) -> None:
        """End the take, or the click of a calibration."""
        self.jam.stop()
        self._steering.calibration.stop()

    def set_tempo(self, tempo: float) -> None:
        """Change the tempo, of the next take too; a MIDI clock that is followed knows better."""
        if self._steering.sync.is_led:
            return
        self._transport.change(SetTransport(tempo=tempo))
        self.jam.set_tempo(tempo)
        self._keep_tempo(tempo)
        self._steering.sync.propose(tempo)
        self._publish()

    def take_tempo(self, tempo: float) -> None:
        """Take over the tempo of a master, whose beats the take follows already."""
        if self._transport.state.tempo != tempo:
            self._transport.change(SetTransport(tempo=tempo))
            self._keep_tempo(tempo)
            self._publish()

    # --- the rest ---------------------------------------------------------------------------------

    def _control(self, name: Switch, seconds: float) -> None:
        if name == "tap":
            tempo = self._tap.tap(seconds)
            if tempo is not None:
                self.set_tempo(tempo)
        elif name == "keep":
            self._keep()
        elif name == "anchor":
            self._steering.desk.choose_anchor()
        elif self.jam.is_running:
            self.jam.stop()
        else:
            self._start_jam(again=True)

    def _keep(self) -> None:
        """Save the last phrases of both; on a thread, since a disk takes its time."""
        keep = self.jam.keep(self._transport.state.tempo)

        def save() -> None:
            try:
                path = save_keep(keep)
            except OSError as error:
                reason = error.strerror or str(error)
                self._tell_problem(
                    JamProblem(text=f"It could not be kept ({reason}).", remedy="Make room.")
                )
            else:
                self.jam.note_kept(path.stem)
                self._tell(Kept(keep=keep, path=path))

        # Not daemonic: what was kept is written even where the engine ends now.
        threading.Thread(target=save, name="keep").start()

    def _keep_tempo(self, tempo: float) -> None:
        """Let the next take, too, begin at this tempo."""
        if self._start.tempo is not None:
            self._start = self._start.model_copy(update={"tempo": tempo})

    def _start_jam(self, again: bool = False, moment: Moment | None = None) -> None:
        start = self._start
        if start.journal is not None and again:
            start = start.model_copy(update={"journal": free_path(start.journal)})
        if start.journal is None and start.is_recorded:
            start = start.model_copy(update={"journal": new_take(datetime.now())})
        self._transport.stop()
        self._steering.calibration.stop()
        moment = moment or self._steering.sync.moment()
        if moment is not None and moment.tempo is not None:
            self.take_tempo(round(moment.tempo, 1))
        elif start.tempo is not None:
            self._transport.change(SetTransport(tempo=start.tempo))
        at = None if moment is None else moment.at
        self.jam.start(start, self._transport.state.tempo, at)
        self._steering.sync.begun(moment)

    def _set_midi(self, wanted: SetMidi) -> None:
        kit = None if wanted.drum_map is None else drum_map(wanted.drum_map)
        self._input.set_kit(kit, wanted.pedal_decides)
        if wanted.tells_notes is not None:
            self._tells_notes = wanted.tells_notes
        self._ports.choose(wanted.inputs, wanted.output)
        self._tell_ports()

    def set_jam(self, wanted: SetJam) -> None:
        """Change how the jam goes, and the takes after it."""
        if wanted.output_latency is not None:
            self._output.delay = max(0.0, wanted.output_latency)
        self.jam.change(
            wanted.settings,
            wanted.partner,
            wanted.click,
            wanted.input_latency,
            wanted.output_latency,
        )
        given = wanted.model_dump(include={"settings", "partner", "click"}, exclude_none=True)
        self._start = StartJam.model_validate(self._start.model_dump() | given)
        if wanted.anchors is not None:
            self._steering.desk.anchors = wanted.anchors
        if wanted.controls is not None:
            self._input.assign(wanted.controls)
            self._steering.tell_controls()

    def _sound(self, events: list[SoundEvent]) -> None:
        self._transport.sound(events)
        self._output.play(event for event in events if event.channel in CHANNELS["machine"])

    def _release(self) -> None:
        self._transport.release()
        self._output.stop(self._steering.sync.last_words())

    def _pulse(self, pulses: list[Pulse]) -> None:
        self._steering.pulse(pulses)

    def _send(self, data: Sequence[int]) -> None:
        state = self._ports.state
        if state.is_output_open:
            self._ports.send(data)
            self.jam.note_midi(self._now(), "out", state.wanted_output, data)

    def _tell_of_jam(self, message: Message) -> None:
        if isinstance(message, HumanPhrase):
            self._transport.follow(message.phrase)
        self._tell(message)
        self._steering.heard(message)

    def _tell_problem(self, problem: JamProblem) -> None:
        self.jam.note_trouble(problem.text)
        self._tell(problem)

    def _on_activity(self, event: MidiEvent) -> None:
        self.jam.note_midi(event.time, "in", event.port, event.data)
        if event.time - self._last_activity >= _ACTIVITY_SECONDS:
            self._last_activity = event.time
            self._tell(MidiActivity(time=event.time, port=event.port))
        if self._tells_notes and len(event.data) == 3:
            status, pitch, velocity = event.data
            if status & 0xF0 == _NOTE_ON and velocity:
                self._tell(NoteHeard(port=event.port, pitch=pitch, velocity=velocity))

    def _tell_ports(self) -> None:
        has_output = self._ports.state.is_output_open
        if has_output and not self._had_output:
            self._steering.sync.rejoin()
        self._had_output = has_output
        self._tell(self._ports_state())

    def _ports_state(self) -> MidiPortsState:
        state = self._ports.state
        return MidiPortsState(
            is_known=state.is_known,
            inputs=state.inputs,
            input_interfaces=state.input_interfaces,
            outputs=state.outputs,
            open_inputs=state.open_inputs,
            output=state.wanted_output if state.is_output_open else "",
            missing=state.missing,
            drum_map=self._input.kit.key,
        )


def _problem(error: Exception) -> JamProblem:
    text, _, remedy = str(error).partition("; ")
    return JamProblem(text=text, remedy=remedy or "Try again.")
