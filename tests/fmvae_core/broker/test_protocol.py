from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel, ValidationError

from fmvae_core.broker.protocol import (
    TO_BROKER,
    FromBroker,
    ModelInfo,
    ToBroker,
    explain,
    schema,
)
from fmvae_core.jam.messages import Answer, AnswerRequest, Partner

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_the_documented_schema_is_the_one_that_is_spoken() -> None:
    assert (DOCS / "broker.schema.json").read_text("utf-8") == schema(), (
        "docs/broker.schema.json is not what fmvae_core.broker.protocol.schema() returns; "
        "where older clients would notice, VERSION has to grow too"
    )


@pytest.mark.parametrize("union", [ToBroker, FromBroker])
def test_every_message_and_field_is_in_the_tables(union: object) -> None:
    text = (DOCS / "broker.md").read_text("utf-8")
    for message in get_args(get_args(union)[0]):
        kind = message.model_fields["kind"].default
        assert f"`{kind}`" in text
        for name in set(message.model_fields) - {"kind"}:
            assert f"`{name}`" in text, (kind, name)


@pytest.mark.parametrize("model", [AnswerRequest, Answer, Partner, ModelInfo])
def test_every_field_of_what_messages_hold_is_in_the_tables(model: type[BaseModel]) -> None:
    text = (DOCS / "broker.md").read_text("utf-8")
    for name in set(model.model_fields) - {"kind"}:
        assert f"`{name}`" in text, name


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Invalid JSON"),
        ("[]", "message"),
        ('{"kind": "sing"}', "does not match any of the expected tags"),
        ('{"kind": "join", "version": 1, "name": "\\u001b[2J"}', "join.name"),
        ('{"kind": "join", "version": 1, "room": "main", "more": 1}', "join.more"),
        ('{"kind": "ask", "request": {"number": 1}}', "ask.request"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(text: str, says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TO_BROKER.validate_json(text)
    told = explain(caught.value)
    assert says in told
    assert "\n" not in told
    assert len(told) <= 300
