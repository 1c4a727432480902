"""The takes that there are, and keeps as takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from fmvae_core.jam.export import midi_of
from fmvae_core.jam.journal import JournalError, takes_dir
from fmvae_core.jam.keeps import Keep, save_keep
from fmvae_core.jam.replay import Replay
from fmvae_core.jam.rules import State
from fmvae_core.jam.takes import find_takes, read_take, summarise, take_of
from tests.fmvae_core.jam.recordings import record
from tests.fmvae_core.jam.test_keeps import HUMAN, kept


def test_a_list_tells_of_takes_and_keeps_the_newest_first() -> None:
    journal = record(takes_dir())
    keep = save_keep(kept(journal.head.wall + 60.0))
    (takes_dir() / "broken.jsonl").write_text("hello\n")
    found, bad = find_takes()
    assert [summary.path for summary in found] == [keep, takes_dir() / "take.jsonl"]
    assert bad == 1
    first, second = found
    assert (first.is_keep, first.hits, first.answers, first.bundles) == (True, 1, 1, ("ab",))
    assert (second.is_keep, second.hits, second.is_whole) == (False, 36, True)
    assert second.seconds == pytest.approx(20.0, abs=0.2)
    assert second.answers == len(Replay(journal).machine)
    assert find_takes(found) == (found, 1)
    keep.unlink()
    assert find_takes(found)[0] == [second]


def test_a_take_that_was_cut_off_is_told_so(tmp_path: Path) -> None:
    record(tmp_path)
    path = tmp_path / "take.jsonl"
    path.write_bytes(path.read_bytes()[:-40])
    assert not summarise(path).is_whole


def test_a_keep_is_a_take_of_two_turns() -> None:
    keep = kept()
    replay = Replay(take_of(keep))
    states = [replay.at(beat).state for beat in (0.0, 4.0, 12.0)]
    assert states == [State.COUNT_IN, State.LISTENING, State.ANSWERING]
    assert replay.human[0].phrase == HUMAN
    assert replay.machine[0].phrase.notes[1:] == keep.machine.notes[1:]  # type: ignore[union-attr]
    way = replay.trajectories(replay.beats, keep.bundle)
    assert (way.human, way.machine) == ((keep.z_human,), (keep.z_machine,))
    assert way.links == ((0, 0),)
    assert [track.name for track in midi_of(take_of(keep)).tracks] == ["human", "machine"]


def test_a_keep_of_one_player_alone_is_a_take_too() -> None:
    keep = Keep(when=1e9, tempo=90.0, human=HUMAN, machine=None)
    replay = Replay(take_of(keep))
    assert (len(replay.human), len(replay.machine), replay.beats) == (1, 0, 12.0)


def test_what_is_neither_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    for name, words in (("x.json", "not a keep"), ("y.json", "cannot"), ("y.jsonl", "cannot")):
        with pytest.raises(JournalError, match=words):
            read_take(tmp_path / name)
        with pytest.raises(JournalError, match=words):
            summarise(tmp_path / name)
