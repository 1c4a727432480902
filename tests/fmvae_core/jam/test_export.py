"""A take as a MIDI file: what both played, where and when they played it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fmvae_core.jam.export import midi_of, write_midi_of
from fmvae_core.jam.journal import Journal
from fmvae_core.jam.records import Answered, AnyRecord, End, HumanHit, Played, TempoSet
from fmvae_core.jam.rules import How
from fmvae_core.music.midi_file import read_midi
from tests.fmvae_core.jam.test_journal import ANSWER, HEAD


def hit(beat: float, drum: int = 1, velocity: int = 90) -> HumanHit:
    return HumanHit(time=1.0, wall=1e9, beat=beat, drum=drum, velocity=velocity)


def journal(*records: AnyRecord) -> Journal:
    return Journal(HEAD, records, is_cut=False)


ANSWERED = Answered(time=2.0, wall=1e9, answer=ANSWER)


def played(start: float, turn: int = 1, number: int | None = 1) -> Played:
    how = How.FINAL if number else How.SILENT
    return Played(time=2, wall=1e9, turn=turn, start=start, bars=2, number=number, how=how)


def test_two_tracks_with_all_that_was_played(tmp_path: Path) -> None:
    take = journal(
        hit(4.0, 0, 100),
        hit(5.02),
        ANSWERED,
        played(12.0),
        hit(19.97, 0, 70),
        TempoSet(time=2, wall=1e9, beat=20.0, tempo=90.0),
        played(28.0, turn=3, number=None),
    )
    path = tmp_path / "take.mid"
    write_midi_of(take, path)
    file = midi_of(take)
    assert [track.name for track in file.tracks] == ["human", "machine"]
    human, machine = (read_midi(path, track=track) for track in (1, 2))
    assert human.is_drums
    assert [(note.pitch, note.velocity) for note in human.notes] == [(36, 100), (38, 90), (36, 70)]
    assert [note.onset for note in human.notes] == pytest.approx([4.0, 5.02, 19.97], abs=1 / 480)
    # The early first hit of the answer was played on the downbeat.
    assert [(note.onset, note.pitch) for note in machine.notes] == [(12.0, 36), (13.0, 38)]
    assert human.tempo == pytest.approx(120)
    tempi = [message.tempo for message in file.tracks[0] if message.type == "set_tempo"]
    assert tempi == [500_000, 666_667]


def test_what_was_not_played_before_the_stop_is_not_written() -> None:
    take = journal(hit(4.0), ANSWERED, played(12.0), End(time=3, wall=1e9, beat=12.5))
    ons = [message for message in midi_of(take).tracks[1] if message.type == "note_on"]
    assert [message.note for message in ons] == [36]


def test_a_roll_has_as_many_ends_as_beginnings_and_none_is_cut() -> None:
    take = journal(*(hit(4.0 + index / 16) for index in range(8)))
    notes = [m for m in midi_of(take).tracks[0] if m.type in ("note_on", "note_off")]
    assert [message.type for message in notes] == ["note_on", "note_off"] * 8


def test_an_answer_is_written_each_time_it_is_played() -> None:
    take = journal(ANSWERED, played(12.0), played(20.0, turn=2))
    ons = [message for message in midi_of(take).tracks[1] if message.type == "note_on"]
    assert [message.note for message in ons] == [36, 38] * 2


def test_a_take_without_a_note_is_a_file_all_the_same(tmp_path: Path) -> None:
    write_midi_of(journal(), tmp_path / "take.mid")
    assert len(midi_of(journal()).tracks) == 2
    assert (tmp_path / "take.mid").stat().st_size > 0
