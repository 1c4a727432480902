"""Gain staging: loud enough for an ordinary groove, and no clipping in the densest.

FluidSynth has no limiter that is there on every platform, and a callback into Python has no place
in an audio thread. So the level is kept where notes are made. When a SoundFont is loaded its drums
are measured; `LevelGuard` lowers the velocities of notes that crowd together, and the synth's gain
is set so that the loudest phrases that can be asked for, measured with the guard at work, stay
below full scale. An ordinary groove passes the guard unchanged.

The human's drums have a guard of their own, so that nothing the machine plays takes away from them
what is free to one player. What both may play together is limited only where it would clip: at
volumes near the highest, and in the same place.

There is no level meter for the same reason: while a driver plays, FluidSynth tells nobody what it
puts out except a callback in the audio thread.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from fmvae_core.live.voices import (
    CLICK_ACCENT,
    CLICK_BEAT,
    CLICK_CHANNEL,
    DRUM_CHANNEL,
    MELODY_CHANNEL,
    SoundEvent,
)
from fmvae_core.music.drums import DRUMS

if TYPE_CHECKING:
    from fmvae_core.live.synth import Synth

CEILING = 0.75
"""Highest level, of full scale, that the loudest probe may reach; what is left is for surprises."""

_BOTH = 0.97  # the same for two players, even if both play the very same sound at the same instant

# How levels of notes add up: between 2 (unrelated sounds) and 1 (all peaks at the same instant).
_EXPONENT = 1.15
# Level that passes unchanged, in units of the font's loudest single hit at full velocity.
_FREE = 1.15
# However crowded it is, notes keep at least this share of the free level.
_SHARE = 0.05
_DECAY = 0.15  # seconds in which the level of earlier notes falls to 1/e
_SAME_TIME = 0.001  # seconds

_PROBE_MELODY = (36, 48, 60, 72, 84)


@dataclass(frozen=True)
class Loudness:
    """Peak levels of single notes at velocity 127 and at the synth's reference gain.

    Parameters
    ----------
    peaks
        By channel and pitch.
    others
        By channel, for pitches that were not measured.
    """

    peaks: Mapping[tuple[int, int], float]
    others: Mapping[int, float]

    def of(self, channel: int, pitch: int) -> float:
        """Return the peak level of a note."""
        return self.peaks.get((channel, pitch), self.others.get(channel, 0.0))

    @property
    def highest(self) -> float:
        """The loudest single note that is part of a phrase."""
        return max(self.others[DRUM_CHANNEL], self.others[MELODY_CHANNEL])

    @classmethod
    def joined(cls, parts: Mapping[int, tuple[Loudness, float]]) -> Loudness:
        """Return the loudness of channels that play different fonts.

        Parameters
        ----------
        parts
            By channel, the loudness of its font, and by how much that is turned up.
        """
        return cls(
            {
                (channel, pitch): factor * peak
                for channel, (loudness, factor) in parts.items()
                for (owner, pitch), peak in loudness.peaks.items()
                if owner == channel
            },
            {
                channel: factor * loudness.others[channel]
                for channel, (loudness, factor) in parts.items()
            },
        )


class LevelGuard:
    """Lowers the velocities of notes that crowd together in time.

    The levels of notes that start within a fraction of a second are summed as
    ``(a1^p + a2^p + ...)^(1/p)``; what exceeds the free level is shared out among the notes that
    start together. Amplitude goes with the square of velocity.
    """

    def __init__(self, loudness: Loudness) -> None:
        self._loudness = loudness
        self._limit = (_FREE * loudness.highest) ** _EXPONENT
        self._crowd = 0.0
        self._time = -math.inf
        self.click_amplitude = 1.0
        self.amplitude = 1.0
        """How loud who is guarded is set."""
        self.beside: LevelGuard | None = None
        """That of the other player, where both are heard in the same place."""
        self._spare = math.inf  # beyond its own limit, what both may take together

    def set_gain(self, gain: float) -> None:
        """Take note of how much louder than measured all is: less leaves more room for both."""
        alone = gain * _FREE * self._loudness.highest
        self._spare = max(0.0, _BOTH / alone - 1.0) ** _EXPONENT if alone > 0.0 else math.inf

    def taken(self, time: float) -> float:
        """Return which share of its limit sounds around a time; what is queued counts already."""
        past = time - self._time
        if past < -_DECAY:
            return 0.0
        share = self._crowd / self._limit if self._limit else 0.0
        return share * math.exp(-max(0.0, past) / _DECAY) * self.amplitude**_EXPONENT

    def limit(self, events: Iterable[SoundEvent]) -> list[SoundEvent]:
        """Return the events, in order of time, with velocities that fit."""
        limited: list[SoundEvent] = []
        for _, group in groupby(events, key=lambda event: round(event.time / _SAME_TIME)):
            limited.extend(self._limit_together(list(group)))
        return limited

    def _limit_together(self, events: list[SoundEvent]) -> list[SoundEvent]:
        strength = sum(self._strength(event) for event in events if event.velocity)
        if strength == 0.0:
            return events
        time = events[0].time
        # Time that goes back is that of another start, with nothing before it.
        past = time - self._time
        self._crowd *= math.exp(-past / _DECAY) if past >= 0.0 else 0.0
        self._time = time
        room = self._limit - self._crowd
        if self.beside is not None:
            both = 1.0 + self._spare - self.beside.taken(time)
            room = min(room, both * self._limit - self._crowd)
        room = max(room, _SHARE * self._limit)
        if strength <= room:
            self._crowd += strength
            return events
        self._crowd += room
        amplitude = (room / strength) ** (1.0 / _EXPONENT)
        return [
            replace(event, velocity=max(1, round(event.velocity * math.sqrt(amplitude))))
            if event.velocity
            else event
            for event in events
        ]

    def _strength(self, event: SoundEvent) -> float:
        level = self._loudness.of(event.channel, event.pitch) * (event.velocity / 127.0) ** 2
        if event.channel == CLICK_CHANNEL:
            level *= self.click_amplitude
        return level**_EXPONENT


def measure_loudness(synth: Synth) -> Loudness:
    """Play single notes through a synth that has no audio driver, and measure them."""
    peaks: dict[tuple[int, int], float] = {}
    notes = [(DRUM_CHANNEL, drum.pitch) for drum in DRUMS]
    notes += [(CLICK_CHANNEL, CLICK_ACCENT), (CLICK_CHANNEL, CLICK_BEAT)]
    notes += [(MELODY_CHANNEL, pitch) for pitch in _PROBE_MELODY]
    for channel, pitch in notes:
        peaks[channel, pitch] = synth.probe([SoundEvent(0.0, channel, pitch, 127)], 0.3)
    others = {
        channel: max(peak for (owner, _), peak in peaks.items() if owner == channel)
        for channel in (MELODY_CHANNEL, DRUM_CHANNEL, CLICK_CHANNEL)
    }
    return Loudness(peaks, others)


def loudest_phrases(loudness: Loudness) -> list[list[SoundEvent]]:
    """Return what comes closest to clipping: events for about a second each, unguarded."""
    drums = sorted((drum.pitch for drum in DRUMS), key=lambda p: -loudness.of(DRUM_CHANNEL, p))
    step = 60.0 / 200 / 4
    everything = [(DRUM_CHANNEL, pitch) for pitch in drums]
    everything += [(MELODY_CHANNEL, pitch) for pitch in _PROBE_MELODY]
    everything.append((CLICK_CHANNEL, CLICK_ACCENT))
    stacks = [
        (everything, step),
        (everything[: len(drums)], step / 2),
        ([(DRUM_CHANNEL, pitch) for pitch in drums[:2]], step),
        ([(DRUM_CHANNEL, drums[0]), (CLICK_CHANNEL, CLICK_ACCENT)], step),
        ([(MELODY_CHANNEL, pitch) for pitch in _PROBE_MELODY], step),
    ]
    phrases = [
        [SoundEvent(i * gap, *note, 127) for i in range(int(0.9 / gap)) for note in notes]
        for notes, gap in stacks
    ]
    # Loose playing, where peaks meet by chance; drawn once and for all.
    dice = random.Random(2)
    for together in (2, 3, 5):
        events = [
            SoundEvent((i + 0.5 * dice.random()) * step, DRUM_CHANNEL, pitch, 127)
            for i in range(14)
            for pitch in dice.sample(drums, together)
        ]
        phrases.append(sorted(events, key=lambda event: event.time))
    return phrases


def find_gain(synth: Synth, loudness: Loudness, reference_gain: float) -> float:
    """Return the gain at which the loudest phrases, guarded, peak at `CEILING`."""
    peak = max(
        synth.probe(LevelGuard(loudness).limit(events), 1.2) for events in loudest_phrases(loudness)
    )
    return reference_gain * CEILING / peak if peak > 0.0 else reference_gain
