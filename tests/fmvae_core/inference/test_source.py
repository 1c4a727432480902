from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fmvae_core.data.corpus import CorpusError
from fmvae_core.data.groove import load_groove
from fmvae_core.inference.source import LandmarkSource, fold_pitches
from fmvae_core.models.landmarks import Landmarks
from fmvae_core.music.drum_representation import DrumRepresentation
from fmvae_core.music.drums import DRUMS, drum_map
from fmvae_core.music.phrase import Note, Phrase
from tests.corpora import groove_zip


def test_what_is_played_is_what_the_model_learnt_from(tmp_path: Path) -> None:
    archive = groove_zip(tmp_path / "groove.zip")
    corpus = load_groove(archive, cache=tmp_path)
    windows = corpus.windows(2)
    n = len(windows)
    nothing = np.zeros(n, np.int32)
    landmarks = Landmarks(
        z=np.zeros((n, 4), np.float32),
        attributes=np.zeros((n, 3), np.float32),
        style=nothing,
        drummer=nothing,
        performance=windows.performance.astype(np.int32),
        bar=windows.bar.astype(np.int32),
        tempo=np.full(n, 100, np.float32),
        styles=("any",),
        drummers=("any",),
        performances=tuple(source.source for source in corpus.performances),
    )
    source = LandmarkSource(archive)
    representation = DrumRepresentation(2)
    played = [representation.encode(source.phrase(landmarks, i, 2)) for i in range(n)]
    np.testing.assert_allclose(played, corpus.cut(windows), atol=1e-6)
    with pytest.raises(IndexError, match=f"no landmark {n}; the last one is {n - 1}"):
        source.phrase(landmarks, n, 2)


def test_pitches_are_folded_onto_those_of_table_4() -> None:
    kit = drum_map()
    notes = tuple(Note(0.1 * i, pitch, 40 + i, 0.05) for i, pitch in enumerate(kit.categories))
    odd = Note(0.0, 81, 99)
    folded = fold_pitches(Phrase((*notes, odd), 2, 90.0), kit)
    assert len(folded.notes) == len(notes)
    assert folded.tempo == 90.0
    for note, before in zip(folded.notes, sorted(notes), strict=True):
        assert note.pitch == DRUMS[kit.categories[before.pitch]].pitch
        assert (note.onset, note.velocity, note.duration) == (
            before.onset,
            before.velocity,
            before.duration,
        )


def test_a_corpus_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="does not exist"):
        LandmarkSource(tmp_path / "groove.zip")
