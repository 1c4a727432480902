"""Melodies as frames and back (section 4, piano and cello datasets)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from fmvae_core.music.phrase import STEP_BEATS, STEPS_PER_BAR, Note, Phrase
from fmvae_core.music.representation import Frames

LOWEST_PITCH = 21
"""MIDI pitch of key 0, the lowest A of a piano."""
N_KEYS = 88
NOTE_OFF = N_KEYS
"""Event code: what sounds ends, and nothing begins."""
REST = N_KEYS + 1
"""Event code: nothing begins or ends; what sounds goes on, and so does silence."""
N_EVENTS = N_KEYS + 2

MIDDLE_PITCH = LOWEST_PITCH + (N_KEYS - 1) / 2
"""Pitch attribute of a phrase without notes: neither high nor low."""
VELOCITY = 90
"""Of every decoded note: frames of a melody say nothing of loudness."""

Events = npt.NDArray[np.uint8]
"""Event codes: 0 to 87 begin the note of a key, then `NOTE_OFF` and `REST`."""


def melody_events(notes: Iterable[Note], steps: int) -> Events:
    """Place a melody on the grid of sixteenths, one event a step.

    Each note begins and ends at its nearest step and lasts at least one. The highest note is heard
    where two sound: it ends a lower one that it meets, and a lower one that begins below it is not
    heard at all, unless the higher has but one step to go (a legato, not a second voice). Notes
    that begin outside the grid, and pitches that are not on the 88 keys, are left out.

    Parameters
    ----------
    notes
        Onsets in beats from the start of the grid.
    steps
        Length of the grid in sixteenths.

    Returns
    -------
    events
        ``(steps,)`` codes.
    """
    events = np.full(steps, REST, np.uint8)
    begun: list[tuple[int, int, int]] = []  # step, key (highest first), end
    for note in notes:
        start = int(np.floor(note.onset / STEP_BEATS + 0.5))
        end = int(np.floor((note.onset + note.duration) / STEP_BEATS + 0.5))
        key = note.pitch - LOWEST_PITCH
        if 0 <= start < steps and 0 <= key < N_KEYS:
            begun.append((start, -key, max(end, start + 1)))
    sounding_key, sounding_end, last_start = -1, 0, -1
    for start, negative_key, end in sorted(begun):
        key = -negative_key
        if start == last_start or (key < sounding_key and start < sounding_end - 1):
            continue  # below what begins here, or below what goes on sounding
        if last_start >= 0 and sounding_end < start:
            events[sounding_end] = NOTE_OFF
        events[start] = key
        sounding_key, sounding_end, last_start = key, end, start
    if last_start >= 0 and sounding_end < steps:
        events[sounding_end] = NOTE_OFF
    return events


def without_orphans(events: Events) -> Events:
    """Return events ``(..., steps)`` without the note-offs that come before the first note.

    They end a note that began before the phrase, and nobody hears them.
    """
    has_begun = np.maximum.accumulate(events < N_KEYS, axis=-1)
    return np.where(has_begun, events, np.uint8(REST))


def one_hot(events: npt.NDArray[np.integer]) -> Frames:
    """Return events ``(..., steps)`` as frames ``(..., steps, 90)``."""
    return np.eye(N_EVENTS, dtype=np.float32)[events]


@dataclass(frozen=True)
class MelodyRepresentation:
    """Melodies as ``(16 * bars, 90)`` frames: 88 note-ons, note-off, rest (section 4).

    One feature of each step is 1. Decoded frames are probabilities, and the most probable event of
    a step is what happens; `thresholds` have no say.

    Parameters
    ----------
    bars
        Length of the phrases in 16 steps.
    """

    bars: int

    name = "melody"
    features = N_EVENTS
    voices = N_KEYS
    attribute_names = ("density", "pitch")

    @property
    def steps(self) -> int:
        """Steps of a phrase."""
        return self.bars * STEPS_PER_BAR

    def encode(self, phrase: Phrase) -> Frames:
        """Return the frames ``(steps, 90)`` of a phrase.

        Raises
        ------
        ValueError
            If the phrase is of drums or has another length.
        """
        if phrase.is_drums:
            raise ValueError("this model plays melodies; the phrase is of drums")
        if phrase.bars != self.bars:
            raise ValueError(f"this model takes {self.bars} bars, the phrase has {phrase.bars}")
        return one_hot(melody_events(phrase.notes, self.steps))

    def decode(
        self, frames: Frames, tempo: float = 120.0, thresholds: npt.ArrayLike = 0.5
    ) -> Phrase:
        """Return the phrase that frames stand for.

        A note lasts until the next note, a note-off or the end of the phrase.

        Parameters
        ----------
        frames
            ``(steps, 90)``; may be probabilities.
        tempo
            Beats a minute.
        thresholds
            Without effect.
        """
        if frames.shape != (self.steps, self.features):
            raise ValueError(f"expected frames {(self.steps, self.features)}, got {frames.shape}")
        events = frames.argmax(axis=-1)
        changes = np.append(np.nonzero(events != REST)[0], self.steps).tolist()
        notes = tuple(
            Note(
                onset=start * STEP_BEATS,
                pitch=LOWEST_PITCH + int(events[start]),
                velocity=VELOCITY,
                duration=(end - start) * STEP_BEATS,
            )
            for start, end in pairwise(changes)
            if events[start] < N_KEYS
        )
        return Phrase(notes, self.bars, tempo, is_drums=False)

    def onsets(self, frames: Frames, thresholds: npt.ArrayLike = 0.5) -> npt.NDArray[np.bool_]:
        """Return where notes begin, ``(..., steps, 88)``, of frames ``(..., steps, 90)``."""
        return frames.argmax(axis=-1)[..., None] == np.arange(N_KEYS)

    def attributes(
        self, frames: Frames, thresholds: npt.ArrayLike = 0.5
    ) -> npt.NDArray[np.float64]:
        """Return density and pitch of phrases, ``(..., 2)`` (section 4.3).

        Density is the number of notes; pitch is the mean of their MIDI pitches, and `MIDDLE_PITCH`
        in a phrase without notes.

        Parameters
        ----------
        frames
            ``(..., steps, 90)``; may be probabilities.
        thresholds
            Without effect.
        """
        events = frames.argmax(axis=-1)
        begins = events < N_KEYS
        count = begins.sum(axis=-1).astype(np.float64)
        total = np.where(begins, events + LOWEST_PITCH, 0).sum(axis=-1)
        pitch = np.where(count > 0, total / np.maximum(count, 1.0), MIDDLE_PITCH)
        return np.stack([count, pitch], axis=-1)
