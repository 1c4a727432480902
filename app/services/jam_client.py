"""The jam's part of the wire to the engine: ports, samplers, and the jam itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Signal

from fmvae_core.ipc import Message
from fmvae_core.jam.rules import State
from fmvae_core.live.control_messages import (
    AnchorChosen,
    ControlsState,
    LearnControl,
    OscState,
    SetOsc,
    SettingChanged,
    Target,
)
from fmvae_core.live.jam_messages import (
    HumanHeard,
    HumanHit,
    HumanKey,
    HumanPhrase,
    JamProblem,
    JamState,
    KeepPhrases,
    Kept,
    KeyMoved,
    MachinePhrase,
    MidiActivity,
    MidiPortsState,
    NoteHeard,
    PadHit,
    Player,
    SetJam,
    SetMidi,
    SetSampler,
    StartJam,
    StopJam,
)
from fmvae_core.live.sound_messages import SetOutputs
from fmvae_core.live.sync_messages import (
    CalibrationState,
    SetSync,
    StartCalibration,
    StopCalibration,
    SyncState,
)


class JamClient(QObject):
    """Tells the engine of a jam, remembers what it was told, and says what it tells.

    Parameters
    ----------
    send
        Sends a message to the engine, if there is one.

    Signals
    -------
    state_changed(JamState), ports_changed(MidiPortsState), activity(MidiActivity),
    note_heard(NoteHeard), human_hit(HumanHit), human_key(HumanKey), human_heard(HumanHeard),
    human_phrase(HumanPhrase), machine_phrase(MachinePhrase), kept(Kept), problem(JamProblem),
    controls_changed(ControlsState), setting_changed(SettingChanged), anchor_chosen(AnchorChosen),
    sync_changed(SyncState), osc_changed(OscState), calibrated(CalibrationState)
        What the engine tells.
    gone()
        The engine is gone, and the take with it.
    """

    state_changed = Signal(object)
    ports_changed = Signal(object)
    activity = Signal(object)
    note_heard = Signal(object)
    human_hit = Signal(object)
    human_key = Signal(object)
    human_heard = Signal(object)
    human_phrase = Signal(object)
    machine_phrase = Signal(object)
    kept = Signal(object)
    problem = Signal(object)
    controls_changed = Signal(object)
    setting_changed = Signal(object)
    anchor_chosen = Signal(object)
    sync_changed = Signal(object)
    osc_changed = Signal(object)
    calibrated = Signal(object)
    gone = Signal()

    def __init__(self, send: Callable[[Message], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._send = send
        self._midi: dict[str, Any] = {}
        self._samplers: dict[Player, dict[str, Any]] = {}
        self._outputs: dict[str, Any] = {}
        self._settings: dict[str, Any] = {}
        self._sync: dict[str, Any] = {}
        self._osc: dict[str, Any] = {}
        self._armed: int | None = None
        self._state: JamState | None = None
        self._ports: MidiPortsState | None = None
        self._signals: dict[type[Message], Any] = {
            MidiActivity: self.activity,
            NoteHeard: self.note_heard,
            HumanHit: self.human_hit,
            HumanKey: self.human_key,
            HumanHeard: self.human_heard,
            HumanPhrase: self.human_phrase,
            MachinePhrase: self.machine_phrase,
            Kept: self.kept,
            JamProblem: self.problem,
            ControlsState: self.controls_changed,
            SettingChanged: self.setting_changed,
            AnchorChosen: self.anchor_chosen,
            SyncState: self.sync_changed,
            OscState: self.osc_changed,
            CalibrationState: self.calibrated,
        }

    @property
    def state(self) -> JamState | None:
        """Where the jam is; ``None`` while the engine has told of none."""
        return self._state

    @property
    def ports(self) -> MidiPortsState | None:
        """The MIDI ports; ``None`` while the engine has not been asked for them."""
        return self._ports

    @property
    def is_running(self) -> bool:
        """Whether a take is going on."""
        return self._state is not None and self._state.state is not State.IDLE

    # --- what the window asks for ---------------------------------------------------------------

    def set_midi(self, **fields: Any) -> None:
        """Change fields of `SetMidi`."""
        self._midi |= fields
        self._send(SetMidi(**fields))

    def set_sampler(self, player: Player, **fields: Any) -> None:
        """Change fields of `SetSampler`."""
        self._samplers.setdefault(player, {}).update(fields)
        self._send(SetSampler(player=player, **fields))

    def set_outputs(self, **fields: Any) -> None:
        """Change fields of `SetOutputs`."""
        self._outputs |= fields
        self._send(SetOutputs(**fields))

    def set_sync(self, **fields: Any) -> None:
        """Change fields of `SetSync`."""
        self._sync |= fields
        self._send(SetSync(**fields))

    def set_osc(self, **fields: Any) -> None:
        """Change fields of `SetOsc`."""
        self._osc |= fields
        self._send(SetOsc(**fields))

    def learn_control(self, target: Target | None, is_relative: bool = False) -> None:
        """Let the next control that is moved be that of a target; ``None`` ends the waiting."""
        self._send(LearnControl(target=target, is_relative=is_relative))

    def start_calibration(self, tempo: float) -> None:
        """Click for somebody to tap along with."""
        self._send(StartCalibration(tempo=tempo))

    def stop_calibration(self) -> None:
        """End that click."""
        self._send(StopCalibration())

    def set_jam(self, **fields: Any) -> None:
        """Change fields of `SetJam`."""
        self._settings |= fields
        self._send(SetJam(**fields))

    def start(self, seed: int) -> None:
        """Begin a take as it was set, at the tempo that is set, and write its journal.

        Parameters
        ----------
        seed
            Of what the machine draws.
        """
        self._send(self._begin(seed))

    def arm(self, seed: int) -> None:
        """Let a pad, a pedal or a clock begin the next take, as `start` would."""
        self._armed = seed
        self._send(self._begin(seed).model_copy(update={"on_control": True}))

    def _begin(self, seed: int) -> StartJam:
        names = ("settings", "partner", "click")
        given = {name: self._settings[name] for name in names if name in self._settings}
        return StartJam(is_recorded=True, seed=seed, **given)

    def stop(self) -> None:
        """End the take."""
        self._send(StopJam())

    def keep(self) -> None:
        """Save the last phrases of both players; answered by `kept` or `problem`."""
        self._send(KeepPhrases())

    def hit(self, drum: int, velocity: int) -> None:
        """Take a hit of a pad on the screen or of the computer's keyboard."""
        self._send(PadHit(drum=drum, velocity=velocity))

    def move_key(self, pitch: int, velocity: int) -> None:
        """Take a key on the screen or of the computer's keyboard; a velocity of 0 lets it go."""
        self._send(KeyMoved(pitch=pitch, velocity=velocity))

    # --- the engine client's --------------------------------------------------------------------

    def tell_all(self) -> None:
        """Tell an engine that has just been connected what it has to know."""
        if self._midi:
            self._send(SetMidi(**self._midi))
        for player, fields in self._samplers.items():
            self._send(SetSampler(player=player, **fields))
        if self._outputs:
            self._send(SetOutputs(**self._outputs))
        if self._settings:
            self._send(SetJam(**self._settings))
        if self._sync:
            self._send(SetSync(**self._sync))
        if self._osc:
            self._send(SetOsc(**self._osc))
        if self._armed is not None:
            self.arm(self._armed)

    def take(self, message: Message) -> None:
        """Take a message of the engine; one that is not about the jam changes nothing."""
        if isinstance(message, JamState):
            self._state = message
            self.state_changed.emit(message)
        elif isinstance(message, MidiPortsState):
            self._ports = message
            self.ports_changed.emit(message)
        elif type(message) in self._signals:
            self._signals[type(message)].emit(message)

    def forget(self) -> None:
        """Take note that the engine is gone."""
        if self._state is not None or self._ports is not None:
            self._state = self._ports = None
            self.gone.emit()
