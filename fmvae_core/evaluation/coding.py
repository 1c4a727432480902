"""Running a model over many phrases, arrays outside and torch inside."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from fmvae_core.models.fm_music_vae import FMMusicVAE

Array = npt.NDArray[np.float32]

_BATCH = 512


def encode(model: FMMusicVAE, frames: Array) -> Array:
    """Return posterior means ``(n, d)`` of frames ``(n, steps, features)``."""
    with torch.inference_mode():
        parts = [model.encode(part)[0].numpy() for part in torch.from_numpy(frames).split(_BATCH)]
    return np.concatenate(parts)


def decode(model: FMMusicVAE, z: Array) -> Array:
    """Return frames ``(n, steps, features)`` of points ``(n, d)``; hits are probabilities."""
    points = torch.from_numpy(np.ascontiguousarray(z, np.float32))
    with torch.inference_mode():
        parts = [model.decode_frames(part).numpy() for part in points.split(_BATCH)]
    return np.concatenate(parts)
