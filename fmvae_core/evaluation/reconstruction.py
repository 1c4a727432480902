"""How well a model gives back what it was given."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fmvae_core.music.drums import DRUMS
from fmvae_core.music.representation import HITS, OFFSETS, VELOCITIES

Array = npt.NDArray[np.float32]

_CANDIDATES = np.arange(0.10, 0.51, 0.02)


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
    frames: Array, decoded: Array, thresholds: npt.ArrayLike = 0.5
) -> dict[str, Any]:
    """Return hit F1, precision, recall and error, in all and per drum, and the errors of the rest.

    Parameters
    ----------
    frames, decoded
        ``(n, steps, 27)``, as played and as decoded.
    thresholds
        Probability from which a hit sounds; a number or one for each of the 9 drums.

    Returns
    -------
    figures
        ``hit_error`` is the share of wrong cells. ``velocity_mse`` (velocities 0 to 1) and
        ``offset_mse`` (offsets -1 to 1, in half steps) run over all cells: a played cell without a
        hit counts as 0, and a decoded cell as its probability of a hit times its value.
        ``*_mse_hits`` run over true hits only, as if each of them were decoded.
    """
    hits = frames[..., HITS] > 0.5
    heard = decoded[..., HITS] >= np.asarray(thresholds)
    f1, precision, recall = _rates(hits, heard)
    figures: dict[str, Any] = {
        "hit_f1": f1,
        "hit_precision": precision,
        "hit_recall": recall,
        "hit_error": float((hits != heard).mean()),
    }
    for name, part in (("velocity", VELOCITIES), ("offset", OFFSETS)):
        expected = decoded[..., HITS] * decoded[..., part]
        figures[f"{name}_mse"] = _mean_square(expected - frames[..., part])
        figures[f"{name}_mse_hits"] = _mean_square((decoded[..., part] - frames[..., part])[hits])
    figures["phrases"] = len(frames)
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
