"""Ways from one latent point to another, and how far apart the steps sound."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float32]

_PARALLEL = 1e-4  # sine of the angle below which slerp is lerp to float32's precision


def lerp(a: npt.ArrayLike, b: npt.ArrayLike, t: npt.ArrayLike) -> Points:
    """Go straight from ``a`` to ``b``.

    Where the latent space is flat the straight line is the shortest way as heard (section 3.2), and
    equal steps along it are equal changes; it passes through the space between the grooves rather
    than along a shell of training-like points (section 4.1). So this is what Flatjam uses.

    Parameters
    ----------
    a, b
        Points ``(..., d)``.
    t
        How far, 0 to 1: a number, or ``(m,)`` for many points at once.

    Returns
    -------
    points
        ``(..., d)``, or ``(m, ..., d)`` for many.
    """
    start, end, part = _broadcast(a, b, t)
    return ((1.0 - part) * start + part * end).astype(np.float32)


def slerp(a: npt.ArrayLike, b: npt.ArrayLike, t: npt.ArrayLike) -> Points:
    """Go from ``a`` to ``b`` along an arc about the origin (White 2016; section 2).

    MusicVAE's own way: it stays where a standard-normal prior has its mass. Prefer `lerp` in a flat
    space. Parameters and result are those of `lerp`; points in the same or opposite direction, or
    at the origin, have no single arc between them and are joined by the straight line.
    """
    start, end, part = _broadcast(a, b, t)
    lengths = np.linalg.norm(start, axis=-1) * np.linalg.norm(end, axis=-1)
    cosine = (start * end).sum(axis=-1) / np.where(lengths > 0, lengths, 1.0)
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))[..., None]
    sine = np.sin(angle)
    straight = (sine < _PARALLEL) | (lengths[..., None] == 0)
    sine = np.where(straight, 1.0, sine)
    arc = (np.sin((1.0 - part) * angle) * start + np.sin(part * angle) * end) / sine
    return np.where(straight, (1.0 - part) * start + part * end, arc).astype(np.float32)


def step_changes(onsets: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Count the onsets that change from each phrase to the next (Hamming distance, section 4.1).

    The largest of them is the paper's smoothness of an interpolation.

    Parameters
    ----------
    onsets
        ``(m, ..., steps, voices)`` along the way; see `Representation.onsets`.

    Returns
    -------
    changes
        ``(m - 1, ...)``.
    """
    return (onsets[1:] != onsets[:-1]).sum(axis=(-2, -1))


def _broadcast(
    a: npt.ArrayLike, b: npt.ArrayLike, t: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    start, end = np.asarray(a, np.float64), np.asarray(b, np.float64)
    part = np.asarray(t, np.float64)
    if part.ndim:
        part = part.reshape(part.shape + (1,) * max(start.ndim, end.ndim))
    return start, end, part
