"""The Groove corpus: parsing, windows, split, cache."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fmvae_core.data.corpus import CorpusError, load_corpus, resplit, save_corpus
from fmvae_core.data.groove import load_groove
from fmvae_core.data.sources import open_corpus
from fmvae_core.music.phrase import STEPS_PER_BAR
from tests.corpora import groove_zip, tiny_corpus


def test_parses_the_zip_and_counts_what_it_skips(tmp_path: Path) -> None:
    corpus = load_groove(groove_zip(tmp_path / "groove.zip"), cache=tmp_path)
    assert corpus.skipped == {"not in 4/4": 1, "duplicate": 1, "unreadable": 1}
    assert len(corpus.performances) == 10
    assert {source.style for source in corpus.performances} == {"rock", "funk"}
    assert corpus.frames.shape == (10 * 5 * STEPS_PER_BAR, 27)


def test_a_folder_gives_the_same_as_its_zip(tmp_path: Path) -> None:
    archive = groove_zip(tmp_path / "groove.zip")
    zipfile.ZipFile(archive).extractall(tmp_path / "unpacked")
    from_zip = load_groove(archive, cache=tmp_path / "a")
    from_folder = load_groove(tmp_path / "unpacked", cache=tmp_path / "b")
    assert from_folder.performances == from_zip.performances
    np.testing.assert_array_equal(from_folder.frames, from_zip.frames)


def test_second_load_reads_the_cache_and_a_damaged_cache_is_parsed_again(tmp_path: Path) -> None:
    archive = groove_zip(tmp_path / "groove.zip")
    cache = tmp_path / "cache"
    first = load_groove(archive, cache=cache)
    calls: list[int] = []
    again = load_groove(archive, cache=cache, progress=lambda done, total: calls.append(done))
    assert not calls  # nothing was parsed
    np.testing.assert_array_equal(again.frames, first.frames)
    assert again.performances == first.performances

    (file,) = cache.glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:100])
    repaired = load_groove(archive, cache=cache)
    np.testing.assert_array_equal(repaired.frames, first.frames)


@pytest.mark.parametrize("content", ["missing", "folder", "text", "zip"])
def test_what_is_not_the_dataset_is_refused_with_a_way_out(tmp_path: Path, content: str) -> None:
    path = tmp_path / "data"
    if content == "folder":
        path.mkdir()
    elif content == "text":
        path.write_text("hello")
    elif content == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("other.txt", "x")
    with pytest.raises(CorpusError, match="data"):
        load_groove(path, cache=tmp_path / "cache")


def test_windows_hop_by_a_bar_within_one_performance() -> None:
    corpus = tiny_corpus(performances=4, bars=5)
    windows = corpus.windows(2)
    assert len(windows) == 4 * 4
    frames = corpus.cut(windows)
    assert frames.shape == (16, 32, 27)
    for start, performance, bar in zip(
        windows.starts, windows.performance, windows.bar, strict=True
    ):
        source = corpus.performances[performance]
        assert start == source.first_step + bar * STEPS_PER_BAR
        assert start + 32 <= source.first_step + source.steps
    assert len(corpus.windows(2, hop_steps=8)) == 4 * 7


def test_windows_with_hardly_a_hit_are_dropped() -> None:
    corpus = tiny_corpus(performances=1, bars=4)
    corpus.frames[STEPS_PER_BAR : 3 * STEPS_PER_BAR] = 0.0
    assert corpus.windows(2).bar.tolist() == [0, 2]


def test_resplit_keeps_test_aside_and_is_a_function_of_the_seed() -> None:
    published = ["train"] * 80 + ["validation"] * 20 + ["test"] * 10
    first, second, other = resplit(published, 1), resplit(published, 1), resplit(published, 2)
    assert first == second != other
    assert [split == "test" for split in first] == [split == "test" for split in published]
    assert first.count("validation") == 10
    # The published validation files are no longer together: that is the point.
    assert {first[index] for index in range(80, 100)} == {"training", "validation"}


def test_no_performance_is_in_two_splits() -> None:
    corpus = tiny_corpus()
    seen = [set(corpus.windows(2, split).performance) for split in ("training", "validation")]
    assert not seen[0] & seen[1]


def test_a_frames_cache_opens_as_a_corpus(tmp_path: Path) -> None:
    corpus = tiny_corpus()
    save_corpus(corpus, tmp_path / "frames.safetensors")
    opened = open_corpus("groove", tmp_path / "frames.safetensors")
    assert opened.performances == corpus.performances
    with pytest.raises(CorpusError, match="holds the corpus"):
        open_corpus("other", tmp_path / "frames.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"no")
    with pytest.raises(CorpusError, match="not a frames cache"):
        load_corpus(tmp_path / "broken.safetensors")


def test_the_published_dataset(tmp_path: Path) -> None:
    data = os.environ.get("FLATJAM_DATA")
    if not data:
        pytest.skip("FLATJAM_DATA does not name a folder with the Groove zip")
    corpus = load_groove(Path(data), cache=tmp_path)
    assert corpus.skipped == {"not in 4/4": 12, "duplicate": 1}
    assert len(corpus.performances) == 1137
    assert len(corpus.windows(2, "test")) == 2084
    assert len(corpus.windows(2)) == pytest.approx(20_649, abs=0)
    hits = corpus.cut(corpus.windows(2, "test"))[..., :9]
    assert hits.mean() == pytest.approx(0.131, abs=1e-3)
