"""Running a model over many phrases, arrays outside and torch inside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from fmvae_core.models.recurrent_vae import RecurrentVAE
from fmvae_core.music.representation import Representation, representation

Array = npt.NDArray[np.float32]

_BATCH = 512


def device_of(model: RecurrentVAE) -> torch.device:
    """Return where a model computes."""
    return next(model.parameters()).device


def encode(model: RecurrentVAE, frames: Array) -> Array:
    """Return posterior means ``(n, d)`` of frames ``(n, steps, features)``."""
    device = device_of(model)
    with torch.inference_mode():
        parts = [
            model.encode(part.to(device))[0].cpu().numpy()
            for part in torch.from_numpy(frames).split(_BATCH)
        ]
    return np.concatenate(parts)


def decode(model: RecurrentVAE, z: Array) -> Array:
    """Return frames ``(n, steps, features)`` of points ``(n, d)``; hits are probabilities."""
    device = device_of(model)
    points = torch.from_numpy(np.ascontiguousarray(z, np.float32))
    with torch.inference_mode():
        parts = [
            model.decode_frames(part.to(device)).cpu().numpy() for part in points.split(_BATCH)
        ]
    return np.concatenate(parts)


def music_of(model: RecurrentVAE) -> Representation:
    """Return the representation of a model's phrases."""
    return representation(model.config.representation, model.config.bars)


@dataclass(frozen=True)
class Coding:
    """A model, and from which probability on its decoded onsets sound: what can be measured.

    Parameters
    ----------
    model
        In evaluation mode. It decodes deterministically, from posterior means.
    thresholds
        See `Representation.onsets`.
    """

    model: RecurrentVAE
    thresholds: Array

    @property
    def music(self) -> Representation:
        """How its phrases become frames."""
        return music_of(self.model)

    def encode(self, frames: Array) -> Array:
        """Return posterior means ``(n, d)`` of frames ``(n, steps, features)``."""
        return encode(self.model, frames)

    def decode(self, z: Array) -> Array:
        """Return frames ``(n, steps, features)`` of points ``(n, d)``, as they sound."""
        return decode(self.model, z)

    def onsets(self, z: Array) -> npt.NDArray[np.bool_]:
        """Return what begins to sound at points ``(n, d)``, ``(n, steps, voices)``."""
        return self.music.onsets(self.decode(z), self.thresholds)

    def attributes(self, z: Array) -> npt.NDArray[np.float64]:
        """Return the attributes of what is heard at points ``(n, d)``, ``(n, attributes)``."""
        return self.music.attributes(self.decode(z), self.thresholds)
