"""What a journal holds: one record a line, in the order in which things happened.

Version 2, which added `Ticks`. Every record has ``time``, seconds of the engine's monotonic clock,
and ``wall``, seconds since 1970. Beats are those of the take, which begins with its count-in at
beat 0.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from fmvae_core.jam.messages import Answer, AnswerRequest, Partner
from fmvae_core.jam.rules import How, Settings
from fmvae_core.music.drums import DRUMS

VERSION = 2


class Record(BaseModel):
    """One thing that happened. Each subclass has a literal field ``kind`` that names it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    time: float
    wall: float


class Head(Record):
    """The first line: what the file is, and how the jam began.

    ``seed`` is that of the take; each request carries its own.
    """

    kind: Literal["head"] = "head"
    format: Literal["flatjam-journal"] = "flatjam-journal"
    version: int = VERSION
    settings: Settings
    partner: Partner
    tempo: float
    seed: int


class MidiEvent(Record):
    """A MIDI message that came in or went out, as its bytes; of clocks' ticks tell `Ticks`."""

    kind: Literal["midi"] = "midi"
    direction: Literal["in", "out"]
    port: str
    data: tuple[Annotated[int, Field(ge=0, le=255)], ...]


class Ticks(Record):
    """Ticks of a MIDI clock that came in or went out one after the other, the first at ``time``.

    Parameters
    ----------
    gaps
        Microseconds from each to the next. Those of a beat, or of most of a second, are together.
    """

    kind: Literal["ticks"] = "ticks"
    direction: Literal["in", "out"]
    port: str
    gaps: tuple[int, ...]

    @property
    def times(self) -> tuple[float, ...]:
        """When each tick was, in seconds."""
        return tuple(accumulate((gap * 1e-6 for gap in self.gaps), initial=self.time))


class HumanHit(Record):
    """A hit of the human's, latency of the input taken off.

    Parameters
    ----------
    beat
        When it was played.
    drum
        Index into `fmvae_core.music.drums.DRUMS`.
    velocity
        1 to 127.
    turn
        The turn whose phrase it belongs to; none where the machine was not listening to it (a
        landing, or a hit while only the machine plays).
    """

    kind: Literal["hit"] = "hit"
    beat: float
    drum: int = Field(ge=0, lt=len(DRUMS))
    velocity: int = Field(ge=1, le=127)
    turn: int | None = None


class HumanKey(Record):
    """A key that the human presses or lets go, latency of the input taken off.

    Parameters
    ----------
    beat
        When that was.
    pitch
        MIDI pitch.
    velocity
        1 to 127; 0 where it is let go.
    turn
        The turn whose phrase it belongs to; none where the machine was not listening to it, or it
        is let go.
    """

    kind: Literal["key"] = "key"
    beat: float
    pitch: int = Field(ge=0, le=127)
    velocity: int = Field(ge=0, le=127)
    turn: int | None = None


class TempoSet(Record):
    """The tempo from a beat on."""

    kind: Literal["tempo"] = "tempo"
    beat: float
    tempo: float = Field(gt=0)


class Changed(Record):
    """Settings and partner as they are wanted from now on."""

    kind: Literal["changed"] = "changed"
    settings: Settings
    partner: Partner


class TurnSet(Record):
    """A turn is settled, some time before it begins; see `fmvae_core.jam.rules.Turn`."""

    kind: Literal["turn"] = "turn"
    turn: int
    start: float
    bars: int = Field(ge=1)
    listens: bool
    answers: bool
    holds: bool = False


class Asked(Record):
    """A request for an answer, with all that its answer depends on.

    Parameters
    ----------
    beat
        Up to which all hits had been taken in.
    turn
        The turn whose phrase is to be answered; none where the machine begins.
    is_sent
        Whether anybody was there to answer.
    request
        The last one of a turn is final, and holds the human's whole phrase.
    """

    kind: Literal["asked"] = "asked"
    beat: float
    turn: int | None
    is_sent: bool
    request: AnswerRequest


class Answered(Record):
    """An answer of the model worker's, played or not."""

    kind: Literal["answered"] = "answered"
    answer: Answer


class Played(Record):
    """The machine begins to play the answer to a request.

    Parameters
    ----------
    turn, start, bars
        Number, first beat and length of the turn.
    number
        Of the request; none where the machine is silent.
    how
        Whether the answer is final, prepared, held, repeated or none.
    """

    kind: Literal["played"] = "played"
    turn: int
    start: float
    bars: int = Field(ge=1)
    number: int | None
    how: How


class Kept(Record):
    """The last phrases of both were kept, under a name."""

    kind: Literal["kept"] = "kept"
    name: str


class Trouble(Record):
    """Something went wrong."""

    kind: Literal["trouble"] = "trouble"
    text: str


class End(Record):
    """The take was stopped at a beat. A journal without it ended with its process."""

    kind: Literal["end"] = "end"
    beat: float


AnyRecord = Annotated[
    Head
    | MidiEvent
    | Ticks
    | HumanHit
    | HumanKey
    | TempoSet
    | Changed
    | TurnSet
    | Asked
    | Answered
    | Played
    | Kept
    | Trouble
    | End,
    Field(discriminator="kind"),
]
RECORDS: TypeAdapter[AnyRecord] = TypeAdapter(AnyRecord)
