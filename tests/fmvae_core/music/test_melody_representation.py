from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmvae_core.music.melody_representation import (
    LOWEST_PITCH,
    MIDDLE_PITCH,
    N_EVENTS,
    N_KEYS,
    NOTE_OFF,
    REST,
    VELOCITY,
    MelodyRepresentation,
    melody_events,
    one_hot,
    without_orphans,
)
from fmvae_core.music.phrase import STEP_BEATS, Note, Phrase
from fmvae_core.music.representation import representation
from tests.fmvae_core.music import strategies

C, D, E = 60 - LOWEST_PITCH, 62 - LOWEST_PITCH, 64 - LOWEST_PITCH


def note(step: float, pitch: int, steps: float = 1.0) -> Note:
    return Note(step * STEP_BEATS, pitch, 64, steps * STEP_BEATS)


@given(st.lists(st.integers(0, N_EVENTS - 1), min_size=32, max_size=32))
def test_events_come_back_from_their_phrase(codes: list[int]) -> None:
    """All but what nobody hears: a note-off where nothing sounds."""
    heard, sounds = [], False
    for code in codes:
        is_heard = code != NOTE_OFF or sounds
        heard.append(code if is_heard else REST)
        sounds = code < N_KEYS or (sounds and code != NOTE_OFF)
    melody = MelodyRepresentation(2)
    phrase = melody.decode(one_hot(np.array(codes)), 90.0)
    assert not phrase.is_drums
    assert phrase.tempo == 90.0
    assert {n.velocity for n in phrase.notes} <= {VELOCITY}
    assert melody.encode(phrase).argmax(axis=-1).tolist() == heard


@given(strategies.phrases())
def test_any_melody_becomes_one_voice(phrase: Phrase) -> None:
    melody = MelodyRepresentation(phrase.bars)
    tones = Phrase(phrase.notes, phrase.bars, phrase.tempo, is_drums=False)
    frames = melody.encode(tones)
    assert frames.shape == (melody.steps, melody.features)
    assert (frames.sum(axis=-1) == 1).all()
    once = melody.decode(frames)
    for before, after in zip(once.notes, once.notes[1:], strict=False):
        assert before.onset + before.duration <= after.onset
    np.testing.assert_array_equal(melody.encode(once), frames)
    asked = {(round(n.onset / STEP_BEATS + 1e-9), n.pitch) for n in phrase.notes}
    near = {(step + by, pitch) for step, pitch in asked for by in (-1, 0, 1)}
    assert {(round(n.onset / STEP_BEATS), n.pitch) for n in once.notes} <= near


def test_a_note_ends_with_a_note_off_unless_another_begins() -> None:
    events = melody_events([note(0, 60, 2), note(2, 62, 1), note(6, 64, 20)], 16)
    assert events.tolist() == [C, REST, D, NOTE_OFF, REST, REST, E] + [REST] * 9
    assert events.dtype == np.uint8


def test_the_grid_is_the_nearest_sixteenth() -> None:
    assert melody_events([note(-0.5, 60, 0.2), note(2.49, 62, 0.1)], 4).tolist() == [
        C,
        NOTE_OFF,
        D,
        NOTE_OFF,
    ]
    assert melody_events([note(3.6, 60)], 4).tolist() == [REST] * 4


@pytest.mark.parametrize("order", [1, -1])
def test_the_highest_note_is_heard(order: int) -> None:
    chord = [note(0, 60, 4), note(0, 64, 4)][::order]
    assert melody_events(chord, 6).tolist() == [E, REST, REST, REST, NOTE_OFF, REST]
    held_bass = [note(0, 60, 4), note(1, 64, 1)][::order]
    assert melody_events(held_bass, 6).tolist() == [C, E, NOTE_OFF, REST, REST, REST]
    below = [note(0, 64, 4), note(1, 60, 1)][::order]
    assert melody_events(below, 6).tolist() == [E, REST, REST, REST, NOTE_OFF, REST]


def test_legato_downwards_is_one_voice() -> None:
    for overlap in (0.3, 1.0):
        events = melody_events([note(0, 64, 2 + overlap), note(2, 60, 2)], 5)
        assert events.tolist() == [E, REST, C, REST, NOTE_OFF]


def test_pitches_off_the_keys_are_left_out() -> None:
    notes = [note(0, 20), note(1, 21), note(2, 108), note(3, 109)]
    assert melody_events(notes, 5).tolist() == [REST, 0, 87, NOTE_OFF, REST]


def test_note_offs_before_the_first_note_are_not_heard() -> None:
    events = np.array([[NOTE_OFF, C, NOTE_OFF], [REST, NOTE_OFF, REST]], np.uint8)
    clean = without_orphans(events)
    assert clean.tolist() == [[REST, C, NOTE_OFF], [REST, REST, REST]]
    assert clean.dtype == np.uint8


def test_attributes_are_number_and_mean_pitch_of_the_notes() -> None:
    melody = MelodyRepresentation(1)
    frames = np.stack(
        [
            melody.encode(Phrase((note(0, 60), note(4, 67, 9)), 1, is_drums=False)),
            melody.encode(Phrase((), 1, is_drums=False)),
        ]
    )
    assert melody.attribute_names == ("density", "pitch")
    np.testing.assert_allclose(melody.attributes(frames), [[2, 63.5], [0, MIDDLE_PITCH]])
    onsets = melody.onsets(0.9 * frames + 0.1 / N_EVENTS)
    assert np.argwhere(onsets).tolist() == [[0, 0, C], [0, 4, 67 - LOWEST_PITCH]]
    assert onsets.shape == (2, 16, melody.voices)


def test_what_does_not_fit_is_refused() -> None:
    melody = representation("melody", 2)
    assert isinstance(melody, MelodyRepresentation)
    with pytest.raises(ValueError, match="takes 2 bars, the phrase has 1"):
        melody.encode(Phrase((), bars=1, is_drums=False))
    with pytest.raises(ValueError, match="of drums"):
        melody.encode(Phrase((), bars=2))
    with pytest.raises(ValueError, match=r"expected frames \(32, 90\), got \(16, 90\)"):
        melody.decode(np.zeros((16, 90), np.float32))
    with pytest.raises(ValueError, match="choose drums or melody"):
        representation("lyrics", 2)
