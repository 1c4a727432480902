"""What the process that fits UMAP is asked, and what it tells: one line of JSON each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from fmvae_core.ipc import Message

Stage = Literal["starting", "neighbours", "preparing", "epochs"]


class FitUmap(Message):
    """Fit a bundle's landmarks and write them to the cache.

    Parameters
    ----------
    bundle
        Folder of the bundle.
    sha256
        Of the bundle that was meant; another one in the same folder is refused.
    """

    kind: Literal["fit_umap"] = "fit_umap"
    bundle: Path
    sha256: str


class Fitting(Message):
    """How far it is.

    Parameters
    ----------
    stage
        What it does: loads its libraries, looks for neighbours, compiles and weighs, or moves the
        landmarks.
    done, total
        Epochs; 0 before the last stage, where nobody knows.
    """

    kind: Literal["fitting"] = "fitting"
    stage: Stage
    done: int = 0
    total: int = 0


class Fitted(Message):
    """It is in the cache."""

    kind: Literal["fitted"] = "fitted"


class NotFitted(Message):
    """It cannot be done: why, and what to do."""

    kind: Literal["not_fitted"] = "not_fitted"
    reason: str


FitEvent = Annotated[Fitting | Fitted | NotFitted, Field(discriminator="kind")]
FIT_EVENTS: TypeAdapter[FitEvent] = TypeAdapter(FitEvent)
