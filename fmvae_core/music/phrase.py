"""The phrase: the unit of music that everything in Flatjam passes around."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

BEATS_PER_BAR = 4
STEPS_PER_BEAT = 4
STEPS_PER_BAR = BEATS_PER_BAR * STEPS_PER_BEAT
STEP_BEATS = 1.0 / STEPS_PER_BEAT

MIN_TEMPO = 20.0
MAX_TEMPO = 400.0


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """One note or drum hit.

    Parameters
    ----------
    onset
        Beats from the start of the phrase. An early downbeat lies up to half a step before 0.
    pitch
        MIDI pitch, 0 to 127; for drums the pitch that names the drum.
    velocity
        MIDI velocity, 1 to 127.
    duration
        Beats, greater than 0.
    """

    onset: float
    pitch: int
    velocity: int
    duration: float = STEP_BEATS

    def __post_init__(self) -> None:
        if not math.isfinite(self.onset) or not math.isfinite(self.duration) or self.duration <= 0:
            raise ValueError(f"a note needs a finite onset and a positive duration, not {self}")
        if not 0 <= self.pitch <= 127:
            raise ValueError(f"pitch {self.pitch} is outside MIDI's 0 to 127")
        if not 1 <= self.velocity <= 127:
            raise ValueError(f"velocity {self.velocity} is outside MIDI's 1 to 127")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A piece of music of a fixed number of 4/4 bars. Immutable.

    Parameters
    ----------
    notes
        Sorted by onset; every onset lies in ``[-half a step, bars * 4)`` beats.
    bars
        Length in bars.
    tempo
        Beats a minute.
    is_drums
        Whether pitches name drums (MIDI channel 10) or tones.
    """

    notes: tuple[Note, ...]
    bars: int
    tempo: float = 120.0
    is_drums: bool = True

    def __post_init__(self) -> None:
        if self.bars < 1:
            raise ValueError(f"a phrase has at least one bar, not {self.bars}")
        if not MIN_TEMPO <= self.tempo <= MAX_TEMPO:
            raise ValueError(f"tempo {self.tempo} is outside {MIN_TEMPO:g} to {MAX_TEMPO:g} bpm")
        low, high = -0.5 * STEP_BEATS, self.bars * BEATS_PER_BAR
        for note in self.notes:
            if not low - 1e-9 <= note.onset < high:
                raise ValueError(f"onset {note.onset} lies outside a phrase of {self.bars} bars")
        object.__setattr__(self, "notes", tuple(sorted(self.notes)))

    @property
    def beats(self) -> int:
        """Length in beats."""
        return self.bars * BEATS_PER_BAR

    @property
    def steps(self) -> int:
        """Length in sixteenth steps."""
        return self.bars * STEPS_PER_BAR

    @property
    def seconds(self) -> float:
        """Length in seconds at the phrase's tempo."""
        return self.beats * 60.0 / self.tempo

    def at_tempo(self, tempo: float) -> Phrase:
        """Return the same notes at another tempo (beats a minute)."""
        return replace(self, tempo=tempo)
