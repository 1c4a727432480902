"""What the model worker understands and what it tells.

Latent points travel as tuples of floats, frames as nested tuples ``(steps, features)``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, FiniteFloat, TypeAdapter

from fmvae_core.broker.protocol import Name, Token
from fmvae_core.ipc import Message
from fmvae_core.jam.messages import Answer, AnswerRequest
from fmvae_core.live.messages import Tempo
from fmvae_core.music.phrase import Phrase

Latent = tuple[float, ...]
FrameRows = tuple[tuple[float, ...], ...]
AttributeValues = dict[str, float]


# --- to the model worker ------------------------------------------------------------------------


class OpenBundle(Message):
    """Load a bundle's networks; answered by `BundleReady` or `WorkerProblem`."""

    kind: Literal["open_bundle"] = "open_bundle"
    path: str


class Realise(Message):
    """Decode a latent point after moving it along attribute vectors.

    Parameters
    ----------
    revision
        Grows with every request; only the newest waiting one is answered.
    z
        The point to start from.
    asks
        Wanted change of each attribute against what ``z`` decodes to (density in hits, velocity
        0 to 1, offset -1 to 1). The worker looks along each attribute's vector for the steps whose
        decoded changes are nearest together; an ask of 0 holds an attribute while others move.
    tempo
        Of the phrase that comes back.
    deliver
        Whether the phrase also goes straight to the engine.
    """

    kind: Literal["realise"] = "realise"
    revision: int
    z: Latent
    asks: AttributeValues = {}
    tempo: Tempo = 120.0
    deliver: bool = True


class PlayLandmark(Message):
    """Ask for a landmark as the drummer played it (its source file must be in the cache)."""

    kind: Literal["play_landmark"] = "play_landmark"
    revision: int
    landmark: int
    tempo: Tempo | None = None
    deliver: bool = True


class DecodeJourney(Message):
    """Decode points along the way from ``a`` to ``b`` (thumbnails and step-change strip)."""

    kind: Literal["decode_journey"] = "decode_journey"
    revision: int
    a: Latent
    b: Latent
    points: int = Field(default=7, ge=2, le=64)
    method: Literal["lerp", "slerp"] = "lerp"


class EncodePhrase(Message):
    """Ask for the posterior mean of a phrase (for example, of a MIDI file dropped on the map)."""

    kind: Literal["encode_phrase"] = "encode_phrase"
    revision: int
    phrase: Phrase
    drum_map: str = "roland-td-11"


class SetBroker(Message):
    """Join a broker: its model answers in a jam where that comes in time, else the own one does.

    Parameters
    ----------
    url
        ``ws://`` or ``wss://``; empty to leave the broker.
    token
        The broker's, if it wants one.
    name, room
        Who we are there, and with whom we play.
    """

    kind: Literal["set_broker"] = "set_broker"
    url: str = Field(default="", pattern=r"^(wss?://[^\s/]+.*)?$")
    token: Token = ""
    name: Name = "Flatjam"
    room: Name = "main"


class QuitWorker(Message):
    """End the model worker."""

    kind: Literal["quit_worker"] = "quit_worker"


WorkerCommand = Annotated[
    OpenBundle
    | AnswerRequest
    | Realise
    | PlayLandmark
    | DecodeJourney
    | EncodePhrase
    | SetBroker
    | QuitWorker,
    Field(discriminator="kind"),
]
WORKER_COMMANDS: TypeAdapter[WorkerCommand] = TypeAdapter(WorkerCommand)


# --- from the model worker ----------------------------------------------------------------------


class BundleReady(Message):
    """A bundle's networks are loaded and warm."""

    kind: Literal["bundle_ready"] = "bundle_ready"
    path: str
    seconds: float


class WorkerProblem(Message):
    """A request that could not be met: what, and what to do, in words for the user.

    ``revision`` is that of the request, or the number of an `AnswerRequest`.
    """

    kind: Literal["worker_problem"] = "worker_problem"
    request: str
    revision: int = 0
    text: str
    remedy: str


class BrokerState(Message):
    """How things are with the broker of `SetBroker`; told at each change.

    Parameters
    ----------
    url
        Which broker.
    is_open
        Whether its model answers.
    text, remedy
        If not, why, and what to do; empty while that is not yet known.
    """

    kind: Literal["broker_state"] = "broker_state"
    url: str
    is_open: bool = False
    text: str = ""
    remedy: str = ""


class AdventureScale(Message):
    """Which sigma changes how many hits in the open bundle; told once that has been measured.

    Parameters
    ----------
    bundle
        SHA-256 of the bundle.
    hits
        Expected numbers of changed hits, rising from 0.
    sigmas
        The sigma of each, in units of z.
    """

    kind: Literal["adventure_scale"] = "adventure_scale"
    bundle: str
    hits: tuple[FiniteFloat, ...]
    sigmas: tuple[FiniteFloat, ...]


class Realised(Message):
    """The answer to `Realise`.

    Parameters
    ----------
    z
        The point after all moves; ``frames`` and ``phrase`` are what it decodes to.
    base, achieved
        Attributes of what the unmoved point decodes to, and of ``frames``.
    reach
        For each asked attribute, the lowest and highest change that its vector can give from here.
        An attribute whose ask was met without moving has no entry.
    """

    kind: Literal["realised"] = "realised"
    revision: int
    z: Latent
    frames: FrameRows
    phrase: Phrase
    base: AttributeValues
    achieved: AttributeValues
    reach: dict[str, tuple[float, float]] = {}


class LandmarkPlayed(Message):
    """The answer to `PlayLandmark`: the phrase as played, and its frames."""

    kind: Literal["landmark_played"] = "landmark_played"
    revision: int
    landmark: int
    phrase: Phrase
    frames: FrameRows


class JourneyDecoded(Message):
    """The answer to `DecodeJourney`: each point's frames, and changed hits between neighbours."""

    kind: Literal["journey_decoded"] = "journey_decoded"
    revision: int
    frames: tuple[FrameRows, ...]
    changes: tuple[int, ...]


class PhraseEncoded(Message):
    """The answer to `EncodePhrase`."""

    kind: Literal["phrase_encoded"] = "phrase_encoded"
    revision: int
    z: Latent


WorkerEvent = Annotated[
    BundleReady
    | WorkerProblem
    | BrokerState
    | AdventureScale
    | Answer
    | Realised
    | LandmarkPlayed
    | JourneyDecoded
    | PhraseEncoded,
    Field(discriminator="kind"),
]
WORKER_EVENTS: TypeAdapter[WorkerEvent] = TypeAdapter(WorkerEvent)
