"""Small melodies for the tests of corpora."""

from __future__ import annotations

from pathlib import Path

import mido
import numpy as np

from fmvae_core.data.corpus import Corpus, SourcePerformance
from fmvae_core.music.melody_representation import LOWEST_PITCH, melody_events
from fmvae_core.music.phrase import STEP_BEATS, STEPS_PER_BAR, Note


def tune(seed: int, bars: int) -> list[Note]:
    """Return eighth notes from a scale of C, with a rest here and there."""
    random = np.random.default_rng(seed)
    scale = [60, 62, 64, 65, 67, 69, 71, 72]
    return [
        Note(2 * place * STEP_BEATS, int(random.choice(scale)), 80, 2 * STEP_BEATS)
        for place in range(bars * STEPS_PER_BAR // 2)
        if place == 0 or random.random() < 0.9
    ]


def melody_corpus(*pieces: list[Note], bars: int = 4) -> Corpus:
    """Return a corpus of melodies of equal length, all for training."""
    steps = bars * STEPS_PER_BAR
    sources = tuple(
        SourcePerformance(f"{index}.mid", "reel", "Anon", 120.0, "training", index * steps, steps)
        for index in range(len(pieces))
    )
    events = np.concatenate([melody_events(piece, steps) for piece in pieces])
    return Corpus("tunes", events, sources, {}, "tunes", "melody")


def write_tracks(
    path: Path, *tracks: list[Note], meter: tuple[int, int] = (4, 4), channel: int = 0
) -> None:
    """Write a MIDI file of type 1 with a track for each list of notes."""
    file = mido.MidiFile(type=1, ticks_per_beat=480)
    for number, notes in enumerate(tracks):
        track = mido.MidiTrack()
        if number == 0:
            numerator, denominator = meter
            track.append(
                mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator)
            )
        events = [
            event
            for note in notes
            for event in (
                (round(note.onset * 480), 1, "note_on", note),
                (round((note.onset + note.duration) * 480), 0, "note_off", note),
            )
        ]
        now = 0
        for ticks, _, kind, note in sorted(events, key=lambda event: event[:2]):
            track.append(
                mido.Message(kind, note=note.pitch, velocity=64, channel=channel, time=ticks - now)
            )
            now = ticks
        file.tracks.append(track)
    path.parent.mkdir(parents=True, exist_ok=True)
    file.save(path)


KEY_OF_C = 60 - LOWEST_PITCH
