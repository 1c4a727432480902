"""Landmarks: the corpus in latent space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Landmarks:
    """Latent points of the corpus, with their attributes and where they come from.

    Parameters
    ----------
    z
        ``(n, d)`` float32.
    attributes
        ``(n, k)`` float32, columns as the representation names its attributes.
    style, drummer, performance
        ``(n,)`` indices into the lists of names that follow.
    bar
        ``(n,)``, the phrase's first bar in its performance, from 0.
    tempo
        ``(n,)`` float32, of the performance, in beats a minute.
    styles, drummers, performances
        Names; a performance's name is the file's path in its corpus.
    """

    z: npt.NDArray[np.float32]
    attributes: npt.NDArray[np.float32]
    style: npt.NDArray[np.int32]
    drummer: npt.NDArray[np.int32]
    performance: npt.NDArray[np.int32]
    bar: npt.NDArray[np.int32]
    tempo: npt.NDArray[np.float32]
    styles: tuple[str, ...]
    drummers: tuple[str, ...]
    performances: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.z.ndim != 2 or len(self.z) == 0:
            raise ValueError(f"landmarks need latents of shape (n, d), not {self.z.shape}")
        n = len(self.z)
        if self.attributes.ndim != 2 or len(self.attributes) != n:
            raise ValueError(f"attributes have shape {self.attributes.shape}, not ({n}, k)")
        for name in ("style", "drummer", "performance", "bar", "tempo"):
            column = getattr(self, name)
            if column.shape != (n,):
                raise ValueError(f"'{name}' has shape {column.shape}, not {(n,)}")
            if name in ("style", "drummer", "performance"):
                names = getattr(self, f"{name}s")
                if column.min() < 0 or column.max() >= len(names):
                    raise ValueError(f"'{name}' points outside its list of {len(names)} names")
        if self.bar.min() < 0:
            raise ValueError("a landmark's bar is negative")
        for name in ("z", "attributes", "tempo"):
            if not np.isfinite(getattr(self, name)).all():
                raise ValueError(f"'{name}' holds values that are not numbers")

    def __len__(self) -> int:
        return len(self.z)


def main_style(style: str) -> str:
    """Return the main part of a style's name: ``rock/shuffle`` is ``rock``."""
    return style.split("/")[0].strip()
