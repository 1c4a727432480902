"""Small corpora made on the spot: real MIDI files of simple grooves."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import numpy as np

from fmvae_core.data.corpus import SPLITS, Corpus, SourcePerformance
from fmvae_core.music.drum_representation import drum_frames
from fmvae_core.music.drums import drum_map
from fmvae_core.music.melody_representation import NOTE_OFF, REST
from fmvae_core.music.midi_file import midi_file
from fmvae_core.music.phrase import STEP_BEATS, STEPS_PER_BAR, Note, Phrase


def groove(random: np.random.Generator, bars: int) -> Phrase:
    """Return a backbeat with random ghost notes, dynamics and timing."""
    notes = []
    for step in range(bars * STEPS_PER_BAR):
        late = float(random.uniform(-0.3, 0.3)) if step else 0.0
        hits = [42] if step % 2 == 0 else []
        hits += [36] if step % 8 == 0 else []
        hits += [38] if step % 8 == 4 or random.random() < 0.1 else []
        for pitch in hits:
            velocity = int(random.integers(30, 127))
            notes.append(Note((step + late / 2) * STEP_BEATS, pitch, velocity, 0.1))
    return Phrase(tuple(notes), bars, 100.0)


def tiny_corpus(performances: int = 12, bars: int = 6, seed: int = 0) -> Corpus:
    """Return a corpus of such grooves, split 8 : 1 : 1 or so."""
    random = np.random.default_rng(seed)
    pieces = [
        drum_frames(groove(random, bars).notes, bars * STEPS_PER_BAR, drum_map())
        for _ in range(performances)
    ]
    sources = tuple(
        SourcePerformance(
            source=f"drummer{index % 3}/{index}.mid",
            style=("rock", "funk")[index % 2],
            drummer=f"drummer{index % 3}",
            tempo=100.0 + index,
            split=SPLITS[max(0, index - performances + 3)],
            first_step=index * bars * STEPS_PER_BAR,
            steps=bars * STEPS_PER_BAR,
        )
        for index in range(performances)
    )
    return Corpus("groove", np.concatenate(pieces), sources, {}, f"tiny-{seed}")


def groove_zip(path: Path, performances: int = 10, bars: int = 5) -> Path:
    """Write a zip laid out like the published Groove dataset, with its kinds of trouble."""
    random = np.random.default_rng(1)
    columns = [
        "drummer",
        "session",
        "id",
        "style",
        "bpm",
        "beat_type",
        "time_signature",
        "midi_filename",
        "split",
    ]
    rows = io.StringIO()
    table = csv.DictWriter(rows, columns)
    table.writeheader()
    with zipfile.ZipFile(path, "w") as archive:
        for index in range(performances + 3):
            name = f"drummer{index % 2}/session1/{index}_rock_100_beat_4-4.mid"
            stream = io.BytesIO()
            if index == performances + 1:  # the same performance under another name
                random = np.random.default_rng(99)
            if index == performances:
                random = np.random.default_rng(99)
            midi_file(groove(random, bars)).save(file=stream)
            data = stream.getvalue() if index < performances + 2 else b"not MIDI"
            archive.writestr(f"groove/{name}", data)
            table.writerow(
                {
                    "drummer": f"drummer{index % 2}",
                    "session": "session1",
                    "id": str(index),
                    "style": "rock/halftime" if index % 2 else "funk",
                    "bpm": "100",
                    "beat_type": "beat",
                    "time_signature": "6-8" if index == 3 else "4-4",
                    "midi_filename": name,
                    "split": "test" if index == 0 else "validation" if index == 1 else "train",
                }
            )
        archive.writestr("groove/info.csv", rows.getvalue())
    return path


def tiny_melodies(pieces: int = 12, bars: int = 6, seed: int = 0) -> Corpus:
    """Return a corpus of scales that wander up and down in eighths, with rests between."""
    random = np.random.default_rng(seed)
    length = bars * STEPS_PER_BAR
    melodies = []
    for _ in range(pieces):
        events = np.full(length, REST, np.uint8)
        key = int(random.integers(25, 60))
        for step in range(0, length, 2):
            key = int(np.clip(key + random.integers(-3, 4), 20, 70))
            events[step] = NOTE_OFF if random.random() < 0.1 else key
        melodies.append(events)
    sources = tuple(
        SourcePerformance(
            source=f"{index}.mid",
            style=("reel", "jig")[index % 2],
            drummer="",
            tempo=100.0,
            split=SPLITS[max(0, index - pieces + 3)],
            first_step=index * length,
            steps=length,
        )
        for index in range(pieces)
    )
    return Corpus(
        "tunes",
        np.concatenate(melodies),
        sources,
        {},
        f"melodies-{seed}",
        representation="melody",
    )
