from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fmvae_core.data.corpus import CorpusError
from fmvae_core.data.sources import open_corpus


def test_sequences_are_split_and_cut(tmp_path: Path) -> None:
    sequences = np.random.default_rng(0).normal(size=(20, 32, 50))
    np.save(tmp_path / "walk.npy", sequences)
    np.savez(tmp_path / "walk.npz", sequences=sequences)
    corpus = open_corpus("sequences", tmp_path / "walk.npy")
    assert corpus.representation == "motion"
    assert [len(corpus.windows(2, s)) for s in ("training", "validation", "test")] == [16, 2, 2]
    np.testing.assert_allclose(corpus.cut(corpus.windows(2)), sequences, rtol=1e-6)
    zipped = open_corpus("sequences", tmp_path / "walk.npz")
    assert zipped.digest == corpus.digest


def _bad(kind: str) -> object:
    good = np.zeros((20, 32, 50))
    good[3, 4, 5] = np.nan if kind == "nan" else np.inf
    return {
        "flat": np.zeros((20, 50)),
        "text": np.array([[["a"]]]),
        "few": np.zeros((9, 32, 50)),
        "short": np.zeros((20, 15, 50)),
        "nan": good,
        "inf": good,
    }[kind]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("flat", r"\(20, 50\); sequences are an array"),
        ("text", "array of numbers"),
        ("few", "9 sequences of 32 steps"),
        ("short", "20 sequences of 15 steps"),
        ("nan", "1 of 20 sequences hold a value.*first number 3"),
        ("inf", "1 of 20 sequences hold a value"),
    ],
)
def test_other_arrays_are_refused(tmp_path: Path, kind: str, message: str) -> None:
    np.save(tmp_path / "a.npy", _bad(kind))  # type: ignore[arg-type]
    with pytest.raises(CorpusError, match=message):
        open_corpus("sequences", tmp_path / "a.npy")


def test_other_files_are_refused_and_nothing_is_unpickled(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="does not exist"):
        open_corpus("sequences", tmp_path / "none.npy")
    np.savez(tmp_path / "two.npz", a=np.zeros(3), b=np.zeros(3))
    with pytest.raises(CorpusError, match=r"2 arrays \(a, b\)"):
        open_corpus("sequences", tmp_path / "two.npz")
    np.save(tmp_path / "pickle.npy", np.array([{}], object), allow_pickle=True)
    (tmp_path / "text.npy").write_text("hello")
    (tmp_path / "empty.npy").write_bytes(b"")
    (tmp_path / "zip.npz").write_bytes(b"PK\x03\x04 and no more")
    for name in ("pickle.npy", "text.npy", "empty.npy", "zip.npz"):
        with pytest.raises(CorpusError, match="not a file of sequences"):
            open_corpus("sequences", tmp_path / name)
