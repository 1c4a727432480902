"""What steers a jam beside the kit: knobs and pedals, OSC, clocks; and the latency's measure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from fmvae_core.ipc import Message
from fmvae_core.jam.pads import Hit
from fmvae_core.live.calibration import Calibration
from fmvae_core.live.control_messages import LearnControl, SetOsc, Setting, Switch
from fmvae_core.live.desk import Desk
from fmvae_core.live.jam import Jam
from fmvae_core.live.jam_messages import JamState, SetJam
from fmvae_core.live.midi_clock import Pulse
from fmvae_core.live.midi_input import MidiInput
from fmvae_core.live.midi_output import MidiOutput
from fmvae_core.live.midi_ports import MidiEvent
from fmvae_core.live.osc import Osc, OscSwitch
from fmvae_core.live.sync import Moment, Sync
from fmvae_core.live.sync_messages import SetSync, StartCalibration, StopCalibration
from fmvae_core.live.transport import Transport

SteeringCommand = LearnControl | SetOsc | SetSync | StartCalibration | StopCalibration


class Steered(Protocol):
    """The stage, as far as it is steered from here."""

    jam: Jam

    def control(self, name: Switch, seconds: float) -> None:
        """Do what a switch is for."""

    def begin(self, moment: Moment | None) -> None:
        """Begin a take, at a moment or now."""

    def end(self) -> None:
        """End the take."""

    def set_jam(self, wanted: SetJam) -> None:
        """Change how the jam goes."""

    def set_tempo(self, tempo: float) -> None:
        """Change the tempo."""

    def take_tempo(self, tempo: float) -> None:
        """Take over the tempo of a master."""


class Steering:
    """Ties knobs, OSC, clocks and the calibration to the stage.

    Parameters
    ----------
    now
        The engine's clock.
    stage
        What is steered.
    transport, midi_input, output
        Its parts.
    tell
        Tells every client.
    """

    def __init__(
        self,
        now: Callable[[], float],
        stage: Steered,
        transport: Transport,
        midi_input: MidiInput,
        output: MidiOutput,
        tell: Callable[[Message], None],
    ) -> None:
        self._now = now
        self._stage = stage
        self._transport = transport
        self._input = midi_input
        self._tell = tell
        self.desk = Desk(stage.jam, transport, stage.set_jam, stage.set_tempo, tell)
        self.calibration = Calibration(now, transport.sound, transport.release, tell)
        self.sync = Sync(
            now, stage.jam, output.send, tell, stage.begin, stage.end, stage.take_tempo
        )
        self._osc = Osc(self._switch, self.desk.set, self.desk.choose_anchor, tell)

    def close(self) -> None:
        """Let go of network and clocks."""
        self._osc.close()
        self.sync.close()

    def handle(self, command: SteeringCommand) -> None:
        """Do what a client asks for.

        Raises
        ------
        ValueError, OSError
            If it cannot be done; the text says why.
        """
        match command:
            case LearnControl():
                self._input.learn(command.target, command.is_relative)
                self.tell_controls()
            case SetOsc():
                self._osc.change(command)
            case SetSync():
                self.sync.change(command, self._transport.state.tempo)
            case StartCalibration():
                if self._stage.jam.is_running:
                    raise ValueError("a jam is going on; stop it to measure the latency")
                self._transport.stop()
                self.calibration.start(command)
            case StopCalibration():
                self.calibration.stop()

    def greet(self, send: Callable[[Message], None]) -> None:
        """Tell a new client what steers the jam."""
        for message in (self._input.controls, self.sync.state, self._osc.state):
            send(message)

    def tell_controls(self) -> None:
        """Tell every client which control does what."""
        self._tell(self._input.controls)

    # --- what happens -----------------------------------------------------------------------------

    def turn(self, setting: Setting, value: float) -> None:
        """Take what a knob has changed."""
        self.desk.set(setting, value)

    def system(self, event: MidiEvent) -> None:
        """Take a message of a clock's, and have it written to the journal."""
        self._stage.jam.note_midi(event.time, "in", event.port, event.data)
        self.sync.system(event)

    def hit(self, hit: Hit, port: str) -> bool:
        """Take a hit, and return whether it was one on the click of a calibration."""
        return self.calibration.hit(hit, port)

    def pulse(self, pulses: list[Pulse]) -> None:
        """Take the ticks of the take."""
        self.sync.pulse(pulses)

    def heard(self, message: Message) -> None:
        """Take what the jam tells every client."""
        if isinstance(message, JamState):
            self._osc.send_state(message)

    def wake(self) -> None:
        """Do what falls due; to be called every hundredth of a second, before the jam's."""
        now = self._now()
        self.sync.wake(now)
        self.calibration.wake(now)

    def _switch(self, name: OscSwitch) -> None:
        """Do what OSC asks for."""
        is_running = self._stage.jam.is_running
        if name == "start" or name == "stop":
            if (name == "start") != is_running:
                self._stage.control("start_stop", self._now())
        else:
            self._stage.control(name, self._now())
