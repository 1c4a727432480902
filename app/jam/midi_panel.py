"""The kit: which MIDI ports are listened to, and what their notes mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget
from typing_extensions import override

from app.jam.panels import Choice, Panel, Tick
from app.theme import colour
from app.widgets.elided_label import ElidedLabel
from app.widgets.number_box import NumberBox

_FLASH_MS = 160


@dataclass(frozen=True)
class PortRow:
    """A port as it is shown.

    Parameters
    ----------
    name
        As it is chosen.
    is_chosen, is_missing
        Whether it is listened to; whether it is chosen and not there.
    about
        What it is, for the tooltip.
    """

    name: str
    is_chosen: bool
    is_missing: bool
    about: str = ""


class _Light(QWidget):
    """Lights up for a moment."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(QSize(14, 14))
        self._dark = QTimer(self, singleShot=True, interval=_FLASH_MS)
        self._dark.timeout.connect(self.update)

    def flash(self) -> None:
        self._dark.start()
        self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour("human" if self._dark.isActive() else "hover"))
        painter.drawEllipse(QPointF(7, 7), 5, 5)
        painter.end()


class _Row(QWidget):
    def __init__(self, port: PortRow) -> None:
        super().__init__()
        self.tick = Tick("", port.about or f"Listen to {port.name}.")
        self.tick.setAccessibleName(f"Listen to {port.name}")
        self.tick.show_choice(port.is_chosen)
        self.light = _Light()
        self.light.setToolTip("Lights up when something comes in.")
        label = ElidedLabel(port.name)
        label.setEnabled(not port.is_missing)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.tick)
        layout.addWidget(label, 1)
        if port.is_missing:
            missing = QLabel("not there")
            missing.setProperty("role", "warning")
            missing.setToolTip("It is listened to as soon as it is plugged in.")
            layout.addWidget(missing)
        layout.addWidget(self.light)


class MidiPanel(Panel):
    """Ports, drum map, pedal, and the machine's port.

    Signals
    -------
    port_chosen(str, bool)
        A port is to be listened to, or no longer.
    chosen(str, object)
        A field of `JamChoices` and what the user wants there.
    learn_asked()
        The kit is to be learnt.
    latency_chosen(float)
        Latency of the kit, in milliseconds.
    measure_asked()
        It is to be measured.
    """

    port_chosen = Signal(str, bool)
    chosen = Signal(str, object)
    learn_asked = Signal()
    latency_chosen = Signal(float)
    measure_asked = Signal()

    def __init__(self) -> None:
        super().__init__("Your kit")
        self._shown: tuple[PortRow, ...] = ()
        self.rows: dict[str, _Row] = {}
        self._rows = QVBoxLayout()
        self._rows.setSpacing(4)
        self.note = QLabel("Looking for MIDI ports…")
        self.note.setProperty("role", "small")
        self.note.setWordWrap(True)
        self.drum_map = Choice(about="Which pad each note of your kit is.")
        self.drum_map.activated.connect(
            lambda: self.chosen.emit("drum_map", self.drum_map.currentData())
        )
        self.learn = QPushButton("Learn…")
        self.learn.setToolTip("Make a drum map of your kit: hit each pad once.")
        self.learn.clicked.connect(self.learn_asked)
        self.pedal = Tick(
            "The pedal opens the hi-hat",
            "For kits that send one note for the hi-hat, open or closed.",
        )
        self.pedal.toggled.connect(lambda on: self.chosen.emit("pedal_decides", on))
        self.output = Choice(about="The machine plays to this MIDI port, besides its own sound.")
        self.output.activated.connect(lambda: self.chosen.emit("output", self.output.currentData()))
        self.drum_map.setAccessibleName("Drum map")
        self.body.addLayout(self._rows)
        self.body.addWidget(self.note)
        self.add_rows([("Drum map", _beside(self.drum_map, self.learn))])
        self.body.addWidget(self.pedal)
        self.latency = NumberBox(-500.0, 500.0, "ms", 92)
        self.latency.setToolTip(
            "How much later your hits come in than you hear the music: there and back together."
        )
        self.latency.valueChanged.connect(self.latency_chosen)
        measure = QPushButton("Measure…")
        measure.setToolTip("Tap along with a click.")
        measure.clicked.connect(self.measure_asked)
        self.output_latency = NumberBox(0.0, 500.0, "ms", 92)
        self.output_latency.setToolTip(
            "How much of it the sound takes, where you know: MIDI then leaves when it is heard."
        )
        self.output_latency.valueChanged.connect(
            lambda value: self.chosen.emit("output_latency", value)
        )
        self.add_rows(
            [
                ("Machine to", self.output),
                ("Latency", _beside(self.latency, measure)),
                ("of that, sound", _beside(self.output_latency)),
            ]
        )

    def show_ports(self, ports: Sequence[PortRow], note: str) -> None:
        """Show the ports, and a note under them."""
        self.note.setText(note)
        self.note.setVisible(bool(note))
        if tuple(ports) == self._shown:
            return
        self._shown = tuple(ports)
        for row in self.rows.values():
            self._rows.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.rows = {}
        for port in ports:
            row = _Row(port)
            row.tick.toggled.connect(lambda on, name=port.name: self.port_chosen.emit(name, on))
            self._rows.addWidget(row)
            self.rows[port.name] = row

    def show_latency(self, device: str, whole: float, output: float) -> None:
        """Show the latency of a device, there and back, and what the sound has of it, in ms."""
        self.latency.show_number(whole)
        self.latency.setAccessibleName(f"Latency of {device} in milliseconds")
        self.output_latency.show_number(output)

    def flash(self, port: str) -> None:
        """Light the lamp of a port up: something has come in."""
        row = self.rows.get(port)
        if row is not None:
            row.light.flash()


def _beside(*widgets: QWidget) -> QWidget:
    """Return widgets in a row; a list takes what room there is."""
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget, 1 if isinstance(widget, Choice) else 0)
    if not any(isinstance(widget, Choice) for widget in widgets):
        layout.addStretch(1)
    return row
