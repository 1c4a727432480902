from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from fmvae_core.data.cello_suites import checksums, load_cello_suites, read_cello_suites
from fmvae_core.data.corpus import CorpusError
from fmvae_core.data.sources import open_corpus


@pytest.fixture
def suites(groove_data: Path) -> Path:
    if not (groove_data / "cello_suites").is_dir():
        pytest.skip("FLATJAM_DATA has no folder cello_suites")
    return groove_data / "cello_suites"


def test_there_are_41_pieces() -> None:
    assert len(checksums()) == 41
    assert all(len(sha256) == 64 for sha256 in checksums().values())


def test_what_is_missing_or_different_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"not a folder with the cello suites.*docs/corpora\.md"):
        read_cello_suites(tmp_path / "none")
    (tmp_path / "bwv1007_1_prelude.mid").write_bytes(b"another edition")
    with pytest.raises(CorpusError) as caught:
        read_cello_suites(tmp_path)
    text = str(caught.value)
    assert "40 of 41 files are missing (bwv1007_2_allemande.mid" in text
    assert "35 more" in text
    assert "1 of 41 files are not the expected ones (bwv1007_1_prelude.mid)" in text
    assert "midi_folder" in text


def test_the_suites(suites: Path, tmp_path: Path) -> None:
    corpus = load_cello_suites(suites.parent, cache=tmp_path)
    assert corpus.representation == "melody"
    assert corpus.skipped == {"compound metre": 4}
    assert len(corpus.performances) == 37
    assert Counter(piece.split for piece in corpus.performances) == {
        "training": 29,
        "validation": 4,
        "test": 4,
    }
    assert {"prelude", "bourree", "gigue"} <= {piece.style for piece in corpus.performances}
    assert len(corpus.windows(4)) == 1196
    low, high = corpus.shift_range(corpus.windows(4))
    assert low.max() < 0 < high.min()
    again = open_corpus("cello_suites", suites)
    np.testing.assert_array_equal(again.frames, corpus.frames)
