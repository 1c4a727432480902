"""Phrases that tests play."""

from __future__ import annotations

from fmvae_core.music.phrase import Note, Phrase


def ticking(pitch: int = 42, bars: int = 1, tempo: float = 120.0, velocity: int = 110) -> Phrase:
    """The same short hit on every beat."""
    return Phrase(
        tuple(Note(float(beat), pitch, velocity) for beat in range(4 * bars)), bars, tempo
    )


def rock_beat() -> Phrase:
    """Two bars as a drummer plays them: accents, ghost notes, a crash on the one."""
    notes = [Note(0.0, 49, 100)]
    for bar in range(2):
        start = 4.0 * bar
        notes += [Note(start + 0.5 * i, 42, (90, 65)[i % 2]) for i in range(8)]
        bass = ((0.0, 105), (1.5, 80), (2.0, 95), (2.5, 70))
        snare = ((1.0, 112), (3.0, 112), (1.75, 35), (2.25, 30), (3.75, 40))
        notes += [Note(start + beat, 36, velocity) for beat, velocity in bass]
        notes += [Note(start + beat, 38, velocity) for beat, velocity in snare]
    return Phrase(tuple(notes), 2, 110.0)
