"""Windows of melodies and motion, transposition, and the frames cache."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from fmvae_core.data.corpus import Corpus, SourcePerformance, Windows, load_corpus, save_corpus
from fmvae_core.music.melody_representation import NOTE_OFF, REST, MelodyRepresentation
from fmvae_core.music.phrase import Note
from tests.corpora import tiny_corpus
from tests.fmvae_core.data.melodies import KEY_OF_C, melody_corpus, tune


def at(*starts: int, steps: int = 16) -> Windows:
    places = np.array(starts)
    return Windows(places, np.zeros(len(places), np.int64), places // 16, steps)


def test_windows_of_melodies_hold_four_notes() -> None:
    sparse = [Note(float(beat), 60, 80) for beat in (0, 1, 2, 8, 9, 10, 11)]
    corpus = melody_corpus(tune(0, 4), sparse)
    assert corpus.windows(1).bar.tolist() == [0, 1, 2, 3, 2]
    assert len(corpus.windows(2)) == 3 + 2  # the last two of the sparse melody's three
    assert len(corpus.windows(1, "test")) == 0
    assert corpus.windows(1, hop_steps=4).starts[:3].tolist() == [0, 4, 8]


def test_cut_melodies_are_one_hot() -> None:
    corpus = melody_corpus(tune(0, 4), tune(1, 4))
    windows = corpus.windows(2)
    frames = corpus.cut(windows)
    assert frames.shape == (6, 32, 90)
    assert frames.dtype == np.float32
    np.testing.assert_array_equal(frames.argmax(axis=-1), corpus.events(windows))
    phrase = MelodyRepresentation(2).decode(frames[0])
    assert [note.pitch for note in phrase.notes] == [n.pitch for n in tune(0, 4) if n.onset < 8]


def test_a_window_that_begins_inside_a_note_begins_with_a_rest() -> None:
    long = [Note(3.0, 60, 80, 2.0), *(Note(6.0 + beat, 62, 80) for beat in range(5))]
    corpus = melody_corpus(long)
    assert corpus.frames[20] == NOTE_OFF
    (events,) = corpus.events(at(16))
    assert events[:8].tolist() == [REST] * 8  # neither the note nor its end
    assert events[8] == KEY_OF_C + 2


def test_transpositions_cover_the_keys_and_stay_on_them() -> None:
    corpus = melody_corpus(tune(0, 4), tune(1, 4))
    windows = corpus.windows(2)
    low, high = corpus.shift_range(windows)
    assert low.shape == high.shape == (6,)
    plain = corpus.events(windows)
    keys = plain < NOTE_OFF
    for shifts, extreme in ((low, 0), (high, 87)):
        moved = corpus.events(windows, shifts)
        np.testing.assert_array_equal(moved[~keys], plain[~keys])
        reached = np.where(keys, moved, plain.min() if extreme == 87 else 87)
        edge = reached.max(axis=1) if extreme == 87 else reached.min(axis=1)
        assert edge.tolist() == [extreme] * 6
        np.testing.assert_array_equal(corpus.cut(windows, shifts).argmax(axis=-1), moved)
    for outside in (low - 1, high + 1):
        with pytest.raises(ValueError, match="off the 88 keys"):
            corpus.cut(windows, outside)


def test_only_melodies_are_transposed() -> None:
    corpus = tiny_corpus(performances=1)
    windows = corpus.windows(2)
    with pytest.raises(ValueError, match="only melodies can be transposed, not drums"):
        corpus.cut(windows, np.zeros(len(windows), int))
    with pytest.raises(ValueError, match="holds drums, not melodies"):
        corpus.shift_range(windows)


def test_windows_of_motion_are_all_kept() -> None:
    frames = np.zeros((64, 50), np.float32)
    sources = tuple(
        SourcePerformance(str(index), "", "", 120.0, "training", 32 * index, 32)
        for index in range(2)
    )
    corpus = Corpus("sequences", frames, sources, {}, "x", "motion")
    assert corpus.cut(corpus.windows(2)).shape == (2, 32, 50)


@pytest.mark.parametrize("representation", ["drums", "melody"])
def test_a_saved_corpus_comes_back(tmp_path: Path, representation: str) -> None:
    corpus = tiny_corpus() if representation == "drums" else melody_corpus(tune(0, 4))
    save_corpus(corpus, tmp_path / "frames.safetensors")
    back = load_corpus(tmp_path / "frames.safetensors")
    assert back.representation == representation
    assert back.frames.dtype == corpus.frames.dtype
    np.testing.assert_array_equal(back.frames, corpus.frames)
    assert (back.performances, back.digest) == (corpus.performances, corpus.digest)


def test_a_cache_from_before_there_were_melodies_is_of_drums(tmp_path: Path) -> None:
    save_corpus(tiny_corpus(), tmp_path / "new.safetensors")
    with safe_open(tmp_path / "new.safetensors", framework="numpy") as file:
        description = json.loads(file.metadata()["corpus"])
        frames = file.get_tensor("frames")
    del description["representation"]
    save_file({"frames": frames}, tmp_path / "old.safetensors", {"corpus": json.dumps(description)})
    old = load_corpus(tmp_path / "old.safetensors")
    assert old.representation == "drums"
    assert len(old.windows(2)) == len(tiny_corpus().windows(2))
