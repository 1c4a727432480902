"""A request and its answer survive the wire, and impossible settings are refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from fmvae_core.jam.messages import Answer, AnswerRequest, Partner
from fmvae_core.music.phrase import Note, Phrase

PHRASE = Phrase((Note(-0.1, 36, 100), Note(1.02, 38, 64)), 2, 140.0)


def test_a_request_survives_the_wire() -> None:
    request = AnswerRequest(
        number=7,
        phrase=PHRASE,
        is_final=False,
        seed=12,
        partner=Partner(adventure=3.5, anchor=(0.25, -1.0), pull=0.5, asks={"density": 4.0}),
        before=(0.1, 0.2),
        recent=(PHRASE.at_tempo(90.0),),
    )
    assert AnswerRequest.model_validate_json(request.model_dump_json()) == request


def test_an_answer_survives_the_wire() -> None:
    answer = Answer(
        number=7,
        phrase=PHRASE,
        z_human=None,
        z_machine=(0.1, 0.2),
        heard=((0, 0), (4, 1)),
        sigma=0.3,
        changed_hits=5,
        bundle="ab",
        milliseconds=11.5,
    )
    assert Answer.model_validate_json(answer.model_dump_json()) == answer


@pytest.mark.parametrize(
    "settings",
    [
        {"adventure": -1.0},
        {"adventure": float("nan")},
        {"pull": 1.1},
        {"momentum": 3.0},
        {"anchor": (0.0, float("inf"))},
        {"asks": {"density": float("nan")}},
        {"sigma": 1.0},
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Partner.model_validate(settings)


def test_no_more_answers_are_carried_than_are_compared() -> None:
    with pytest.raises(ValidationError):
        AnswerRequest(number=1, phrase=PHRASE, is_final=True, seed=0, recent=(PHRASE,) * 5)
