"""A journal that is played again gives the same events; one that was changed does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings

from fmvae_core.jam.check import answer_differences, differences
from fmvae_core.jam.journal import Journal
from fmvae_core.jam.messages import Answer, AnswerRequest
from fmvae_core.jam.records import Answered, AnyRecord, Asked, HumanHit, Played, TurnSet
from fmvae_core.jam.rules import How
from fmvae_core.music.phrase import Note, Phrase
from tests.fmvae_core.jam.recordings import Plan, plans, record


@given(plan=plans)
@settings(max_examples=40)
def test_whatever_happens_in_a_jam_its_journal_gives_the_same_events(
    tmp_path_factory: pytest.TempPathFactory, plan: Plan
) -> None:
    journal = record(tmp_path_factory.mktemp("take"), plan)
    assert list(differences(journal)) == []


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Journal:
    journal = record(tmp_path_factory.mktemp("take"))
    assert sum(isinstance(each, Played) for each in journal.records) > 3
    return journal


def _first(kind: type[AnyRecord], journal: Journal) -> int:
    return next(i for i, each in enumerate(journal.records) if isinstance(each, kind))


def changed(
    journal: Journal, kind: type[AnyRecord], change: Callable[[AnyRecord], AnyRecord | None]
) -> Journal:
    """Return the journal with its first record of a kind changed, or left out."""
    records = list(journal.records)
    index = _first(kind, journal)
    new = change(records[index])
    records[index : index + 1] = [] if new is None else [new]
    return replace(journal, records=tuple(records))


def with_fields(**fields: object) -> Callable[[AnyRecord], AnyRecord]:
    return lambda each: each.model_copy(update=fields)


@pytest.mark.parametrize(
    ("kind", "change", "words"),
    [
        (HumanHit, with_fields(velocity=17), "differs in phrase"),
        (HumanHit, with_fields(turn=None), "belongs to turn 0"),
        (HumanHit, lambda each: None, "differs in phrase"),
        (TurnSet, with_fields(start=5.0), "the turn is"),
        (Asked, lambda each: None, "differs|nothing is asked"),
        (Played, with_fields(how=How.HELD), "held"),
        (Played, with_fields(number=1), "not 1"),
        (Played, lambda each: None, "turn|differs"),
    ],
)
def test_a_change_of_the_journal_is_found(
    take: Journal,
    kind: type[AnyRecord],
    change: Callable[[AnyRecord], AnyRecord | None],
    words: str,
) -> None:
    told = "\n".join(differences(changed(take, kind, change)))
    assert told
    assert any(word in told for word in words.split("|")), told


def test_a_missing_answer_is_found(take: Journal) -> None:
    number = next(each.number for each in take.records if isinstance(each, Played))
    records = [
        each
        for each in take.records
        if not isinstance(each, Answered) or each.answer.number != number
    ]
    assert f"not {number}" in next(differences(replace(take, records=tuple(records))))


def test_another_seed_is_found(take: Journal) -> None:
    head = take.head.model_copy(update={"seed": 4})
    assert "differs in seed" in next(differences(replace(take, head=head)))


def test_answers_are_given_again_and_compared(take: Journal) -> None:
    was = {r.answer.number: r.answer for r in take.records if isinstance(r, Answered)}

    def same(request: AnswerRequest) -> Answer:
        return was[request.number].model_copy(update={"milliseconds": 1.0})

    def other(request: AnswerRequest) -> Answer:
        phrase = Phrase((Note(0.0, 49, 90),), 1)
        return was[request.number].model_copy(update={"phrase": phrase})

    assert set(answer_differences(take, "x", same)) == {None}
    assert len(list(answer_differences(take, "x", same))) == len(was)
    assert all("hits are others" in str(each) for each in answer_differences(take, "x", other))
    assert list(answer_differences(take, "another model", same)) == []
