"""The drums of the two players: the human's, which sound as they are hit, and the machine's."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fmvae_core.live.jam_messages import Player, SetSampler
from fmvae_core.live.synth import Synth
from fmvae_core.live.voices import DRUM_CHANNEL, HUMAN_CHANNEL

_RING = 0.25  # seconds to the end of a hit; a drum dies away by itself, later than that

_CHANNELS: dict[Player, int] = {"human": HUMAN_CHANNEL, "machine": DRUM_CHANNEL}


@dataclass(frozen=True)
class Sampler:
    """How a player's drums sound; see `fmvae_core.live.jam_messages.SetSampler`."""

    sounds: bool = True
    level: float = 1.0
    pan: float = 0.0
    kit: int = 0


class Samplers:
    """Plays the human's hits through whatever synth there is, and remembers how both sound.

    Not locked: the transport, which owns it, calls it under its own lock.
    """

    def __init__(self) -> None:
        self._samplers: dict[Player, Sampler] = {"human": Sampler(), "machine": Sampler()}
        self._synth: Synth | None = None
        self._ends: dict[int, float] = {}

    def __getitem__(self, player: Player) -> Sampler:
        return self._samplers[player]

    def attach(self, synth: Synth | None) -> None:
        """Sound through a synth from now on, or not at all."""
        self._synth = synth
        self._ends.clear()
        for player in self._samplers:
            self._set(player)

    def change(self, wanted: SetSampler) -> None:
        """Change what is given."""
        given = wanted.model_dump(exclude_none=True, include={"sounds", "level", "pan", "kit"})
        self._samplers[wanted.player] = replace(self._samplers[wanted.player], **given)
        self._set(wanted.player)

    def hit(self, now: float, pitch: int, velocity: int) -> None:
        """Sound a hit of the human's at once."""
        if self._synth is not None and self._samplers["human"].sounds:
            self._synth.strike(now, pitch, velocity)
            self._ends[pitch] = now + _RING

    def choke(self, pitch: int) -> None:
        """End a hit: a hand has grabbed the cymbal."""
        if self._synth is not None and self._ends.pop(pitch, None) is not None:
            self._synth.strike(0.0, pitch, 0)

    def wake(self, now: float) -> None:
        """End what has rung for long enough."""
        for pitch in [pitch for pitch, end in self._ends.items() if end <= now]:
            self.choke(pitch)

    def _set(self, player: Player) -> None:
        if self._synth is not None:
            sampler = self._samplers[player]
            level = sampler.level if sampler.sounds else 0.0
            self._synth.set_drums(_CHANNELS[player], level, sampler.pan, sampler.kit)
