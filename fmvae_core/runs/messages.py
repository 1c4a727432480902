"""What the window asks of a process that prepares or publishes a run, and what it answers.

The process (``python -m fmvae_core.training.errands``) reads one errand as a line of JSON from
standard input, prints a line for each answer, and ends. Whoever wants no more of it kills it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class LookAtCorpus(_Message):
    """Wants `CorpusSeen`."""

    kind: Literal["look"] = "look"
    corpus: str
    data: Path | None = None
    representation: Literal["drums", "melody", "motion"]
    bars: int
    drum_map: str


class MeasureRun(_Message):
    """Wants `RunMeasured`: a few steps of the run whose record this is."""

    kind: Literal["measure"] = "measure"
    record: dict[str, Any]
    folder: Path


class MakeBundle(_Message):
    """Wants `BundleMade` of the run's last checkpoint."""

    kind: Literal["bundle"] = "bundle"
    run: Path
    out: Path
    name: str


class ListenToRun(_Message):
    """Wants `RunHeard`: what the run's newest checkpoint makes of two phrases.

    Parameters
    ----------
    seed
        Which two.
    steps
        Phrases of the way from one to the other, both ends included.
    """

    kind: Literal["listen"] = "listen"
    run: Path
    seed: int = 0
    steps: int = Field(default=8, ge=3, le=16)


class LookAtHardware(_Message):
    """Wants `HardwareSeen`."""

    kind: Literal["hardware"] = "hardware"


Errand = Annotated[
    LookAtCorpus | LookAtHardware | MeasureRun | MakeBundle | ListenToRun,
    Field(discriminator="kind"),
]
ERRANDS: TypeAdapter[Errand] = TypeAdapter(Errand)


class Going(_Message):
    """What is being done, and how far it is where that is known."""

    kind: Literal["going"] = "going"
    stage: str
    done: int = 0
    total: int = 0


class CorpusSeen(_Message):
    """What a corpus holds; see `fmvae_core.data.preview.Preview`."""

    kind: Literal["seen"] = "seen"
    pieces: int
    phrases: dict[str, int]
    skipped: dict[str, int]
    left_out: tuple[tuple[str, str], ...]
    warning: str
    problem: str
    licence: str


class HardwareSeen(_Message):
    """The GPUs of this machine in words; see `fmvae_core.training.devices`."""

    kind: Literal["hardware_seen"] = "hardware_seen"
    text: str
    has_usable_gpu: bool


class RunMeasured(_Message):
    """What a run will take.

    Parameters
    ----------
    seconds
        Of the whole run.
    seconds_per_step
        Once flatness is on.
    memory, disk, free
        Bytes: of the process or the GPU, of the run's folder, and that the disk has.
    phrases, parameters, batch_size
        Of training, trained weights, and the batch that fits the corpus.
    device
        In words.
    """

    kind: Literal["measured"] = "measured"
    seconds: float
    seconds_per_step: float
    memory: int
    disk: int
    free: int
    phrases: int
    parameters: int
    batch_size: int
    device: str


class BundleMade(_Message):
    """The bundle is there."""

    kind: Literal["made"] = "made"
    path: Path


HeardFrames = tuple[tuple[tuple[float, ...], ...], ...]
"""Phrases as frames ``(n, steps, features)``."""


class RunHeard(_Message):
    """What a checkpoint makes of two phrases.

    Parameters
    ----------
    step
        Of the checkpoint.
    representation, bars
        How frames become phrases.
    thresholds
        See `fmvae_core.music.representation.Representation`.
    names, tempi
        Of the two phrases.
    is_unseen
        Whether the run does not learn from them.
    played, modelled
        Both as played, and as the model gives them back.
    way
        Phrases at even distances on the straight line from one to the other.
    """

    kind: Literal["heard"] = "heard"
    step: int
    representation: Literal["drums", "melody"]
    bars: int
    thresholds: tuple[float, ...]
    names: tuple[str, str]
    tempi: tuple[float, float]
    is_unseen: bool
    played: HeardFrames
    modelled: HeardFrames
    way: HeardFrames


class NotDone(_Message):
    """Why it could not be done, and what to do."""

    kind: Literal["not_done"] = "not_done"
    reason: str


Answer = Annotated[
    Going | CorpusSeen | HardwareSeen | RunMeasured | BundleMade | RunHeard | NotDone,
    Field(discriminator="kind"),
]
ANSWERS: TypeAdapter[Answer] = TypeAdapter(Answer)
