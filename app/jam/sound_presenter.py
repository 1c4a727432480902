"""Ties the samplers' panels to the choices and the engine."""

from __future__ import annotations

from functools import partial
from typing import Any

from PySide6.QtCore import QObject

from app.jam.sound_panel import OutputsPanel, SamplerPanel
from app.services.engine_client import EngineClient
from app.state.jam import JamModel
from fmvae_core.live.jam_messages import Player
from fmvae_core.live.sound_messages import SamplerState

_PLAYERS: tuple[Player, ...] = ("human", "machine")


class SoundPresenter(QObject):
    """Tells the engine how both players and the click sound and where, at each change."""

    def __init__(
        self,
        choices: JamModel,
        panels: dict[Player, SamplerPanel],
        outputs: OutputsPanel,
        engine: EngineClient,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._choices = choices
        self._panels = panels
        self._outputs = outputs
        self._engine = engine
        self._sent: dict[Player, dict[str, Any]] = {player: {} for player in _PLAYERS}
        for player in _PLAYERS:
            panels[player].chosen.connect(partial(self._choose, player))
        outputs.chosen.connect(self._choose_output)
        choices.changed.connect(self._on_choices)
        engine.state_changed.connect(lambda _: self._show())
        for player in _PLAYERS:
            self._tell(player)
        self._engine.jam.set_outputs(**dict(choices.choices.outputs))
        self._show()

    def _choose(self, player: Player, field: str, value: object) -> None:
        self._choices.set_sampler(player, **{field: value})

    def _choose_output(self, part: str, output: object) -> None:
        outputs = self._choices.choices.outputs
        self._choices.choose(outputs=outputs.model_copy(update={part: output}))

    def _on_choices(self, fields: frozenset[str]) -> None:
        for player in _PLAYERS:
            if player in fields:
                self._tell(player)
        if "outputs" in fields:
            self._engine.jam.set_outputs(**dict(self._choices.choices.outputs))
        if "click_level" in fields:
            self._engine.set_transport(metronome_level=self._choices.choices.click_level)
        if fields & {*_PLAYERS, "outputs"}:
            self._show()

    def _tell(self, player: Player) -> None:
        """Send what differs from what was sent before."""
        sampler: SamplerState = getattr(self._choices.choices, player)
        wanted = sampler.model_dump() | {"soundfont": sampler.soundfont or ""}
        sent = self._sent[player]
        changed = {name: value for name, value in wanted.items() if sent.get(name) != value}
        self._sent[player] = wanted
        if changed:
            self._engine.jam.set_sampler(player, **changed)

    def _show(self) -> None:
        state, choices = self._engine.state, self._choices.choices
        fonts = () if state is None else state.soundfonts
        for player in _PLAYERS:
            self._panels[player].show_sampler(getattr(choices, player), fonts)
        self._outputs.show_outputs(
            choices.outputs, has_pairs=state is not None and state.driver == "jack"
        )
