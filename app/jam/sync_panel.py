"""Whose beats the jam follows, and what else it listens and tells to over the network."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QLineEdit, QSpinBox

from app.jam.panels import Choice, Panel, Tick
from app.state.jam import JamChoices
from fmvae_core.live.control_messages import OscState
from fmvae_core.live.sync_messages import SyncState

_FOLLOWS = (("own", "Flatjam itself"), ("midi", "A MIDI clock"), ("link", "Ableton Link"))


class SyncPanel(Panel):
    """Tempo's master, MIDI clock out, OSC.

    Signals
    -------
    chosen(str, object)
        A field of `JamChoices` and what the user wants there.
    """

    chosen = Signal(str, object)

    def __init__(self) -> None:
        super().__init__("Clock and network", is_open=False)
        self.follow = Choice(_FOLLOWS, "Whose tempo and beats the jam follows.")
        self.follow.activated.connect(lambda: self.chosen.emit("follow", self.follow.currentData()))
        self.state = QLabel()
        self.state.setProperty("role", "small")
        self.transport = Tick("Start and stop with it", "The jam begins and ends with its song.")
        self.transport.toggled.connect(lambda on: self.chosen.emit("follows_transport", on))
        self.clock = Tick(
            "Send a MIDI clock", "It leaves by the port that the machine plays to (Your kit)."
        )
        self.clock.toggled.connect(lambda on: self.chosen.emit("sends_clock", on))
        self.port = QSpinBox()
        self.port.setRange(0, 65535)
        self.port.setSpecialValueText("off")
        self.port.setKeyboardTracking(False)
        self.port.lineEdit().setTextMargins(6, 0, 6, 0)
        self.port.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.port.setToolTip("UDP port on which OSC of this computer is heard, such as 9000.")
        self.port.valueChanged.connect(lambda port: self.chosen.emit("osc_port", port))
        self.peer = QLineEdit()
        self.peer.setPlaceholderText("127.0.0.1:9001")
        self.peer.setToolTip("Who is told of state, bar and beat over OSC; empty for nobody.")
        self.peer.editingFinished.connect(
            lambda: self.chosen.emit("osc_peer", self.peer.text().strip())
        )
        self.osc = QLabel()
        self.osc.setProperty("role", "small")
        self.add_rows([("Follow", self.follow)])
        self.body.addWidget(self.state)
        self.body.addWidget(self.transport)
        self.body.addWidget(self.clock)
        self.add_rows([("OSC in", self.port), ("OSC out", self.peer)])
        self.body.addWidget(self.osc)
        self.show_osc(OscState())

    def show_choices(self, choices: JamChoices) -> None:
        """Show what is chosen, without telling."""
        self.follow.show_choice(choices.follow)
        self.transport.show_choice(choices.follows_transport)
        self.transport.setVisible(choices.follow != "own")
        self.state.setVisible(choices.follow != "own")
        self.clock.show_choice(choices.sends_clock)
        self.port.blockSignals(True)
        self.port.setValue(choices.osc_port)
        self.port.blockSignals(False)
        if not self.peer.hasFocus():
            self.peer.setText(choices.osc_peer)

    def show_sync(self, state: SyncState) -> None:
        """Show whether a master is there."""
        if state.is_locked and state.tempo is not None:
            text = f"{state.source or 'In time'}: {state.tempo:.1f} bpm"
        elif state.follow == "midi":
            text = "No MIDI clock comes in; the jam keeps its own time"
        else:
            text = "Nobody else is there; the jam keeps its own time"
        if state.follow == "link":
            text += f" · {state.peers} other{'' if state.peers == 1 else 's'}"
        self.state.setText(text)

    def show_osc(self, state: OscState) -> None:
        """Show what came over OSC."""
        text = ""
        if state.port:
            text = f"{state.taken} messages taken, {state.refused} refused"
        self.osc.setText(text)
        self.osc.setVisible(bool(text))
