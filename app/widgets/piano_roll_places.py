"""What the piano roll shows, and where each thing lies in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF

from app.widgets.phrase_view import Places
from fmvae_core.music.melody_representation import LOWEST_PITCH, N_KEYS, MelodyRepresentation
from fmvae_core.music.phrase import STEPS_PER_BAR, STEPS_PER_BEAT, Note
from fmvae_core.music.representation import Frames

_NAMES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
_BLACK = frozenset({1, 3, 6, 8, 10})
_HIGHEST_PITCH = LOWEST_PITCH + N_KEYS - 1
_MARGIN = 2  # rows above and below the notes
_FEWEST = 17  # rows: an octave and a half
_SLACK = 7  # rows that may stay empty before the roll is cut anew
_EMPTY = (55, 71)  # pitches that are shown of a phrase without notes


def pitch_name(pitch: int) -> str:
    """Return a MIDI pitch as musicians name it; 60 is C4."""
    return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"


def is_black(pitch: int) -> bool:
    """Return whether the key is a black one."""
    return pitch % 12 in _BLACK


def notes_of(frames: Frames) -> tuple[Note, ...]:
    """Return the notes that sound, of frames ``(steps, 90)`` that may be probabilities.

    Raises
    ------
    ValueError
        If the frames have another shape.
    """
    if frames.ndim != 2 or frames.shape[1] != MelodyRepresentation.features or not len(frames):
        raise ValueError(
            f"melody frames are (steps, {MelodyRepresentation.features}), not {frames.shape}"
        )
    bars, rest = divmod(len(frames), STEPS_PER_BAR)
    if rest:
        raise ValueError(f"{len(frames)} steps are no whole number of bars")
    return MelodyRepresentation(bars).decode(frames).notes


def pitch_range(notes: Sequence[Note], shown: tuple[int, int] | None = None) -> tuple[int, int]:
    """Return the lowest and the highest pitch to show.

    That is the range of the notes with a margin, an octave and a half at least. The one that is
    shown stays where it holds the notes without much waste, so that a drag does not shake the roll.
    """
    if not notes:
        return shown or _EMPTY
    low = min(note.pitch for note in notes) - _MARGIN
    high = max(note.pitch for note in notes) + _MARGIN
    rows = max(_FEWEST, high - low + 1)
    if shown is not None:
        holds = shown[0] <= low + 1 and high - 1 <= shown[1]
        if holds and shown[1] - shown[0] < rows + _SLACK:
            return shown
    low -= (rows - (high - low + 1)) // 2
    high = low + rows - 1
    low = max(LOWEST_PITCH, min(low, _HIGHEST_PITCH - _FEWEST + 1))
    return low, min(_HIGHEST_PITCH, max(high, low + _FEWEST - 1))


def told(note: Note) -> str:
    """Return how long a note lasts, in words."""
    steps = round(note.duration * STEPS_PER_BEAT)
    beats, sixteenths = divmod(steps, STEPS_PER_BEAT)
    words = []
    if beats:
        words.append("1 beat" if beats == 1 else f"{beats} beats")
    if sixteenths:
        words.append("1 sixteenth" if sixteenths == 1 else f"{sixteenths} sixteenths")
    return f"lasts {' and '.join(words)}"


@dataclass(frozen=True)
class RollPlaces(Places):
    """Rectangles of a piano roll: time begins at a cell's left edge; high notes lie on top.

    Parameters
    ----------
    low, high
        The pitches that are shown.
    """

    low: int
    high: int

    def row(self, pitch: int) -> tuple[float, float]:
        """Return the top and the height of a pitch's row."""
        height = self.field.height() / (self.high - self.low + 1)
        return self.field.top() + (self.high - pitch) * height, height

    def cell(self, pitch: int, step: int) -> QRectF:
        """Return a cell."""
        top, height = self.row(pitch)
        left, right = self.x(step), self.x(step + 1)
        return QRectF(left, top, right - left, height)

    def bar(self, note: Note) -> QRectF:
        """Return a note's bar: from where it begins to where it ends, with a gap to the next."""
        top, height = self.row(note.pitch)
        left = self.x(note.onset * STEPS_PER_BEAT)
        right = self.x(min((note.onset + note.duration) * STEPS_PER_BEAT, self.steps))
        tall = min(height - 1.0, 14.0)
        return QRectF(left + 0.5, top + (height - tall) / 2, max(3.0, right - left - 1.5), tall)
