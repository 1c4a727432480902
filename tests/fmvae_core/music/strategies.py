"""What hypothesis draws: phrases as a drummer or a pianist may have played them."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from fmvae_core.music.drum_representation import HITS, N_DRUMS, OFFSETS, VELOCITIES
from fmvae_core.music.drums import DRUMS
from fmvae_core.music.phrase import (
    BEATS_PER_BAR,
    MAX_TEMPO,
    MIN_TEMPO,
    STEP_BEATS,
    STEPS_PER_BAR,
    Note,
    Phrase,
)
from fmvae_core.music.representation import Frames

tempos = st.floats(MIN_TEMPO, MAX_TEMPO)
velocities = st.integers(1, 127)


@st.composite
def phrases(draw: st.DrawFn) -> Phrase:
    """Draw any phrase: every onset, pitch and duration that a phrase may have."""
    bars = draw(st.integers(1, 4))
    onsets = st.floats(-0.5 * STEP_BEATS, bars * BEATS_PER_BAR, exclude_max=True)
    note = st.builds(Note, onsets, st.integers(0, 127), velocities, st.floats(0.001, 20.0))
    notes = draw(st.lists(note, min_size=1, max_size=40))
    return Phrase(tuple(notes), bars, draw(tempos), draw(st.booleans()))


@st.composite
def grooves(draw: st.DrawFn, bars: int = 2) -> Phrase:
    """Draw a phrase of drums in Table 4's pitches, with at most one hit a cell."""
    cells = draw(
        st.sets(
            st.tuples(st.integers(0, bars * STEPS_PER_BAR - 1), st.integers(0, N_DRUMS - 1)),
            min_size=1,
            max_size=60,
        )
    )
    late = st.floats(-1.0, 59 / 60)
    notes = tuple(
        Note((step + 0.5 * draw(late)) * STEP_BEATS, DRUMS[drum].pitch, draw(velocities))
        for step, drum in sorted(cells)
    )
    return Phrase(notes, bars, draw(tempos))


@st.composite
def drum_frames(draw: st.DrawFn, bars: int = 2) -> Frames:
    """Draw clean frames: 0 wherever nothing is hit, velocities as MIDI has them."""
    steps = bars * STEPS_PER_BAR
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    hits = rng.random((steps, N_DRUMS)) < draw(st.floats(0.0, 1.0))
    frames = np.zeros((steps, 3 * N_DRUMS), np.float32)
    frames[:, HITS] = hits
    frames[:, VELOCITIES] = hits * rng.integers(1, 128, hits.shape) / 127
    extremes = rng.choice([-1.0, 0.0, 1.0], hits.shape)
    even = rng.uniform(-1.0, 1.0, hits.shape)
    frames[:, OFFSETS] = hits * np.where(rng.random(hits.shape) < 0.3, extremes, even)
    return frames
