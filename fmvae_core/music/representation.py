"""How phrases become the model's frames and back: what every representation can do."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from fmvae_core.music.phrase import Phrase

Frames = npt.NDArray[np.float32]
"""The model's view of a phrase, ``(steps, features)``."""


class Representation(Protocol):
    """Phrases of a number of bars as frames ``(steps, features)``.

    Frames may hold probabilities; `thresholds` then say from which one an onset sounds (what they
    look like is the representation's own affair, and a bundle keeps them).
    """

    @property
    def name(self) -> str:
        """Key of the representation, as a bundle and a preset name it."""

    @property
    def bars(self) -> int:
        """Length of a phrase."""

    @property
    def steps(self) -> int:
        """Length of a phrase in sixteenths."""

    @property
    def features(self) -> int:
        """Numbers a step."""

    @property
    def voices(self) -> int:
        """What can begin to sound at a step: drums, or keys."""

    @property
    def attribute_names(self) -> tuple[str, ...]:
        """Names of the columns of `attributes`."""

    def encode(self, phrase: Phrase) -> Frames:
        """Return the frames ``(steps, features)`` of a phrase; of drums in Table 4's pitches.

        Raises
        ------
        ValueError
            If the phrase is of another kind or length.
        """

    def decode(
        self, frames: Frames, tempo: float = 120.0, thresholds: npt.ArrayLike = 0.5
    ) -> Phrase:
        """Return the phrase that frames ``(steps, features)`` stand for."""

    def onsets(self, frames: Frames, thresholds: npt.ArrayLike = 0.5) -> npt.NDArray[np.bool_]:
        """Return what begins to sound, ``(..., steps, voices)``, of ``(..., steps, features)``."""

    def attributes(
        self, frames: Frames, thresholds: npt.ArrayLike = 0.5
    ) -> npt.NDArray[np.float64]:
        """Return the attributes of phrases, ``(..., len(attribute_names))`` (section 4.3)."""


def representation(name: str, bars: int) -> Representation:
    """Return a representation by name.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    from fmvae_core.music.drum_representation import DrumRepresentation
    from fmvae_core.music.melody_representation import MelodyRepresentation

    if name == "drums":
        return DrumRepresentation(bars)
    if name == "melody":
        return MelodyRepresentation(bars)
    raise ValueError(f"there is no representation '{name}'; choose drums or melody")
