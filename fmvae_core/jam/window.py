"""The bars in which the machine listens, and the phrase that the human played in them."""

from __future__ import annotations

from dataclasses import replace

from fmvae_core.music.phrase import BEATS_PER_BAR, STEP_BEATS, Note, Phrase

_SHORTEST = 0.01  # beats that a key is down at least

HALF_STEP = 0.5 * STEP_BEATS
"""Beats by which a window opens before its first beat and closes before its end."""


class Window:
    """A human's phrase: from half a step before its first beat to half a step before its end.

    A hit in the last half step before the end is the human's landing: to the grid it is the early
    downbeat of whatever follows, so it is no part of this phrase.

    Parameters
    ----------
    start
        First beat, in beats of the take.
    bars
        Length.
    """

    def __init__(self, start: float, bars: int) -> None:
        self.start = start
        self.bars = bars
        self._notes: list[Note] = []
        self._held: dict[int, int] = {}  # pitch of a key that is down to its note

    @property
    def end(self) -> float:
        """Where the phrase ends, in beats of the take."""
        return self.start + self.bars * BEATS_PER_BAR

    def hears(self, beat: float) -> bool:
        """Return whether a hit at a beat of the take belongs to the phrase."""
        return self.start - HALF_STEP <= beat < self.end - HALF_STEP

    def lands(self, beat: float) -> bool:
        """Return whether a hit at a beat of the take is the landing."""
        return self.end - HALF_STEP <= beat < self.end

    def add(self, beat: float, pitch: int, velocity: int) -> bool:
        """Take in a hit at a beat of the take and return whether it belongs to the phrase.

        Parameters
        ----------
        beat
            When it was played, latency of the input taken off; hits may come in any order.
        pitch
            Of Table 4.
        velocity
            1 to 127.
        """
        if not self.hears(beat):
            return False
        self._notes.append(Note(beat - self.start, pitch, velocity))
        return True

    def press(self, beat: float, pitch: int, velocity: int) -> bool:
        """Take in a key that goes down at a beat of the take and return whether it belongs here.

        Its note lasts until `release`, or to the end of the phrase.
        """
        self.release(beat, pitch)
        if not self.hears(beat):
            return False
        self._held[pitch] = len(self._notes)
        self._notes.append(Note(beat - self.start, pitch, velocity, self.end - beat))
        return True

    def release(self, beat: float, pitch: int) -> None:
        """Take in that a key is let go, if it is one that went down in this phrase."""
        place = self._held.pop(pitch, None)
        if place is not None:
            note = self._notes[place]
            lasts = min(beat, self.end) - self.start - note.onset
            self._notes[place] = replace(note, duration=max(_SHORTEST, lasts))

    def phrase(self, tempo: float, *, is_drums: bool = True) -> Phrase:
        """Return what has been played so far, at a tempo in beats a minute."""
        return Phrase(tuple(self._notes), self.bars, tempo, is_drums)
