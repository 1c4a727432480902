"""The drums of the two players: the human's, which sound as they are hit, and the machine's."""

from __future__ import annotations

from fmvae_core.live.sound_messages import Player, SamplerState, SetSampler
from fmvae_core.live.synth import Synth
from fmvae_core.live.voices import DRUM_CHANNEL, HUMAN_CHANNEL
from fmvae_core.music.phrase import Phrase

CHANNELS: dict[Player, int] = {"human": HUMAN_CHANNEL, "machine": DRUM_CHANNEL}

_RING = 0.25  # seconds to the end of a hit; a drum dies away by itself, later than that
_FULL_VELOCITY = 100.0  # mean velocity of a human at which a machine that follows is at its level


class Samplers:
    """Plays the human's hits through whatever synth there is, and remembers how both sound.

    The players' SoundFonts are no affair of its: to load one takes a while, so `Sound` does.
    Not locked: the transport, which owns it, calls it under its own lock.
    """

    def __init__(self) -> None:
        self._samplers: dict[Player, SamplerState] = {
            "human": SamplerState(),
            "machine": SamplerState(),
        }
        self._heard = 1.0  # how hard the human played last
        self._synth: Synth | None = None
        self._ends: dict[int, float] = {}

    def __getitem__(self, player: Player) -> SamplerState:
        return self._samplers[player]

    def attach(self, synth: Synth | None) -> None:
        """Sound through a synth from now on, or not at all."""
        self._synth = synth
        self._ends.clear()
        for player in self._samplers:
            self._set(player)

    def change(self, wanted: SetSampler) -> None:
        """Change what is given."""
        given = wanted.model_dump(
            exclude_none=True, include=set(SamplerState.model_fields) - {"soundfont"}
        )
        self._samplers[wanted.player] = self._samplers[wanted.player].model_copy(update=given)
        self._set(wanted.player)

    def follow(self, phrase: Phrase) -> None:
        """Let the machine be as loud as the human has played, as far as it is to follow."""
        if phrase.notes:
            mean = sum(note.velocity for note in phrase.notes) / len(phrase.notes)
            self._heard = min(1.0, mean / _FULL_VELOCITY)
            self._set("machine")

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
        if self._synth is None:
            return
        sampler = self._samplers[player]
        level = sampler.level if sampler.sounds else 0.0
        if player == "machine":
            level *= 1.0 - sampler.follow * (1.0 - self._heard)
        self._synth.set_drums(CHANNELS[player], level, sampler.pan, sampler.kit, sampler.reverb)
