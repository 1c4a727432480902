"""Ties the kit's panel to the choices and the engine."""

from __future__ import annotations

import sys

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.jam.learn_kit import LearnKit
from app.jam.midi_panel import MidiPanel, PortRow
from app.services.jam_client import JamClient
from app.state.jam import JamChoices, JamModel
from app.widgets.notices import Notices
from fmvae_core.live.jam_messages import MidiActivity, MidiPortsState, NoteHeard
from fmvae_core.live.midi_list import of_one_interface
from fmvae_core.live.midi_ports import VIRTUAL_PORT
from fmvae_core.music.drums import drum_map, drum_maps

_ABOUT_VIRTUAL = "A port of Flatjam's own, for other programs to connect to."
_HAS_VIRTUAL = sys.platform != "win32"
_NONE = (
    "No MIDI kit is plugged in. Plug one in at any time; until then play the pads below, "
    "with the mouse or the keys A to L."
)


class MidiPresenter(QObject):
    """Chooses ports and drum map, and shows what becomes of them."""

    def __init__(
        self,
        choices: JamModel,
        panel: MidiPanel,
        jam: JamClient,
        notices: Notices,
        window: QWidget,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._choices = choices
        self._panel = panel
        self._jam = jam
        self._notices = notices
        self._window = window
        self._learn: LearnKit | None = None
        self._wanted: tuple[str, ...] | None = None
        panel.port_chosen.connect(self._choose_port)
        panel.chosen.connect(lambda field, value: choices.choose(**{field: value}))
        panel.learn_asked.connect(self.learn)
        choices.changed.connect(self._on_choices)
        jam.ports_changed.connect(lambda _: self._on_ports())
        jam.activity.connect(self._on_activity)
        jam.gone.connect(self._on_ports)
        self._show_maps()
        self._show()
        self._wanted = self._inputs()
        jam.set_midi(
            inputs=self._wanted,
            output=choices.choices.output,
            drum_map=choices.choices.drum_map,
            pedal_decides=choices.choices.pedal_decides,
        )

    def learn(self) -> None:
        """Let the user hit each pad once, for a drum map of their own."""
        if self._learn is not None:
            self._learn.raise_()
            self._learn.activateWindow()
            return
        self._show_maps()
        self._learn = LearnKit(drum_map(self._choices.choices.drum_map), self._window)
        self._jam.note_heard.connect(self._on_note)
        self._learn.learnt.connect(self._learnt)
        self._learn.finished.connect(lambda _: self._end_learning())
        self._jam.set_midi(tells_notes=True)
        self._learn.show()

    # --- what the user does ---------------------------------------------------------------------

    def _choose_port(self, name: str, is_on: bool) -> None:
        inputs = [port for port in self._inputs() if port != name]
        self._choices.choose(inputs=(*inputs, name) if is_on else tuple(inputs))

    def _on_choices(self, fields: frozenset[str]) -> None:
        choices = self._choices.choices
        if "inputs" in fields:
            self._send_inputs()
        if "drum_map" in fields:
            self._notices.settle("drum-map")
        for field in fields & {"output", "drum_map", "pedal_decides"}:
            self._jam.set_midi(**{field: getattr(choices, field)})
        self._show()

    def _on_note(self, note: NoteHeard) -> None:
        if self._learn is not None:
            self._learn.hit(note.pitch)

    def _learnt(self, key: str) -> None:
        self._show_maps()
        if self._choices.choices.drum_map == key:
            self._jam.set_midi(drum_map=key)  # learnt anew
        self._choices.choose(drum_map=key)

    def _end_learning(self) -> None:
        self._jam.note_heard.disconnect(self._on_note)
        self._jam.set_midi(tells_notes=False)
        if self._learn is not None:
            self._learn.deleteLater()
        self._learn = None

    # --- the ports ------------------------------------------------------------------------------

    def _inputs(self) -> tuple[str, ...]:
        """Return the ports to listen to: those chosen, or all of the first interface."""
        chosen = self._choices.choices.inputs
        if chosen is not None:
            return chosen
        own = (VIRTUAL_PORT,) if _HAS_VIRTUAL else ()
        ports = self._jam.ports
        if ports is None:
            return own
        return (*of_one_interface(ports.inputs, ports.input_interfaces)[1], *own)

    def _send_inputs(self) -> None:
        wanted = self._inputs()
        if wanted != self._wanted:
            self._wanted = wanted
            self._jam.set_midi(inputs=wanted)

    def _on_ports(self) -> None:
        self._send_inputs()
        self._show()

    def _on_activity(self, activity: MidiActivity) -> None:
        self._panel.flash(activity.port)

    # --- what is shown --------------------------------------------------------------------------

    def _show(self) -> None:
        choices, ports = self._choices.choices, self._jam.ports
        self._panel.pedal.show_choice(choices.pedal_decides)
        self._panel.drum_map.show_choice(choices.drum_map)
        if ports is None or not ports.is_known:
            self._panel.show_ports((), "Looking for MIDI ports…")
            return
        self._panel.show_ports(self._port_rows(ports), "" if ports.inputs else _NONE)
        items = [("", "No MIDI port"), *((name, name) for name in ports.outputs)]
        if choices.output and choices.output not in ports.outputs:
            items.append((choices.output, f"{choices.output} (not there)"))
        self._panel.output.show_items(items)
        self._panel.output.show_choice(choices.output)

    def _port_rows(self, ports: MidiPortsState) -> list[PortRow]:
        wanted = self._inputs()
        away = [name for name in wanted if name not in ports.inputs and name != VIRTUAL_PORT]
        names = [*ports.inputs, *away]
        rows = [PortRow(name, name in wanted, name in ports.missing) for name in names]
        if _HAS_VIRTUAL and VIRTUAL_PORT not in ports.missing:  # where any port can be made
            rows.append(PortRow(VIRTUAL_PORT, VIRTUAL_PORT in wanted, False, _ABOUT_VIRTUAL))
        return rows

    def _show_maps(self) -> None:
        """Offer the drum maps that are there; where the chosen one is gone, take the default."""
        maps = drum_maps()
        self._panel.drum_map.show_items((key, each.title) for key, each in maps.items())
        lost, default = self._choices.choices.drum_map, JamChoices().drum_map
        if lost not in maps:
            self._choices.choose(drum_map=default)
            self._notices.show_notice(
                "drum-map",
                f"The drum map '{lost}' is not there any more.",
                f"Your kit is taken for {maps[default].title}; choose another map, or learn it.",
            )
