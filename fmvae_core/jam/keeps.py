"""Keeps: the last phrases of both players, saved as bookmarks at any moment of a jam.

Each is a small JSON file of its own in the user's data folder, so that one can be copied, sent or
thrown away by itself.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from fmvae_core.files import data_dir, replacing
from fmvae_core.jam.messages import Answer, Point
from fmvae_core.music.phrase import Phrase


class Keep(BaseModel):
    """What was kept. At least one of the two phrases is there.

    Parameters
    ----------
    when
        Seconds since 1970.
    tempo
        Beats a minute.
    human, machine
        The human's last complete phrase, and what the machine began to play last.
    z_human, z_machine
        Their latent points; none where there is no phrase, or no point of it was told.
    bundle
        SHA-256 of the model whose points these are; empty where none has answered.
    sigma, seed
        Of the draw that gave the machine's phrase.
    take
        Name of the take's journal without its ending; empty where there was none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["flatjam-keep"] = "flatjam-keep"
    version: Literal[1] = 1
    when: float
    tempo: float = Field(gt=0)
    human: Phrase | None
    machine: Phrase | None
    z_human: Point | None = None
    z_machine: Point | None = None
    bundle: str = ""
    sigma: float | None = None
    seed: int | None = None
    take: str = ""

    @model_validator(mode="after")
    def _has_a_phrase(self) -> Self:
        if self.human is None and self.machine is None:
            raise ValueError("neither player has a phrase")
        return self


@dataclass(frozen=True)
class LastPhrases:
    """What both players have played last. Immutable: each method returns what is so then.

    Parameters
    ----------
    request
        Number of the request that asked for an answer to the human's phrase.
    human, machine
        The phrases.
    z_human
        The human's point; none until the request has been answered.
    answer, seed
        What the machine's phrase came from, and the seed of its request.
    """

    request: int | None = None
    human: Phrase | None = None
    z_human: Point | None = None
    machine: Phrase | None = None
    answer: Answer | None = None
    seed: int | None = None

    def heard(self, request: int, phrase: Phrase) -> LastPhrases:
        """Take the human's complete phrase, and the number of the request that holds it."""
        return replace(self, request=request, human=phrase, z_human=None)

    def answered(self, answer: Answer) -> LastPhrases:
        """Take an answer that came: it tells where the human's phrase lies."""
        if answer.number != self.request:
            return self
        return replace(self, z_human=answer.z_human)

    def played(self, answer: Answer, phrase: Phrase, seed: int | None) -> LastPhrases:
        """Take what the machine begins to play; ``seed`` is None where it plays it once more."""
        seed = self.seed if seed is None else seed
        return replace(self, machine=phrase, answer=answer, seed=seed)

    def keep(self, when: float, tempo: float, take: str) -> Keep:
        """Return both as they are now.

        Raises
        ------
        ValueError
            If nothing has been played yet; says what to do.
        """
        if self.human is None and self.machine is None:
            raise ValueError(
                "nothing has been played yet that could be kept; play a phrase to its end first"
            )
        answer = self.answer
        return Keep(
            when=when,
            tempo=tempo,
            human=self.human,
            machine=self.machine,
            z_human=self.z_human,
            z_machine=None if answer is None else answer.z_machine,
            bundle="" if answer is None else answer.bundle,
            sigma=None if answer is None else answer.sigma,
            seed=self.seed,
            take=take,
        )


def keeps_dir() -> Path:
    """Return the folder that keeps are saved to; it may not be there yet."""
    return data_dir() / "keeps"


def save_keep(keep: Keep, folder: Path | None = None) -> Path:
    """Write a keep to a file of its own and return its path; nothing is ever overwritten.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    folder = keeps_dir() if folder is None else folder
    stem = f"{datetime.fromtimestamp(keep.when):%Y-%m-%d %H-%M-%S}"
    path = folder / f"{stem}.json"
    number = 2
    while path.exists():
        path = folder / f"{stem} {number}.json"
        number += 1
    with replacing(path) as scratch:
        scratch.write_text(keep.model_dump_json(), "utf-8")
    return path


@dataclass(frozen=True)
class SavedKeep:
    """A keep, and the file that holds it."""

    path: Path
    keep: Keep


def read_keeps(folder: str | os.PathLike[str] | None = None) -> tuple[Sequence[SavedKeep], int]:
    """Return the keeps of a folder, the newest first, and how many files could not be read."""
    found = []
    bad = 0
    for path in (keeps_dir() if folder is None else Path(folder)).glob("*.json"):
        try:
            found.append(SavedKeep(path, Keep.model_validate_json(path.read_bytes())))
        except (OSError, ValidationError):
            bad += 1
    found.sort(key=lambda saved: (saved.keep.when, saved.path.name), reverse=True)
    return found, bad
