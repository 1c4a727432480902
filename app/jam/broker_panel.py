"""With whom to play by way of a broker."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QLineEdit, QToolButton, QWidget

from app.jam.panels import Panel
from app.state.jam import JamChoices


class BrokerPanel(Panel):
    """Address, room and token of a broker, and how things are with it.

    Signals
    -------
    chosen(str, object)
        A field of `JamChoices` and what the user wants there.
    """

    chosen = Signal(str, object)

    def __init__(self) -> None:
        super().__init__("Play through a broker", is_open=False)
        self.address = QLineEdit()
        self.address.setPlaceholderText("ws://127.0.0.1:8735")
        self.address.setToolTip(
            "A broker's model answers where it is in time, else your own. "
            "'flatjam serve' is one. Empty: none."
        )
        self.address.editingFinished.connect(
            lambda: self.chosen.emit("broker", self.address.text().strip())
        )
        self.room = QLineEdit()
        self.room.setToolTip("Those in one room hear each other.")
        self.room.editingFinished.connect(lambda: self.chosen.emit("room", self.room.text()))
        self.token = QLineEdit()
        self.token.setPlaceholderText("none")
        self.token.setToolTip("File with the broker's token; one on another machine wants it.")
        self.token.editingFinished.connect(
            lambda: self.chosen.emit("broker_token_file", self.token.text().strip())
        )
        browse = QToolButton()
        browse.setText("…")
        browse.setToolTip("Choose the file with the token")
        browse.setAccessibleName("Choose the file with the token")
        browse.clicked.connect(self._browse)
        token = QWidget()
        row = QHBoxLayout(token)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.token, 1)
        row.addWidget(browse)
        self.state = QLabel()
        self.state.setWordWrap(True)
        self.state.setProperty("role", "small")
        self.token.setAccessibleName("Play through a broker: token file")
        self.add_rows([("Address", self.address), ("Room", self.room), ("Token file", token)])
        self.body.addWidget(self.state)
        self.show_state("")

    def show_choices(self, choices: JamChoices) -> None:
        """Show what is chosen, without telling."""
        for edit, text in (
            (self.address, choices.broker),
            (self.room, choices.room),
            (self.token, choices.broker_token_file),
        ):
            if edit.text() != text:
                edit.setText(text)

    def show_state(self, text: str) -> None:
        """Say how things are with the broker; nothing where none is wanted."""
        self.state.setText(text)
        self.state.setVisible(bool(text))

    def _browse(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "The broker's token", self.token.text())
        if name:
            self.chosen.emit("broker_token_file", name)
