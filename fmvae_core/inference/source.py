"""Landmarks as the drummer played them, from the corpus's own MIDI files."""

from __future__ import annotations

import functools
import io
from pathlib import Path

from fmvae_core.data.groove import GrooveFiles
from fmvae_core.models.landmarks import Landmarks
from fmvae_core.music.drums import DRUMS, DrumMap, drum_map
from fmvae_core.music.midi_file import Performance, read_midi
from fmvae_core.music.phrase import Note, Phrase


class LandmarkSource:
    """Cuts landmarks out of the performances they come from.

    Parameters
    ----------
    path
        The Groove zip, or a folder it was unpacked to; opened once and kept open.

    Raises
    ------
    CorpusError
        If the corpus is not there.
    """

    def __init__(self, path: Path) -> None:
        self._files = GrooveFiles(path)
        # Neighbouring landmarks often share a performance, and a long one takes a while to read.
        self._performance = functools.lru_cache(maxsize=32)(self._read)

    def phrase(self, landmarks: Landmarks, index: int, bars: int) -> Phrase:
        """Return a landmark's phrase with the velocities and the timing of the drummer.

        Raises
        ------
        CorpusError, MidiFileError
            If its performance is not in the corpus, or cannot be read.
        IndexError
            If there is no such landmark.
        """
        if not 0 <= index < len(landmarks):
            raise IndexError(f"there is no landmark {index}; the last one is {len(landmarks) - 1}")
        name = landmarks.performances[landmarks.performance[index]]
        played = self._performance(name).phrase(int(landmarks.bar[index]), bars)
        return fold_pitches(played, drum_map())

    def _read(self, name: str) -> Performance:
        return read_midi(io.BytesIO(self._files.read(name)))


def fold_pitches(phrase: Phrase, kit: DrumMap) -> Phrase:
    """Return a phrase in the pitches of Table 4, which every General MIDI kit knows.

    Pitches that the kit's map does not name are left out, as in the model's frames.
    """
    notes = tuple(
        Note(note.onset, DRUMS[kit.categories[note.pitch]].pitch, note.velocity, note.duration)
        for note in phrase.notes
        if note.pitch in kit.categories
    )
    return Phrase(notes, phrase.bars, phrase.tempo, phrase.is_drums)
