"""What the engine asks of the machine player, and the machine player's answer (section 4.4).

A request holds all that its answer depends on, so that a journal can have it answered again.
Phrases are of drums, in the pitches of Table 4, or melodies; latent points travel as tuples of
floats.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from fmvae_core.ipc import Message
from fmvae_core.music.phrase import Phrase

Point = tuple[FiniteFloat, ...]
Cell = tuple[int, int]
"""A step from 0, and an index into `fmvae_core.music.drums.DRUMS` or a key from 0 to 87."""

MOST_CHANGED_HITS = 32.0
LONGEST_MOMENTUM = 2.0
MOST_RECENT = 4
"""How many of its last answers the machine is held not to repeat."""

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Partner(BaseModel):
    """How the machine answers. All of it may change from one answer to the next.

    Parameters
    ----------
    adventure
        Expected number of hits in which an answer differs from the centre it is drawn around. The
        model worker knows the sigma of the Gaussian that gives it, for each bundle.
    anchor, pull
        A latent point, and the share of the way there by which the centre is moved (0 to 1).
    asks
        Change of each attribute by which the centre is moved further (density in hits, velocity 0
        to 1, offset -1 to 1, positive = later), to first order; an ask of 0 holds an attribute,
        and those that are left out go their own way.
    momentum
        How far the centre goes on beyond the human's point, in lengths of the human's last step.
    no_repeat
        Whether an answer has to differ from the machine's last ones.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    adventure: float = Field(default=6.0, ge=0.0, le=MOST_CHANGED_HITS)
    anchor: Point | None = None
    pull: Share = 0.0
    asks: dict[str, FiniteFloat] = {}
    momentum: float = Field(default=0.0, ge=0.0, le=LONGEST_MOMENTUM)
    no_repeat: bool = True


class NamedAnchor(BaseModel):
    """A latent point that answers can be pulled to, and what it is called.

    Parameters
    ----------
    name
        ``A``, ``B``, ``style:`` and a style, or ``landmark:`` and a number.
    z
        The point.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    z: Point


class AnswerRequest(Message):
    """Answer a human's phrase; answered by `Answer` or, with its number, by a `WorkerProblem`.

    Parameters
    ----------
    number
        Grows with every request; only the newest waiting one is answered.
    phrase
        What the human has played of the phrase so far, of the bundle's length. One without notes
        is answered around ``before``, the anchor, or a landmark that the seed picks: the first of
        these that is there. That is how the machine begins.
    is_final
        Whether the human's phrase is complete. Otherwise the answer is kept in case the final one
        comes too late.
    seed
        Of what is drawn. The same for all requests of one answer, so that the final one is near
        those prepared.
    partner
        How to answer.
    before
        The human's point of the phrase before, if there was one.
    recent
        The machine's last answers.
    within
        Seconds within which the answer has to come to be played. Nothing depends on it but how
        long another answer than the own model's is waited for, and when the model warms up.
    """

    kind: Literal["answer_request"] = "answer_request"
    number: int
    phrase: Phrase
    is_final: bool
    seed: int = Field(ge=0)
    partner: Partner = Partner()
    before: Point | None = None
    recent: tuple[Phrase, ...] = Field(default=(), max_length=MOST_RECENT)
    within: float = Field(default=0.0, ge=0.0)


class Answer(Message):
    """What the machine plays.

    Parameters
    ----------
    number
        Of the request.
    phrase
        The machine's, of the length and tempo of the human's.
    z_human
        Posterior mean of the human's phrase; none if that has no notes.
    z_machine
        What ``phrase`` was decoded from.
    heard
        The hits that the model heard the human play: those that ``z_human`` decodes to.
    sigma
        Of the Gaussian that was drawn from, in units of z.
    changed_hits
        Hits in which the answer differs from ``heard``.
    bundle
        SHA-256 of the model.
    milliseconds
        Spent on the answer by the model.
    broker
        Address of the broker whose model has answered; empty if it was the own one.
    """

    kind: Literal["answer"] = "answer"
    number: int
    phrase: Phrase
    z_human: Point | None
    z_machine: Point
    heard: tuple[Cell, ...]
    sigma: float
    changed_hits: int
    bundle: str
    milliseconds: float
    broker: str = ""
