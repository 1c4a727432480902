"""How linearly attributes lie in the latent space (section 4.3, Table 2)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fmvae_core.evaluation.coding import Array, Coding

SAMPLES = 5_000
_DRAWS_AT_ONCE = 1_024
_MAX_DRAWS = 40  # times the samples


def attribute_correlation(
    coding: Coding,
    z: Array,
    played: npt.NDArray[np.floating[Any]],
    training_z: Array,
    training_attributes: npt.NDArray[np.float32],
    vectors: dict[str, Array],
    *,
    samples: int = SAMPLES,
    seed: int = 0,
) -> dict[str, dict[str, float]]:
    """Return the correlation of attribute and vector length, in the three ways it can be read.

    Random points are moved by ``s * v`` with s ~ U(-1, 1); those that leave the range of the
    training latents on any axis are discarded.

    Parameters
    ----------
    z
        Points to start from, ``(n, d)``.
    played
        Attributes of the phrases that these points were encoded from, ``(n, attributes)``.
    training_z, training_attributes
        Of the training phrases, ``(m, d)`` and ``(m, attributes)``: range, quartiles, linear map.
    vectors
        Attribute name to ``(d,)``; never rescaled.

    Returns
    -------
    figures
        By attribute: ``corr_a`` of s and the attribute, pooled over starting points; ``corr_b`` of
        s and the attribute's change; ``corr_c`` of the moved point's position along v and the
        attribute; ``slope`` of achieved over asked change, where s asks for s times the distance of
        the quartiles' means; ``kept`` share of draws; ``samples`` used, fewer than asked for where
        nearly all are discarded (and all figures are 0 where all are); ``r2`` of a linear map from
        z to the attribute as played, fitted on training phrases and measured on the others.
    """
    random = np.random.default_rng(seed)
    at_once = min(_DRAWS_AT_ONCE, 2 * samples)
    low, high = training_z.min(axis=0), training_z.max(axis=0)
    start_values = coding.attributes(z)
    figures = {}
    for column, name in enumerate(coding.music.attribute_names):
        vector = vectors[name]
        gap = _quartile_gap(training_attributes[:, column])
        scales, values, changes, positions = [], [], [], []
        drawn = kept = 0
        while kept < samples and drawn < _MAX_DRAWS * samples:
            start = random.integers(len(z), size=at_once)
            scale = random.uniform(-1.0, 1.0, at_once).astype(np.float32)
            moved = z[start] + scale[:, None] * vector
            inside = ((moved >= low) & (moved <= high)).all(axis=1)
            drawn += len(start)
            if not inside.any():
                continue
            kept += int(inside.sum())
            value = coding.attributes(moved[inside])[:, column]
            scales.append(scale[inside])
            values.append(value)
            changes.append(value - start_values[start[inside], column])
            positions.append(moved[inside] @ vector)
        s, value, change, position = (
            np.concatenate([np.zeros(0), *part])[:samples]
            for part in (scales, values, changes, positions)
        )
        asked = s * gap
        figures[name] = {
            "corr_a": _pearson(s, value),
            "corr_b": _pearson(s, change),
            "corr_c": _pearson(position, value),
            "slope": float(asked @ change / (asked @ asked)) if asked.any() else 0.0,
            "r2": _held_out_r2(training_z, training_attributes[:, column], z, played[:, column]),
            "kept": kept / drawn,
            "samples": float(len(s)),
        }
    return figures


def _quartile_gap(values: npt.NDArray[np.float32]) -> float:
    ordered = np.sort(values)
    quarter = len(values) // 4
    return float(ordered[-quarter:].mean() - ordered[:quarter].mean())


def _pearson(x: npt.ArrayLike, y: npt.ArrayLike) -> float:
    a, b = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if len(a) < 2 or a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def _held_out_r2(
    fit_z: Array, fit_values: npt.ArrayLike, z: Array, values: npt.NDArray[np.floating[Any]]
) -> float:
    design = np.column_stack([fit_z, np.ones(len(fit_z))])
    weights, *_ = np.linalg.lstsq(design, np.asarray(fit_values, np.float64), rcond=None)
    error = values - np.column_stack([z, np.ones(len(z))]) @ weights
    variance = values.var()
    return float(1.0 - np.mean(error**2) / variance) if variance > 0 else 0.0
