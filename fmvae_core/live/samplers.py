"""How the two players sound: the human, whose hits and keys sound at once, and the machine."""

from __future__ import annotations

from fmvae_core.live.sound_messages import Player, SamplerState, SetSampler
from fmvae_core.live.synth import Synth
from fmvae_core.live.voices import DRUM_CHANNEL, HUMAN_CHANNEL, KEYS_CHANNEL, MELODY_CHANNEL
from fmvae_core.music.phrase import Phrase

CHANNELS: dict[Player, tuple[int, int]] = {
    "human": (HUMAN_CHANNEL, KEYS_CHANNEL),
    "machine": (DRUM_CHANNEL, MELODY_CHANNEL),
}
"""Of each player's drums and melodies. Melodies play the font of all, whatever the player's is."""

_RING = 0.25  # seconds to the end of a hit; a drum dies away by itself, later than that
_LONGEST_KEY = 30.0  # seconds to the end of a key, should nobody say that it was let go
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
        self._ends: dict[tuple[int, int], float] = {}  # by channel and pitch

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
            self._ends[HUMAN_CHANNEL, pitch] = now + _RING

    def key(self, now: float, pitch: int, velocity: int) -> None:
        """Sound a key of the human's at once; a velocity of 0 lets it go."""
        if velocity == 0:
            self._end(KEYS_CHANNEL, pitch)
        elif self._synth is not None and self._samplers["human"].sounds:
            self._synth.strike(now, pitch, velocity, KEYS_CHANNEL)
            self._ends[KEYS_CHANNEL, pitch] = now + _LONGEST_KEY

    def choke(self, pitch: int) -> None:
        """End a hit: a hand has grabbed the cymbal."""
        self._end(HUMAN_CHANNEL, pitch)

    def wake(self, now: float) -> None:
        """End what has rung for long enough."""
        for key in [key for key, end in self._ends.items() if end <= now]:
            self._end(*key)

    def _end(self, channel: int, pitch: int) -> None:
        if self._ends.pop((channel, pitch), None) is not None and self._synth is not None:
            self._synth.strike(0.0, pitch, 0, channel)

    def _set(self, player: Player) -> None:
        if self._synth is None:
            return
        sampler = self._samplers[player]
        level = sampler.level if sampler.sounds else 0.0
        if player == "machine":
            level *= 1.0 - sampler.follow * (1.0 - self._heard)
        drums, melodies = CHANNELS[player]
        self._synth.set_drums(drums, level, sampler.pan, sampler.kit, sampler.reverb)
        self._synth.set_place(melodies, level, sampler.pan, sampler.reverb)
