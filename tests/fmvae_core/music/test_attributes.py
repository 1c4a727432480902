from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from fmvae_core.music.drum_representation import DrumRepresentation
from fmvae_core.music.phrase import STEP_BEATS, Phrase
from tests.fmvae_core.music.strategies import grooves


@given(grooves())
def test_attributes_are_those_of_the_notes(phrase: Phrase) -> None:
    frames = DrumRepresentation(phrase.bars).encode(phrase)
    steps = [note.onset / STEP_BEATS for note in phrase.notes]
    expected = {
        "density": len(phrase.notes),
        "velocity": np.mean([note.velocity / 127 for note in phrase.notes]),
        "offset": np.mean([2 * (step - np.floor(step + 0.5)) for step in steps]),
    }
    assert DrumRepresentation(2).attributes(frames) == pytest.approx(
        [expected[name] for name in DrumRepresentation.attribute_names], abs=1e-5
    )


def test_silence_has_no_attributes() -> None:
    assert DrumRepresentation(2).attributes(np.zeros((32, 27), np.float32)).tolist() == [
        0.0,
        0.0,
        0.0,
    ]


def test_batch_and_thresholds() -> None:
    frames = np.zeros((2, 3, 16, 27), np.float32)
    frames[1, 2, 5, 0] = 0.4
    frames[1, 2, 5, 9] = 0.8
    assert DrumRepresentation(2).attributes(frames).shape == (2, 3, 3)
    assert DrumRepresentation(2).attributes(frames).any() == np.False_
    assert DrumRepresentation(2).attributes(frames, 0.4)[1, 2].tolist() == pytest.approx(
        [1.0, 0.8, 0.0]
    )
