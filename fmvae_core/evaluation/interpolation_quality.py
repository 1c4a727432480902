"""How well phrases come back whose like was never learnt (section 4.2, Table 1)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fmvae_core.evaluation.coding import Array, Coding
from fmvae_core.music.drum_representation import HITS, OFFSETS, VELOCITIES

COLUMNS = {
    "drums": {"density": "hit_error", "velocity": "velocity_mse", "offset": "offset_mse"},
    "melody": {"density": "wrong_frames", "pitch": "wrong_frames"},
}
"""Which measure stands in Table 1 under the attribute that was held out, by representation."""

_STEPS_OF_OFFSET = 0.5  # a frame's offset of 1 is half a step


def interpolation_quality(coding: Coding, frames: Array) -> dict[str, dict[str, float]]:
    """Return the errors of phrases, mean and standard deviation over the phrases.

    The phrases should be those of the middle of an attribute's distribution, and the model one that
    was trained with `TrainingConfig.hold_out`.

    Parameters
    ----------
    frames
        ``(n, steps, features)``, as played.

    Returns
    -------
    figures
        Measure to ``mean`` and ``sd``. Drums: ``hit_error`` is the share of wrong cells out of 9
        drums times steps; ``velocity_mse`` (velocities 0 to 1) and ``offset_mse`` (offsets in steps
        of the grid, -0.5 to 0.5) run over all cells: a played cell without a hit counts as 0, a
        decoded cell as its probability of a hit times its value; ``*_mse_hits`` run over true hits
        only, as if each were decoded. Melodies: ``wrong_frames`` is the share of steps whose event
        is not the one played, N_f / N_s.
    """
    errors = phrase_errors(coding, frames)
    return {
        name: {"mean": float(values.mean()), "sd": float(values.std())}
        for name, values in errors.items()
    }


def phrase_errors(coding: Coding, frames: Array) -> dict[str, npt.NDArray[np.float64]]:
    """Return the errors of each phrase, measure to ``(n,)``; see `interpolation_quality`."""
    decoded = coding.decode(coding.encode(frames))
    if coding.music.name != "drums":
        wrong = frames.argmax(axis=-1) != decoded.argmax(axis=-1)
        return {"wrong_frames": wrong.mean(axis=-1)}
    hits = coding.music.onsets(frames)
    heard = coding.music.onsets(decoded, coding.thresholds)
    errors = {"hit_error": (hits != heard).mean(axis=(-2, -1))}
    for name, part, unit in (
        ("velocity", VELOCITIES, 1.0),
        ("offset", OFFSETS, _STEPS_OF_OFFSET),
    ):
        expected = decoded[..., HITS] * decoded[..., part]
        over_all = np.square(unit * (expected - frames[..., part]), dtype=np.float64)
        over_hits = np.square(unit * (decoded[..., part] - frames[..., part]), dtype=np.float64)
        errors[f"{name}_mse"] = over_all.mean(axis=(-2, -1))
        count = np.maximum(hits.sum(axis=(-2, -1)), 1)
        errors[f"{name}_mse_hits"] = (over_hits * hits).sum(axis=(-2, -1)) / count
    return errors
