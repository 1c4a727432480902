"""How the user wants to jam: remembered between starts, and no part of undo, like the volume."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat
from PySide6.QtCore import QObject, Signal

from app.state.session import ProjectionName
from fmvae_core.jam.messages import LONGEST_MOMENTUM, MOST_CHANGED_HITS, Share
from fmvae_core.jam.rules import Mode
from fmvae_core.live.control_messages import Assignment
from fmvae_core.live.sound_messages import Outputs, Player, SamplerState
from fmvae_core.live.sync_messages import Follow


class JamChoices(BaseModel):
    """All that is chosen in the Jam tab.

    Parameters
    ----------
    inputs
        MIDI ports to listen to; ``None`` for all of the first interface that has some.
    output
        MIDI port for the machine to play to; empty for none.
    drum_map
        Key of the kit's map.
    pedal_decides
        Whether the pedal says if the hi-hat is open.
    mode, count_in_bars
        As in `fmvae_core.jam.rules.Settings`.
    click, click_level
        Whether it clicks after the count-in; how loud, of the metronome too.
    adventure, pull, asks, momentum, no_repeat
        As in `fmvae_core.jam.messages.Partner`.
    pull_to
        What the machine is pulled to: ``A``, ``B``, ``landmark`` or ``style:NAME``.
    human, machine
        The two samplers.
    outputs
        Where click and players are heard.
    projection
        What the places of the jam's map mean.
    broker, broker_token_file, room
        Address of a broker to play through, the file with its token, and with whom; empty for none.
    controls
        What pads, pedals and knobs do.
    follow, follows_transport, sends_clock
        As in `fmvae_core.live.sync_messages.SetSync`.
    osc_port, osc_peer
        As in `fmvae_core.live.control_messages.SetOsc`.
    output_latency
        Milliseconds from what is played to its being heard, where that is known.
    """

    model_config = ConfigDict(frozen=True)

    inputs: tuple[str, ...] | None = None
    output: str = ""
    drum_map: str = "general-midi"
    pedal_decides: bool = False
    mode: Mode = Mode.TRADE
    count_in_bars: Annotated[int, Field(ge=1, le=4)] = 1
    click: bool = True
    click_level: Share = 0.7
    adventure: Annotated[float, Field(ge=0.0, le=MOST_CHANGED_HITS)] = 6.0
    pull: Share = 0.0
    pull_to: str = "A"
    asks: dict[str, FiniteFloat] = {}
    momentum: Annotated[float, Field(ge=0.0, le=LONGEST_MOMENTUM)] = 0.0
    no_repeat: bool = True
    human: SamplerState = SamplerState()
    machine: SamplerState = SamplerState()
    outputs: Outputs = Outputs()
    projection: ProjectionName = "attributes"
    broker: str = ""
    broker_token_file: str = ""
    room: str = "main"
    controls: tuple[Assignment, ...] = ()
    follow: Follow = "own"
    follows_transport: bool = True
    sends_clock: bool = False
    osc_port: Annotated[int, Field(ge=0, le=65535)] = 0
    osc_peer: str = ""
    output_latency: Annotated[float, Field(ge=0.0, le=500.0)] = 0.0


class JamModel(QObject):
    """The choices now, replaced at each change.

    Signals
    -------
    changed(frozenset)
        Names of the fields of `JamChoices` that differ now.
    """

    changed = Signal(object)

    def __init__(self, choices: JamChoices, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._choices = choices

    @property
    def choices(self) -> JamChoices:
        """The choices now."""
        return self._choices

    def choose(self, **fields: Any) -> None:
        """Change some of them."""
        new = self._choices.model_copy(update=fields)
        changed = frozenset(
            name for name in fields if getattr(new, name) != getattr(self._choices, name)
        )
        self._choices = new
        if changed:
            self.changed.emit(changed)

    def set_sampler(self, player: Player, **fields: Any) -> None:
        """Change how a player's drums sound."""
        sampler: SamplerState = getattr(self._choices, player)
        self.choose(**{player: sampler.model_copy(update=fields)})
