from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from fmvae_core.data.corpus import CorpusError
from fmvae_core.data.sources import open_corpus
from fmvae_core.music.drum_representation import HITS
from fmvae_core.music.midi_file import write_midi
from fmvae_core.music.phrase import Note
from tests.corpora import groove
from tests.fmvae_core.data.melodies import KEY_OF_C, tune, write_tracks


@pytest.fixture
def melodies(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    for index in range(10):
        write_tracks(folder / "airs" / f"{index}.mid", tune(index, 4))
    return folder


@pytest.fixture
def drums(tmp_path: Path) -> Path:
    folder = tmp_path / "beats"
    folder.mkdir()
    for index in range(10):
        write_midi(groove(np.random.default_rng(index), 4), folder / f"{index}.MIDI")
    return folder


def test_melodies_of_a_folder_and_its_subfolders(melodies: Path) -> None:
    write_tracks(melodies / "jigs" / "jig.mid", tune(20, 4), meter=(12, 8))
    write_tracks(melodies / "same.mid", tune(3, 4))
    write_tracks(melodies / "short.mid", tune(3, 4)[:3])
    write_tracks(melodies / "beat.mid", tune(21, 4), channel=9)
    (melodies / "broken.mid").write_bytes(b"MThd, and no more")
    (melodies / "notes.txt").write_text("not music")
    corpus = open_corpus("midi_folder", melodies, representation="melody")
    assert corpus.skipped == {
        "compound metre": 1,
        "duplicate": 1,
        "fewer than 4 notes": 1,
        "no melody": 1,
        "unreadable": 1,
    }
    assert Counter(piece.split for piece in corpus.performances) == {
        "training": 8,
        "validation": 1,
        "test": 1,
    }
    assert {(piece.style, piece.drummer) for piece in corpus.performances} == {("airs", "mine")}
    assert corpus.representation == "melody"
    assert len(corpus.windows(2)) == 10 * 3


def test_a_chosen_track_is_the_melody(tmp_path: Path) -> None:
    for index in range(10):
        high = [Note(0.5 * place, 84, 80, 0.5) for place in range(32)]
        write_tracks(tmp_path / f"{index}.mid", tune(index, 4), high)
    second = [Note(0.5 * place, 84, 80, 0.5) for place in range(32)]
    write_tracks(tmp_path / "single.mid", second)
    # All tracks: the high notes hide what lies below, and so every file says the same.
    with pytest.raises(CorpusError, match=r"1 pieces that can be used.*10 duplicate"):
        open_corpus("midi_folder", tmp_path, representation="melody")
    corpus = open_corpus("midi_folder", tmp_path, representation="melody", track=1)
    assert len(corpus.performances) == 11
    keys = corpus.frames[corpus.frames < 88]
    assert keys.min() < KEY_OF_C + 13
    with pytest.raises(CorpusError, match="11 no melody"):
        open_corpus("midi_folder", tmp_path, representation="melody", track=3)


def test_drums_by_the_map_of_the_device(drums: Path) -> None:
    write_tracks(drums / "waltz.mid", tune(0, 4), meter=(3, 4), channel=9)
    write_tracks(drums / "song.mid", tune(0, 4))
    corpus = open_corpus("midi_folder", drums)
    assert corpus.skipped == {"not in 4/4": 1, "no drums": 1}
    assert corpus.representation == "drums"
    assert corpus.frames.shape == (10 * 64, 27)
    assert len(corpus.windows(2)) == 30
    for index in range(10):  # pitch 45 is another tom on another device
        notes = [Note(0.25 * (place + index), 45, 80 + index, 0.1) for place in range(40)]
        write_tracks(drums.parent / "toms" / f"{index}.mid", notes, channel=9)
    sums = [
        open_corpus("midi_folder", drums.parent / "toms", drum_map=kit).frames[:, HITS].sum(axis=0)
        for kit in ("roland-td-11", "general-midi")
    ]
    assert sums[0].argmax() != sums[1].argmax()


def test_a_changed_folder_is_parsed_again(melodies: Path) -> None:
    first = open_corpus("midi_folder", melodies, representation="melody")
    calls: list[int] = []
    again = open_corpus(
        "midi_folder",
        melodies,
        lambda done, total: calls.append(done),
        representation="melody",
    )
    assert not calls
    assert again.digest == first.digest
    write_tracks(melodies / "airs" / "10.mid", tune(10, 4))
    more = open_corpus("midi_folder", melodies, representation="melody")
    assert len(more.performances) == 11


def test_what_cannot_be_used_is_refused_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="say with --data"):
        open_corpus("midi_folder")
    with pytest.raises(CorpusError, match="is not a folder"):
        open_corpus("midi_folder", tmp_path / "none")
    with pytest.raises(CorpusError, match="no MIDI files"):
        open_corpus("midi_folder", tmp_path)
    write_tracks(tmp_path / "one.mid", tune(0, 4))
    with pytest.raises(CorpusError, match="1 pieces that can be used, and 10 are needed"):
        open_corpus("midi_folder", tmp_path, representation="melody")
    with pytest.raises(CorpusError, match=r"0 pieces.*skipped: 1 no drums"):
        open_corpus("midi_folder", tmp_path)
    with pytest.raises(ValueError, match="no drum map"):
        open_corpus("midi_folder", tmp_path, drum_map="spoons")
