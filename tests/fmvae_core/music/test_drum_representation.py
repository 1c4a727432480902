from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from fmvae_core.music.drum_representation import (
    HITS,
    OFFSETS,
    VELOCITIES,
    DrumRepresentation,
    Frames,
    drum_frames,
)
from fmvae_core.music.drums import drum_map
from fmvae_core.music.phrase import STEP_BEATS, Note, Phrase
from tests.fmvae_core.music import strategies

KIT = drum_map()
BASS, SNARE = 0, 1


@given(strategies.grooves())
def test_phrase_comes_back_from_its_frames(phrase: Phrase) -> None:
    drums = DrumRepresentation(phrase.bars)
    back = drums.decode(drums.encode(phrase), phrase.tempo)
    assert (back.bars, back.tempo, back.is_drums) == (phrase.bars, phrase.tempo, True)
    key = lambda note: (round(note.onset / STEP_BEATS, 4), note.pitch)  # noqa: E731
    for before, after in zip(
        sorted(phrase.notes, key=key), sorted(back.notes, key=key), strict=True
    ):
        assert (after.pitch, after.velocity) == (before.pitch, before.velocity)
        assert after.onset == pytest.approx(before.onset, abs=1e-6)


@given(strategies.drum_frames())
def test_frames_come_back_from_their_phrase(frames: Frames) -> None:
    drums = DrumRepresentation(2)
    back = drums.encode(drums.decode(frames))
    np.testing.assert_array_equal(back[:, HITS], frames[:, HITS])
    np.testing.assert_allclose(back[:, VELOCITIES], frames[:, VELOCITIES], atol=1e-6)
    # Half a step late would be the next cell: it comes back one tick of 60 earlier.
    np.testing.assert_allclose(back[:, OFFSETS], np.minimum(frames[:, OFFSETS], 59 / 60), atol=1e-6)


def test_positive_offset_is_late() -> None:
    frames = drum_frames([Note(1.0 + 0.25 * STEP_BEATS, 36, 127)], 16, KIT)
    assert frames[4, HITS][BASS] == 1.0
    assert frames[4, VELOCITIES][BASS] == 1.0
    assert frames[4, OFFSETS][BASS] == pytest.approx(0.5)
    assert np.count_nonzero(frames) == 3


@pytest.mark.parametrize("order", [1, -1])
def test_loudest_hit_of_a_cell_wins(order: int) -> None:
    loud, soft = Note(0.0, 38, 100), Note(0.05, 40, 60)
    frames = drum_frames([loud, soft][::order], 16, KIT)
    assert frames[0, VELOCITIES][SNARE] == pytest.approx(100 / 127)
    assert frames[0, OFFSETS][SNARE] == 0.0


def test_early_downbeat_is_the_first_step_and_what_lies_outside_is_left_out() -> None:
    notes = [Note(-0.125, 36, 90), Note(-0.126, 38, 90), Note(3.875, 38, 90), Note(1.0, 99, 90)]
    frames = drum_frames(notes, 16, KIT)
    assert np.argwhere(frames[:, HITS]).tolist() == [[0, BASS]]
    assert frames[0, OFFSETS][BASS] == -1.0


def test_kit_decides_what_a_pitch_is() -> None:
    notes = [Note(0.0, 45, 90)]
    td11 = drum_frames(notes, 16, drum_map("roland-td-11"))
    gm = drum_frames(notes, 16, drum_map("general-midi"))
    assert np.argmax(td11[0, HITS]) != np.argmax(gm[0, HITS])


def test_thresholds_of_each_drum_decide_what_sounds() -> None:
    frames = np.zeros((16, 27), np.float32)
    frames[:, HITS] = 0.4
    frames[:, VELOCITIES] = 0.5
    thresholds = np.full(9, 0.5)
    thresholds[SNARE] = 0.4
    notes = DrumRepresentation(1).decode(frames, 120.0, thresholds).notes
    assert {note.pitch for note in notes} == {38}
    assert len(notes) == 16


def test_silent_hit_still_has_a_velocity_that_midi_can_carry() -> None:
    frames = np.zeros((16, 27), np.float32)
    frames[0, BASS] = 1.0
    assert DrumRepresentation(1).decode(frames).notes[0].velocity == 1


def test_what_does_not_fit_is_refused() -> None:
    drums = DrumRepresentation(2)
    with pytest.raises(ValueError, match="takes 2 bars, the phrase has 1"):
        drums.encode(Phrase((), bars=1))
    with pytest.raises(ValueError, match="melody"):
        drums.encode(Phrase((), bars=2, is_drums=False))
    with pytest.raises(ValueError, match=r"expected frames \(32, 27\), got \(16, 27\)"):
        drums.decode(np.zeros((16, 27), np.float32))
