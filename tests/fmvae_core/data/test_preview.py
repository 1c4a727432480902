from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fmvae_core.data.corpus import CorpusError
from fmvae_core.data.preview import Preview, preview
from fmvae_core.music.midi_file import write_midi
from tests.corpora import groove


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for index in range(12):
        write_midi(groove(random, 6), tmp_path / "mine" / f"{index:02}.mid")
    (tmp_path / "mine" / "again.mid").write_bytes((tmp_path / "mine" / "00.mid").read_bytes())
    (tmp_path / "mine" / "broken.mid").write_bytes(b"not MIDI")
    return tmp_path / "mine"


def look(folder: Path, bars: int = 2) -> Preview:
    return preview("midi_folder", folder, representation="drums", bars=bars)


def test_tells_what_there_is_and_what_was_skipped_and_why(folder: Path) -> None:
    calls: list[tuple[int, int]] = []
    seen = preview(
        "midi_folder",
        folder,
        representation="drums",
        bars=2,
        progress=lambda done, total: calls.append((done, total)),
    )
    assert seen.pieces == 12
    assert seen.phrases["training"] == 10 * 5
    assert seen.phrases["validation"] == seen.phrases["test"] == 5
    assert seen.skipped == {"duplicate": 1, "unreadable": 1}
    left = dict(seen.left_out)
    assert sorted(left.values()) == ["duplicate", "unreadable"]
    assert left["broken.mid"] == "unreadable"
    assert "50 phrases to learn from are few" in seen.warning
    assert "pass on the music" in seen.licence
    assert seen.problem == ""
    assert (14, 14) in calls


def test_too_few_files_are_told_and_what_is_in_them(folder: Path) -> None:
    for file in list(folder.glob("0*.mid"))[:8]:
        file.unlink()
    seen = look(folder)
    assert "10 are needed" in seen.problem
    assert seen.left_out


def test_pieces_that_are_too_short_are_told(folder: Path) -> None:
    seen = look(folder, bars=8)
    assert "No piece has 8 bars" in seen.problem
    assert seen.skipped == {"duplicate": 1, "unreadable": 1, "shorter than 8 bars": 12}
    assert seen.pieces == 0


def test_what_is_no_corpus_says_so(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="hold no MIDI files"):
        look(tmp_path)
