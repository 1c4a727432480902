"""What was so at any beat of a take."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fmvae_core.jam.export import machine_notes
from fmvae_core.jam.journal import Journal
from fmvae_core.jam.records import HumanHit, Played
from fmvae_core.jam.replay import Replay
from fmvae_core.jam.rules import How, Mode, State
from tests.fmvae_core.jam.recordings import Plan, plans, record


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Journal:
    return record(tmp_path_factory.mktemp("take"), Plan(changes=((20.0, "faster"),)))


@pytest.fixture(scope="module")
def replay(journal: Journal) -> Replay:
    return Replay(journal)


def test_the_states_follow_one_another(replay: Replay) -> None:
    """A bar of count-in, then a bar each."""
    told = [(beat, replay.at(beat)) for beat in (-1.0, 0.0, 3.9, 4.0, 7.9, 8.0, 12.5)]
    assert [moment.state for _, moment in told] == [
        State.IDLE,
        State.COUNT_IN,
        State.COUNT_IN,
        State.LISTENING,
        State.LISTENING,
        State.ANSWERING,
        State.LISTENING,
    ]
    assert [moment.beat for _, moment in told[1:]] == [1, 4, 1, 4, 1, 1]
    assert replay.at(replay.beats).state is State.IDLE


def test_a_phrase_is_what_was_played_in_its_turn(replay: Replay) -> None:
    assert [passage.turn.number for passage in replay.human[:3]] == [0, 2, 4]
    assert [round(note.onset) for note in replay.human[0].phrase.notes] == [0, 1, 2, 3]
    assert replay.at(4.0).human == replay.human[0]
    assert replay.at(4.0).machine is None
    assert replay.at(8.0).machine == replay.machine[0]
    assert replay.machine[0].answers == 0


def test_points_are_known_when_they_were_and_linked_to_what_they_answer(replay: Replay) -> None:
    assert replay.trajectories(7.9, "x").human == ()
    first = replay.trajectories(8.0, "x")
    assert first.human == (replay.human[0].z,)
    assert first.machine == ((2.0,),)
    assert first.links == ((0, 0),)
    assert first.distances == (pytest.approx(abs(first.human[0][0] - 2.0)),)
    whole = replay.trajectories(replay.beats, "x")
    assert whole.links[:3] == ((0, 0), (1, 1), (2, 2))
    assert replay.trajectories(replay.beats, "another model").human == ()


def test_time_goes_at_the_tempo_of_the_moment(replay: Replay) -> None:
    assert replay.at(19.0).tempo == 120.0
    assert replay.at(30.0).tempo == 180.0
    assert replay.time(8.0) == pytest.approx(4.0)
    assert replay.time(30.0) - replay.time(24.0) == pytest.approx(2.0)
    assert replay.beat(replay.time(27.5)) == pytest.approx(27.5)


def test_what_is_played_once_more_is_no_new_point(tmp_path: Path) -> None:
    held = Replay(record(tmp_path, Plan(mode=Mode.HOLD)))
    assert How.HELD in {passage.how for passage in held.machine}
    points = held.trajectories(held.beats, "x").machine
    assert len(points) == sum(p.how in (How.FINAL, How.PREPARED) for p in held.machine)


def test_points_of_two_models_are_not_mixed(tmp_path: Path) -> None:
    replay = Replay(record(tmp_path, Plan(changes=((17.0, "bundle"),))))
    assert replay.bundles == ("x", "xy")
    counts = [len(replay.trajectories(replay.beats, each).machine) for each in replay.bundles]
    assert min(counts) > 0
    assert sum(counts) == len(replay.machine)


def test_a_journal_that_was_cut_off_ends_with_what_was_played_last(journal: Journal) -> None:
    cut = [i for i, record in enumerate(journal.records) if isinstance(record, Played)][1]
    replay = Replay(Journal(journal.head, journal.records[: cut + 1], is_cut=True))
    assert replay.beats == 20.0
    assert len(replay.machine) == 2


def test_a_take_without_anything_is_a_replay_all_the_same(journal: Journal) -> None:
    replay = Replay(Journal(journal.head, (), is_cut=False))
    assert (replay.beats, replay.human, replay.machine, replay.bundles) == (0.0, (), (), ())
    assert replay.at(0.0).state is State.IDLE


@given(plan=plans, beat=st.floats(-5.0, 60.0))
@settings(max_examples=25)
def test_at_every_beat_of_every_take(
    tmp_path_factory: pytest.TempPathFactory, plan: Plan, beat: float
) -> None:
    journal = record(tmp_path_factory.mktemp("take"), plan)
    replay = Replay(journal)
    listened = sum(isinstance(r, HumanHit) and r.turn is not None for r in journal.records)
    # A hit just before a turn that was never reached belongs to no passage.
    assert 0 <= listened - sum(len(passage.phrase.notes) for passage in replay.human) <= 2
    played = [note for passage in replay.machine for note in passage.phrase.notes]
    assert len(machine_notes(journal)) <= len(played)
    known = replay.trajectories(beat, "x")
    later = replay.trajectories(beat + 4.0, "x")
    assert later.human[: len(known.human)] == known.human
    assert later.links[: len(known.links)] == known.links
    moment = replay.at(beat)
    for passage in (moment.human, moment.machine):
        assert passage is None or passage.turn.start <= beat
    assert 1 <= moment.beat <= 4
