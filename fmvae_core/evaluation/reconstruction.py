"""How well a model gives back what it was given."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fmvae_core.music.drum_representation import HITS, OFFSETS, VELOCITIES
from fmvae_core.music.drums import DRUMS
from fmvae_core.music.representation import Representation

Array = npt.NDArray[np.float32]

_CANDIDATES = np.arange(0.10, 0.91, 0.02)


MIN_PIECES = 20
"""Pieces from which on thresholds are found on them.

Measured on the first shipped model with random splits of what it had not learnt: thresholds found
on five pieces cost 0.4 to 2.7 points of F1 on others, while 0.5 for all drums costs 0.2 to 0.9.
"""


def thresholds_for(
    music: Representation,
    frames: Array,
    decoded: Array,
    pieces: int,
    otherwise: npt.ArrayLike = 0.5,
) -> npt.NDArray[np.float32]:
    """Return the thresholds of a model; melodies have none.

    Parameters
    ----------
    music
        The phrases' representation.
    frames, decoded
        Validation phrases ``(n, steps, features)``, as played and as decoded.
    pieces
        How many pieces they are of.
    otherwise
        What to take where these are fewer than `MIN_PIECES`: one for all drums or ``(9,)``.
    """
    if music.name != "drums":
        return np.zeros(0, np.float32)
    if pieces < MIN_PIECES:
        return np.full(len(DRUMS), otherwise, np.float32)
    return hit_thresholds(frames, decoded)


def hit_thresholds(frames: Array, decoded: Array) -> npt.NDArray[np.float32]:
    """Return for each drum the probability from which a hit should sound, ``(9,)``.

    Together they give the highest F1 over all hits on these phrases, which should be validation
    phrases. (Each drum's own best F1 would fill the music with false hits of the rarest drums.) The
    F1 is a ratio of sums over the drums, so Dinkelbach's iteration finds the best: each drum takes
    the threshold with the largest ``2 both - f1 * heard`` for the F1 reached so far. A drum that
    never sounds in these phrases keeps 0.5.

    Parameters
    ----------
    frames, decoded
        ``(n, steps, 27)``, as played and as decoded.
    """
    hits = (frames[..., HITS] > 0.5).reshape(-1, len(DRUMS))
    probabilities = decoded[..., HITS].reshape(-1, len(DRUMS))
    heard = [probabilities >= candidate for candidate in _CANDIDATES]
    said = np.stack([cells.sum(axis=0) for cells in heard])
    both = np.stack([(cells & hits).sum(axis=0) for cells in heard])
    true = hits.sum(axis=0)
    drums = np.arange(len(DRUMS))
    best, f1 = np.zeros(len(DRUMS), int), -1.0
    while True:
        chosen = np.argmax(2 * both - max(f1, 0.0) * said, axis=0)
        reached = 2 * both[chosen, drums].sum() / max(1, said[chosen, drums].sum() + true.sum())
        if reached <= f1:
            break
        best, f1 = chosen, float(reached)
    return np.where(true > 0, _CANDIDATES[best], 0.5).astype(np.float32)


def reconstruction(
    music: Representation, frames: Array, decoded: Array, thresholds: npt.ArrayLike = 0.5
) -> dict[str, Any]:
    """Return how many onsets and what else is given back.

    Parameters
    ----------
    music
        The phrases' representation.
    frames, decoded
        ``(n, steps, features)``, as played and as decoded.
    thresholds
        See `Representation.onsets`.

    Returns
    -------
    figures
        ``hit_f1``, ``hit_precision`` and ``hit_recall`` count onsets: hits of drums, note-ons of
        melodies (right only at the right step and pitch).

        Drums: ``hit_error`` is the share of wrong cells. ``velocity_mse`` (velocities 0 to 1) and
        ``offset_mse`` (offsets -1 to 1, in half steps) run over all cells: a played cell without a
        hit counts as 0, and a decoded cell as its probability of a hit times its value.
        ``*_mse_hits`` run over true hits only, as if each of them were decoded. ``drums`` holds the
        figures of hits per drum.

        Melodies: ``wrong_frames`` is the share of steps whose event is not the one played.
    """
    hits, heard = music.onsets(frames), music.onsets(decoded, thresholds)
    f1, precision, recall = _rates(hits, heard)
    figures: dict[str, Any] = {
        "hit_f1": f1,
        "hit_precision": precision,
        "hit_recall": recall,
        "phrases": len(frames),
    }
    if music.name == "drums":
        return figures | _of_drums(frames, decoded, hits, heard)
    return figures | {
        "wrong_frames": float((frames.argmax(axis=-1) != decoded.argmax(axis=-1)).mean())
    }


def _of_drums(
    frames: Array, decoded: Array, hits: npt.NDArray[np.bool_], heard: npt.NDArray[np.bool_]
) -> dict[str, Any]:
    figures: dict[str, Any] = {"hit_error": float((hits != heard).mean())}
    for name, part in (("velocity", VELOCITIES), ("offset", OFFSETS)):
        expected = decoded[..., HITS] * decoded[..., part]
        figures[f"{name}_mse"] = _mean_square(expected - frames[..., part])
        figures[f"{name}_mse_hits"] = _mean_square((decoded[..., part] - frames[..., part])[hits])
    figures["drums"] = {}
    for index, drum in enumerate(DRUMS):
        f1, precision, recall = _rates(hits[..., index], heard[..., index])
        figures["drums"][drum.key] = {
            "hit_f1": f1,
            "hit_precision": precision,
            "hit_recall": recall,
            "hit_error": float((hits[..., index] != heard[..., index]).mean()),
        }
    return figures


def _mean_square(errors: Array) -> float:
    return float(np.square(errors, dtype=np.float64).mean()) if errors.size else 0.0


def _rates(hits: npt.NDArray[np.bool_], heard: npt.NDArray[np.bool_]) -> tuple[float, float, float]:
    both = int((hits & heard).sum())
    true, said = int(hits.sum()), int(heard.sum())
    precision = both / said if said else 0.0
    recall = both / true if true else 0.0
    return 2 * both / (true + said) if true + said else 0.0, precision, recall
