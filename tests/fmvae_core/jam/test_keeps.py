"""What was kept is there again, each in a file of its own; a bad file costs only itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmvae_core.jam.keeps import Keep, LastPhrases, keeps_dir, read_keeps, save_keep
from fmvae_core.music.phrase import Note, Phrase
from tests.fmvae_core.jam.test_journal import ANSWER, PHRASE

HUMAN = Phrase((Note(0.0, 38, 100),), 2, 100.0)


def kept(when: float = 1e9) -> Keep:
    last = LastPhrases().heard(1, HUMAN).answered(ANSWER).played(ANSWER, PHRASE, 7)
    return last.keep(when, 100.0, "evening")


def test_a_keep_holds_both_phrases_and_what_they_came_from() -> None:
    keep = kept()
    assert (keep.human, keep.machine) == (HUMAN, PHRASE)
    assert (keep.z_human, keep.z_machine) == (ANSWER.z_human, ANSWER.z_machine)
    assert (keep.bundle, keep.sigma, keep.seed, keep.take) == ("ab", 0.1, 7, "evening")


def test_a_point_is_that_of_the_phrase_beside_it() -> None:
    late = LastPhrases().heard(2, HUMAN).played(ANSWER, PHRASE, 7)
    assert late.answered(ANSWER).keep(1e9, 100.0, "").z_human is None, "of another phrase"
    assert late.answered(ANSWER).played(ANSWER, PHRASE, None).seed == 7, "played once more"


def test_nothing_is_kept_before_anything_was_played() -> None:
    with pytest.raises(ValueError, match="nothing has been played"):
        LastPhrases().keep(1e9, 100.0, "")


def test_keeps_are_read_again_the_newest_first() -> None:
    keeps = [kept(1e9), kept(1e9), kept(1e9 + 60)]
    paths = [save_keep(keep) for keep in keeps]
    assert len(set(paths)) == 3
    found, bad = read_keeps()
    assert [saved.keep for saved in found] == [keeps[2], keeps[0], keeps[1]]
    assert bad == 0


@given(cut=st.integers(min_value=0, max_value=400))
def test_a_damaged_file_is_counted_and_costs_no_other(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("keeps")
    whole = save_keep(kept(), folder)
    (folder / "cut.json").write_bytes(whole.read_bytes()[:cut])
    found, bad = read_keeps(folder)
    assert [saved.path for saved in found] == [whole]
    assert bad == 1


def test_a_folder_that_is_not_there_holds_none(tmp_path: Path) -> None:
    assert not keeps_dir().exists()
    assert read_keeps(tmp_path / "none") == ([], 0)
