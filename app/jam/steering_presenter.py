"""Ties knobs, clocks, OSC and the latency to the choices and the engine."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.jam.controls_panel import ControlsPanel
from app.jam.latency_dialog import LatencyDialog
from app.jam.midi_panel import MidiPanel
from app.jam.sync_panel import SyncPanel
from app.services.engine_client import EngineClient
from app.state.jam import JamModel
from app.state.session import Session
from app.widgets.notices import Notices
from app.widgets.transport_bar import TransportBar
from fmvae_core.jam.latencies import PADS, latency_of, load_latencies, save_latency
from fmvae_core.live.control_messages import AnchorChosen, ControlsState, SettingChanged
from fmvae_core.live.jam_messages import MidiPortsState, Player
from fmvae_core.live.midi_ports import VIRTUAL_PORT
from fmvae_core.live.sync_messages import CalibrationState, SyncState

_CALIBRATION_TEMPO = 100.0
_PARTNER = ("adventure", "pull", "momentum")
_SYNC = ("follow", "follows_transport", "sends_clock")
_LED = "the MIDI clock sets the tempo (Jam, Clock and network)"


class SteeringPresenter(QObject):
    """Tells the engine what steers the jam, and lets what they change be seen."""

    def __init__(
        self,
        session: Session,
        choices: JamModel,
        controls: ControlsPanel,
        sync: SyncPanel,
        midi: MidiPanel,
        engine: EngineClient,
        bar: TransportBar,
        notices: Notices,
        window: QWidget,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._choices = choices
        self._controls = controls
        self._sync = sync
        self._midi = midi
        self._engine = engine
        self._jam = engine.jam
        self._bar = bar
        self._notices = notices
        self._window = window
        self._dialog: LatencyDialog | None = None
        self._latency: tuple[float, float] | None = None  # as sent
        self._open = () if engine.jam.ports is None else engine.jam.ports.open_inputs
        self._measured = ""  # the device that was measured last, as long as it is there
        jam = self._jam
        controls.learn_asked.connect(lambda target, steps: jam.learn_control(target or None, steps))
        controls.forget_asked.connect(self._forget)
        sync.chosen.connect(lambda field, value: choices.choose(**{field: value}))
        midi.measure_asked.connect(self.measure)
        midi.latency_chosen.connect(self._save_latency)
        choices.changed.connect(self._on_choices)
        jam.controls_changed.connect(self._on_controls)
        jam.setting_changed.connect(self._on_setting)
        jam.anchor_chosen.connect(self._on_anchor)
        jam.sync_changed.connect(self._on_sync)
        jam.osc_changed.connect(sync.show_osc)
        jam.calibrated.connect(self._on_calibrated)
        jam.gone.connect(lambda: self._on_calibrated(CalibrationState(is_running=False)))
        jam.ports_changed.connect(self._on_ports)
        self._tell_all()

    def measure(self) -> None:
        """Let the user tap along with a click."""
        if self._dialog is not None:
            self._dialog.raise_()
            self._dialog.activateWindow()
            return
        self._dialog = LatencyDialog(self._window)
        self._dialog.started.connect(lambda: self._jam.start_calibration(_CALIBRATION_TEMPO))
        self._dialog.hit.connect(self._jam.hit)
        self._dialog.saved.connect(self._save_measured)
        self._dialog.finished.connect(lambda _: self._end_measuring())
        self._dialog.show()
        self._jam.start_calibration(_CALIBRATION_TEMPO)

    def _end_measuring(self) -> None:
        self._jam.stop_calibration()
        if self._dialog is not None:
            self._dialog.deleteLater()
        self._dialog = None

    # --- what is told ---------------------------------------------------------------------------

    def _tell_all(self) -> None:
        choices = self._choices.choices
        self._jam.set_jam(controls=choices.controls)
        self._show_controls(ControlsState(assignments=choices.controls))
        self._sync.show_choices(choices)
        wanted = {name: getattr(choices, name) for name in _SYNC}
        self._jam.set_sync(**wanted)
        self._jam.set_osc(port=choices.osc_port, peer=choices.osc_peer)
        self._tell_latency()

    def _on_choices(self, fields: frozenset[str]) -> None:
        choices = self._choices.choices
        self._sync.show_choices(choices)
        changed = {name: getattr(choices, name) for name in _SYNC if name in fields}
        if changed:
            self._jam.set_sync(**changed)
        if "osc_port" in fields:
            self._jam.set_osc(port=choices.osc_port)
        if "osc_peer" in fields:
            self._jam.set_osc(peer=choices.osc_peer)
        if "controls" in fields:
            self._jam.set_jam(controls=choices.controls)
        if "output_latency" in fields:
            self._tell_latency()

    def _forget(self, target: str) -> None:
        kept = tuple(each for each in self._choices.choices.controls if each.target != target)
        self._choices.choose(controls=kept)

    # --- the latency ----------------------------------------------------------------------------

    def _device(self) -> str:
        """Return what is played on.

        It is what was measured last, or the first input that was measured once, or the first kit
        that is there, or the pads on the screen.
        """
        if self._measured:
            return self._measured
        known = load_latencies()
        kits = [name for name in self._open if name != VIRTUAL_PORT]
        return next((name for name in self._open if name in known), kits[0] if kits else PADS)

    def _on_ports(self, ports: MidiPortsState) -> None:
        if ports.open_inputs != self._open:
            self._open = ports.open_inputs
            if self._measured not in self._open:
                self._measured = ""
        self._tell_latency()

    def _save_measured(self, port: str, milliseconds: float) -> None:
        self._measured = port or PADS
        self._save_latency(milliseconds)

    def _save_latency(self, milliseconds: float) -> None:
        try:
            save_latency(self._device(), milliseconds)
        except OSError as error:
            self._notices.show_notice(
                "latency",
                f"The latency cannot be saved ({error.strerror or error}).",
                "Make room, or set FLATJAM_CONFIG to another folder.",
            )
        self._tell_latency()

    def _tell_latency(self) -> None:
        """Tell the engine the latency of what is played on, less what the output has of it."""
        device = self._device()
        whole, output = latency_of([device]), self._choices.choices.output_latency
        self._midi.show_latency(device, whole, output)
        if (whole, output) != self._latency:
            self._latency = whole, output
            self._jam.set_jam(
                input_latency=_seconds(whole - output), output_latency=_seconds(output)
            )

    # --- what is heard --------------------------------------------------------------------------

    def _on_controls(self, state: ControlsState) -> None:
        with self._engine.muted():
            self._choices.choose(controls=state.assignments)
        self._show_controls(state)

    def _show_controls(self, state: ControlsState) -> None:
        self._controls.show_controls(
            {each.target: each for each in state.assignments}, state.learning
        )

    def _on_setting(self, changed: SettingChanged) -> None:
        """Let sliders follow a knob. The engine knows already, and further than we do."""
        name, value = changed.setting, changed.value
        kind, _, of = name.partition(":")
        with self._engine.muted():
            if name in _PARTNER:
                self._choices.choose(**{name: value})
            elif name == "no_repeat":
                self._choices.choose(no_repeat=bool(value))
            elif kind == "ask":
                asks = {**self._choices.choices.asks, of: value}
                self._choices.choose(asks={key: ask for key, ask in asks.items() if ask})
            elif of in ("human", "machine"):
                player: Player = "human" if of == "human" else "machine"
                self._choices.set_sampler(player, level=value)
            elif name == "level:click":
                self._choices.choose(click_level=value)
            elif name == "level:master":
                self._session.set_view(volume=value)

    def _on_anchor(self, chosen: AnchorChosen) -> None:
        """Let the list follow a pedal or OSC."""
        with self._engine.muted():
            self._choices.choose(pull_to=chosen.name)

    def _on_sync(self, state: SyncState) -> None:
        self._sync.show_sync(state)
        is_led = state.follow == "midi" and state.is_locked
        self._bar.set_tempo_disabled_because(_LED if is_led else None)

    def _on_calibrated(self, state: CalibrationState) -> None:
        if self._dialog is not None:
            self._dialog.show_state(state)


def _seconds(milliseconds: float) -> float:
    return min(0.5, max(-0.5, milliseconds / 1000.0))
