"""Ties the broker's panel to the choices and the model worker, which joins the broker."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError
from PySide6.QtCore import QObject

from app.jam.broker_panel import BrokerPanel
from app.services.model_client import ModelClient
from app.state.jam import JamModel
from fmvae_core.broker.limits import read_token
from fmvae_core.inference.messages import BrokerState, SetBroker

_FIELDS = {"broker", "broker_token_file", "room"}


class BrokerPresenter(QObject):
    """Has the model worker join the broker that is chosen, and shows what becomes of it."""

    def __init__(
        self, choices: JamModel, panel: BrokerPanel, model: ModelClient, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._choices = choices
        self._panel = panel
        self._model = model
        panel.chosen.connect(lambda field, value: choices.choose(**{field: value}))
        choices.changed.connect(self._on_choices)
        model.broker_changed.connect(self._on_state)
        model.lost.connect(lambda _: self._show_joining())
        panel.show_choices(choices.choices)
        if choices.choices.broker:
            self._join()

    def _on_choices(self, fields: frozenset[str]) -> None:
        if fields & _FIELDS:
            self._panel.show_choices(self._choices.choices)
            self._join()

    def _join(self) -> None:
        choices = self._choices.choices
        try:
            token = ""
            if choices.broker and choices.broker_token_file:
                token = read_token(Path(choices.broker_token_file))
            wanted = SetBroker(url=choices.broker, room=choices.room, token=token)
        except ValidationError as error:
            wrong = {str(each["loc"][0]) for each in error.errors()}
            self._refuse(
                "An address is ws://HOST:PORT, such as ws://127.0.0.1:8735"
                if "url" in wrong
                else "A room's name is of letters, digits and spaces"
            )
            return
        except (OSError, ValueError) as error:
            self._refuse(str(error))
            return
        self._model.join_broker(wanted)
        self._show_joining()

    def _refuse(self, text: str) -> None:
        self._model.join_broker(SetBroker())
        self._panel.show_state(text)

    def _show_joining(self) -> None:
        self._panel.show_state("Looking for the broker…" if self._choices.choices.broker else "")

    def _on_state(self, state: BrokerState) -> None:
        if state.url != self._choices.choices.broker:
            return  # of a broker that has been left meanwhile
        if state.is_open:
            self._panel.show_state("The broker's model answers")
        elif state.text:
            self._panel.show_state(f"{state.text}. {state.remedy}")
