"""What the broker, its players and its models say to one another (section 4.4, figure 5).

Each message is one WebSocket text frame: a JSON object whose field ``kind`` names it. Fields that
are not known are refused. `VERSION` grows with every change that an older client would notice;
docs/broker.md tells the same in tables, docs/broker.schema.json as JSON Schema.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from fmvae_core.ipc import Message
from fmvae_core.jam.messages import Answer, AnswerRequest
from fmvae_core.music.phrase import Phrase

VERSION = 1
DEFAULT_PORT = 8735
DEFAULT_OSC_PORT = 8736

Name = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[\w .'-]+$")]
"""Of a player, a model or a room: letters, digits, and a few signs."""
Token = Annotated[str, Field(max_length=200)]


class ModelInfo(BaseModel):
    """Which model answers.

    Parameters
    ----------
    title
        Name of its bundle.
    bundle
        SHA-256 of it: answers of the same bundle to the same request are the same.
    bars
        Length of its phrases.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Name
    bundle: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bars: int = Field(ge=1, le=64)


# --- to the broker ------------------------------------------------------------------------------


class Join(Message):
    """The first message of a player; answered by `Welcome`.

    Parameters
    ----------
    version
        Of the protocol.
    name
        Shown to others.
    room
        Those who are in one room hear each other's final answers.
    token
        The broker's, if it wants one.
    """

    kind: Literal["join"] = "join"
    version: int
    name: Name = "player"
    room: Name = "main"
    token: Token = ""


class Serve(Message):
    """The first message of a model; answered by `Welcome`. A model always needs the token."""

    kind: Literal["serve"] = "serve"
    version: int
    name: Name = "model"
    token: Token
    model: ModelInfo


class Ask(Message):
    """A player wants an answer; answered by `Answered` or `Declined`.

    Only the newest request of a player that waits is answered.
    """

    kind: Literal["ask"] = "ask"
    request: AnswerRequest


class Reply(Message):
    """A model's answer to `Work`."""

    kind: Literal["reply"] = "reply"
    job: int
    answer: Answer


class Decline(Message):
    """What kept a model from answering `Work`."""

    kind: Literal["decline"] = "decline"
    job: int
    text: str = Field(max_length=500)
    remedy: str = Field(max_length=500)


# --- from the broker ----------------------------------------------------------------------------


class Welcome(Message):
    """The answer to `Join` and `Serve`.

    Parameters
    ----------
    player
        Number by which others hear of this client.
    model
        Which model answers; none if none is there.
    """

    kind: Literal["welcome"] = "welcome"
    version: int = VERSION
    player: int
    model: ModelInfo | None


class ModelChanged(Message):
    """To players: the first model has come, or the last one has gone."""

    kind: Literal["model_changed"] = "model_changed"
    model: ModelInfo | None


class Answered(Message):
    """The answer to `Ask`."""

    kind: Literal["answered"] = "answered"
    answer: Answer


class Declined(Message):
    """There is no answer to the request of this number: why, and what to do."""

    kind: Literal["declined"] = "declined"
    number: int
    text: str
    remedy: str


class Heard(Message):
    """To the others in a room: what a player has played, and the final answer to it."""

    kind: Literal["heard"] = "heard"
    player: int
    name: Name
    phrase: Phrase
    answer: Answer


class Work(Message):
    """To a model: answer this; with `Reply` or `Decline`, and the same ``job``."""

    kind: Literal["work"] = "work"
    job: int
    request: AnswerRequest


class Problem(Message):
    """Something a client has sent is wrong: what, and what to do.

    ``is_end`` tells that the broker hangs up.
    """

    kind: Literal["problem"] = "problem"
    text: str
    remedy: str
    is_end: bool = False


Hello = Annotated[Join | Serve, Field(discriminator="kind")]
ToBroker = Annotated[Join | Serve | Ask | Reply | Decline, Field(discriminator="kind")]
FromBroker = Annotated[
    Welcome | ModelChanged | Answered | Declined | Heard | Work | Problem,
    Field(discriminator="kind"),
]
HELLO: TypeAdapter[Hello] = TypeAdapter(Hello)
TO_BROKER: TypeAdapter[ToBroker] = TypeAdapter(ToBroker)
FROM_BROKER: TypeAdapter[FromBroker] = TypeAdapter(FromBroker)


def schema() -> str:
    """Return the JSON Schema of all messages, as text; docs/broker.schema.json holds it."""
    both: TypeAdapter[Any] = TypeAdapter(ToBroker | FromBroker)
    named = {"title": f"Flatjam broker, version {VERSION}", **both.json_schema()}
    return json.dumps(named, indent=1, ensure_ascii=False) + "\n"


def explain(error: ValidationError) -> str:
    """Return the first thing that is wrong with a message, in a line."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where or 'message'}: {first['msg']}"[:300]
