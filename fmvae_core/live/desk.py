"""The settings that knobs and OSC reach, in one place: what stands where, and setting it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from fmvae_core.ipc import Message
from fmvae_core.jam.messages import NamedAnchor, Partner
from fmvae_core.live.control_messages import RANGES, AnchorChosen, Setting, SettingChanged
from fmvae_core.live.jam import Jam
from fmvae_core.live.jam_messages import Player, SetJam, SetSampler
from fmvae_core.live.messages import SetTransport
from fmvae_core.live.transport import Transport

_PLAYERS: dict[Setting, Player] = {"level:human": "human", "level:machine": "machine"}


class Desk:
    """Reads and changes settings by name. Every method may be called from any thread.

    Parameters
    ----------
    jam, transport
        The engine's.
    set_jam
        Changes the jam as a client would.
    set_tempo
        Changes the tempo as a client would.
    tell
        Tells every client.
    """

    def __init__(
        self,
        jam: Jam,
        transport: Transport,
        set_jam: Callable[[SetJam], None],
        set_tempo: Callable[[float], None],
        tell: Callable[[Message], None],
    ) -> None:
        self._jam = jam
        self._transport = transport
        self._set_jam = set_jam
        self._set_tempo = set_tempo
        self._tell = tell
        self._lock = threading.Lock()  # two knobs must not undo one another
        self.anchors: tuple[NamedAnchor, ...] = ()
        """What `choose_anchor` chooses among."""

    def value(self, setting: Setting) -> float:
        """Return where a setting stands."""
        partner = self._jam.partner
        match setting:
            case "adventure":
                return partner.adventure
            case "pull":
                return partner.pull
            case "momentum":
                return partner.momentum
            case "no_repeat":
                return float(partner.no_repeat)
            case "ask:density" | "ask:velocity" | "ask:offset":
                return partner.asks.get(_attribute(setting), 0.0)
            case "tempo":
                return self._jam.tempo or self._transport.state.tempo
            case "level:human" | "level:machine":
                state = self._transport.state
                return (state.human if setting == "level:human" else state.machine).level
            case "level:click":
                return self._transport.state.metronome_level
            case "level:master":
                return self._transport.state.volume

    def set(self, setting: Setting, value: float) -> None:
        """Set it, within its range, and tell every client.

        An attribute that is asked to change by 0 goes its own way.
        """
        value = RANGES[setting].held(value)
        with self._lock:
            match setting:
                case "adventure" | "pull" | "momentum":
                    self._set_partner(**{setting: value})
                case "no_repeat":
                    value = float(value >= 0.5)
                    self._set_partner(no_repeat=bool(value))
                case "ask:density" | "ask:velocity" | "ask:offset":
                    asks = self._jam.partner.asks | {_attribute(setting): value}
                    self._set_partner(asks={name: ask for name, ask in asks.items() if ask})
                case "tempo":
                    self._set_tempo(value)
                case "level:human" | "level:machine":
                    self._transport.set_sampler(SetSampler(player=_PLAYERS[setting], level=value))
                case "level:click":
                    self._transport.change(SetTransport(metronome_level=value))
                case "level:master":
                    self._transport.change(SetTransport(volume=value))
        self._tell(SettingChanged(setting=setting, value=value))

    def choose_anchor(self, name: str = "") -> None:
        """Let answers be pulled to the anchor of a name, or to the next one, and tell every client.

        Raises
        ------
        ValueError
            If there is none, or none of that name.
        """
        with self._lock:
            anchors = self.anchors
            if not anchors:
                raise ValueError(
                    "there is nothing to be pulled to; pin A or B in the Explore tab, "
                    "or start flatjam jam with --pull-to"
                )
            here = [at for at, each in enumerate(anchors) if each.z == self._jam.partner.anchor]
            chosen = anchors[(here[0] + 1) % len(anchors) if here else 0]
            if name:
                named = [each for each in anchors if each.name == name]
                if not named:
                    known = ", ".join(each.name for each in anchors)
                    raise ValueError(f"there is no anchor '{name}'; choose one of {known}")
                chosen = named[0]
            self._set_partner(anchor=chosen.z)
        self._tell(AnchorChosen(name=chosen.name))

    def _set_partner(self, **fields: object) -> None:
        partner = self._jam.partner.model_dump() | fields
        self._set_jam(SetJam(partner=Partner.model_validate(partner)))


def _attribute(setting: str) -> str:
    return setting.partition(":")[2]
