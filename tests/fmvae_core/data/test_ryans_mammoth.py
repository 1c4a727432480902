from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from fmvae_core.data.corpus import CorpusError
from fmvae_core.data.ryans_mammoth import load_ryans_mammoth
from fmvae_core.data.sources import open_corpus
from fmvae_core.music.melody_representation import NOTE_OFF, REST
from tests.fmvae_core.data.melodies import KEY_OF_C as C

HEAD = "X:1\nT:{name}\nM:{meter}\nL:1/16\nR: Reel\nC:A. FIDDLER.\nK:C\n"
TUNE = "CDEF GABc |"


def write(folder: Path, name: str, music: str, meter: str = "2/4") -> None:
    (folder / f"{name}.abc").write_text(HEAD.format(name=name, meter=meter) + music + "\n")


@pytest.fixture
def tunes(tmp_path: Path) -> Path:
    folder = tmp_path / "tunes"
    folder.mkdir()
    for index in range(12):
        write(folder, f"tune{index:02}", TUNE + f"c{index + 1}" + TUNE)
    return folder


needs_music21 = pytest.mark.skipif(
    importlib.util.find_spec("music21") is None, reason="music21 is not installed"
)


@needs_music21
def test_reads_what_is_printed(tunes: Path, tmp_path: Path) -> None:
    # Upbeat, grace note, tie over the bar line, triplet, chord, rest, accidental.
    write(tunes, "a", "G2 | {A}c4 e2c2- | c4 (3cde [CEG]4 | z2 ^F2 z4 :|")
    write(tunes, "jig", "CDE FGA |", meter="6/8")
    write(tunes, "tune-again", TUNE + "c1" + TUNE)
    corpus = load_ryans_mammoth(tunes, cache=tmp_path / "cache")
    assert corpus.skipped == {"compound metre": 1, "duplicate": 1}
    piece = corpus.performances[0]
    assert (piece.source, piece.style, piece.drummer) == ("a", "reel", "A. Fiddler")
    assert piece.steps == 48
    assert corpus.frames[:48].tolist() == [
        *([REST] * 14 + [C + 7, REST]),
        *[C + 12, REST, REST, REST, C + 16, REST, C + 12, REST],
        # A triplet of sixteenths lasts two steps: its second note falls on the nearest.
        *[REST, REST, REST, REST, C + 12, C + 16, C + 7, REST],
        *[REST, REST, NOTE_OFF, REST, C + 6, REST, NOTE_OFF, REST],
        *([REST] * 8),
    ]


@needs_music21
def test_is_split_by_tune_and_parsed_once(tunes: Path, tmp_path: Path) -> None:
    seen: list[int] = []
    corpus = load_ryans_mammoth(
        tunes, cache=tmp_path / "cache", progress=lambda done, total: seen.append(done)
    )
    assert seen == list(range(13))
    splits = [piece.split for piece in corpus.performances]
    assert (splits.count("training"), splits.count("validation"), splits.count("test")) == (
        10,
        1,
        1,
    )
    again = load_ryans_mammoth(
        tunes, cache=tmp_path / "cache", progress=lambda done, total: seen.append(done)
    )
    assert len(seen) == 13
    assert again.performances == corpus.performances


@needs_music21
def test_what_cannot_be_read_is_counted(tunes: Path, tmp_path: Path) -> None:
    write(tunes, "free", TUNE, meter="none")
    write(tunes, "short", "C4 D4 |")
    write(tunes, "broken", "CDEF [V:99 (99:x")
    corpus = load_ryans_mammoth(tunes, cache=tmp_path / "cache")
    assert corpus.skipped == {
        "no metre": 1,
        "fewer than 4 notes": 1,
        "not readable as ABC": 1,
    }
    assert len(corpus.performances) == 12


def test_without_music21_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CorpusError, match=r"pip install .*flatjam\[corpora\]"):
        open_corpus("ryans_mammoth")


@needs_music21
def test_the_collection() -> None:
    corpus = open_corpus("ryans_mammoth")
    assert corpus.skipped == {"compound metre": 242, "duplicate": 12}
    assert len(corpus.performances) == 805
    assert len(corpus.windows(2)) == 9376
    low, high = corpus.shift_range(corpus.windows(2))
    assert low.max() < 0 < high.min()
