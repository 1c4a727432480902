from __future__ import annotations

import dataclasses
import math

import pytest

from fmvae_core.music.phrase import Note, Phrase


def test_notes_are_sorted_by_onset() -> None:
    late, early = Note(3.0, 36, 90), Note(-0.125, 38, 80)
    assert Phrase((late, early), bars=1).notes == (early, late)


def test_lengths() -> None:
    phrase = Phrase((), bars=2, tempo=96.0)
    assert (phrase.beats, phrase.steps, phrase.seconds) == (8, 32, 5.0)


def test_phrase_at_another_tempo_keeps_its_notes() -> None:
    phrase = Phrase((Note(1.0, 36, 90),), bars=1, is_drums=False)
    assert phrase.at_tempo(90.0) == dataclasses.replace(phrase, tempo=90.0)


def test_phrase_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Phrase((), bars=1).tempo = 90.0  # type: ignore[misc]


@pytest.mark.parametrize("onset", [-0.126, 4.0, 1e9])
def test_onset_outside_the_phrase_is_refused(onset: float) -> None:
    with pytest.raises(ValueError, match="outside a phrase of 1 bars"):
        Phrase((Note(onset, 36, 90),), bars=1)


@pytest.mark.parametrize(
    "note",
    [
        (math.nan, 36, 90, 1.0),
        (math.inf, 36, 90, 1.0),
        (0.0, -1, 90, 1.0),
        (0.0, 128, 90, 1.0),
        (0.0, 36, 0, 1.0),
        (0.0, 36, 128, 1.0),
        (0.0, 36, 90, 0.0),
        (0.0, 36, 90, math.nan),
    ],
)
def test_impossible_note_is_refused(note: tuple[float, int, int, float]) -> None:
    with pytest.raises(ValueError, match=r"pitch|velocity|onset"):
        Note(*note)


@pytest.mark.parametrize(("bars", "tempo"), [(0, 120.0), (2, 19.0), (2, 401.0), (2, math.nan)])
def test_impossible_length_or_tempo_is_refused(bars: int, tempo: float) -> None:
    with pytest.raises(ValueError, match=r"bar|tempo"):
        Phrase((), bars, tempo)
