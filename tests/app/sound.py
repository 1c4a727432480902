"""Listening to what the engine's file driver writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

_HEADER = 44
_FRAME = 4  # bytes: two channels of 16 bits
RATE = 44_100
_HOP = 441  # 10 ms
_SMOOTH = 4  # hops: events land a little earlier or later on a busy machine

Envelope = npt.NDArray[np.float64]


def seconds_in(path: Path) -> float:
    """Return how much sound a file holds that is still being written."""
    return max(0, path.stat().st_size - _HEADER) / _FRAME / RATE if path.exists() else 0.0


def envelope(path: Path, start: float, seconds: float) -> Envelope:
    """Return the loudness of a part of the file, a value each 10 ms."""
    with path.open("rb") as file:
        file.seek(_HEADER + int(start * RATE) * _FRAME)
        data = file.read(int(seconds * RATE) * _FRAME)
    samples = np.frombuffer(data[: len(data) // _FRAME * _FRAME], "<i2").reshape(-1, 2)
    mono = samples.astype(np.float64).mean(axis=1) / 32768.0
    hops = mono[: len(mono) // _HOP * _HOP].reshape(-1, _HOP)
    loudness = np.sqrt((hops**2).mean(axis=1))
    return np.convolve(loudness, np.full(_SMOOTH, 1.0 / _SMOOTH), mode="same")


def likeness(a: Envelope, b: Envelope) -> float:
    """Return the best correlation of two envelopes of equal length over all turns of a loop."""
    n = min(len(a), len(b))
    left, right = a[:n] - a[:n].mean(), b[:n] - b[:n].mean()
    scale = np.linalg.norm(left) * np.linalg.norm(right)
    turned = np.fft.irfft(np.fft.rfft(left) * np.conj(np.fft.rfft(right)), n)
    return float(turned.max() / scale) if scale else 0.0
