"""A window hears from half a step before its first beat to half a step before its end."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmvae_core.jam.window import HALF_STEP, Window
from fmvae_core.music.drum_representation import HITS, DrumRepresentation

STARTS = st.integers(0, 2000).map(lambda bar: 4.0 * bar)
TICKS = st.integers(0, 1920 * 12)  # of a 480th beat, over more than the window


@pytest.mark.parametrize("bars", [1, 2, 4])
def test_the_edges(bars: int) -> None:
    window = Window(8.0, bars)
    end = 8.0 + 4 * bars
    assert not window.add(8.0 - HALF_STEP - 1e-6, 36, 100)
    assert window.add(8.0 - HALF_STEP, 36, 100)
    assert window.add(end - HALF_STEP - 1e-6, 38, 100)
    assert not window.add(end - HALF_STEP, 42, 100)
    assert [note.pitch for note in window.phrase(120.0).notes] == [36, 38]
    assert window.lands(end - HALF_STEP)
    assert window.lands(end - 1e-6)
    assert not window.lands(end - HALF_STEP - 1e-6)
    assert not window.lands(end)


@given(STARTS, st.lists(TICKS, max_size=60))
def test_what_a_window_hears_is_what_the_grid_holds(start: float, ticks: list[int]) -> None:
    window = Window(start, 2)
    heard = [tick for tick in ticks if window.add(start - 4 + tick / 480, 36, 100)]
    phrase = window.phrase(133.0)
    assert phrase.tempo == 133.0
    assert len(phrase.notes) == len(heard)
    frames = DrumRepresentation(2).encode(phrase)
    cells = {int(np.floor((tick / 480 - 4) * 4 + 0.5)) for tick in heard}
    assert set(np.nonzero(frames[:, HITS])[0].tolist()) == cells


@given(STARTS, st.lists(TICKS, max_size=60))
def test_windows_in_a_row_hear_every_hit_once(start: float, ticks: list[int]) -> None:
    windows = [Window(start + 8 * turn, 2) for turn in range(7)]
    for tick in ticks:
        beat = start + tick / 480
        assert sum(window.hears(beat) for window in windows) == 1
        # The landing of one is the early downbeat of the next.
        for window, following in itertools.pairwise(windows):
            if window.lands(beat):
                assert following.hears(beat)


def test_a_phrase_so_far_grows_and_may_be_empty() -> None:
    window = Window(0.0, 2)
    assert window.phrase(100.0).notes == ()
    window.add(3.0, 38, 90)
    window.add(1.0, 36, 80)  # the transport may deliver out of order
    assert [note.onset for note in window.phrase(100.0).notes] == [1.0, 3.0]


def test_a_key_lasts_until_it_is_let_go_or_the_phrase_ends() -> None:
    window = Window(8.0, 2)
    assert window.press(8.0, 60, 80)
    window.release(9.5, 60)
    assert window.press(10.0, 62, 70)
    assert window.press(11.0, 62, 75)  # again, and nobody said that it was let go
    assert window.press(15.5, 64, 60)
    assert not window.press(15.9, 65, 60)  # the early downbeat of what follows
    window.release(20.0, 64)
    window.release(12.0, 99)
    phrase = window.phrase(100.0, is_drums=False)
    assert not phrase.is_drums
    assert [(n.onset, n.pitch, n.velocity, n.duration) for n in phrase.notes] == [
        (0.0, 60, 80, 1.5),
        (2.0, 62, 70, 1.0),
        (3.0, 62, 75, 5.0),
        (7.5, 64, 60, 0.5),
    ]
