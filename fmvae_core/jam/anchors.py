"""The points of a bundle that a machine player can be pulled to by name."""

from __future__ import annotations

from collections import Counter

import numpy as np

from fmvae_core.jam.messages import NamedAnchor
from fmvae_core.models.landmarks import Landmarks, main_style

STYLE = "style:"
"""What the name of a style's anchor begins with."""


def style_anchors(landmarks: Landmarks) -> tuple[NamedAnchor, ...]:
    """Return the middle of each main style, that of the most landmarks first."""
    styles = np.array([main_style(name) for name in landmarks.styles])[landmarks.style]
    counts = Counter(styles.tolist())
    return tuple(
        NamedAnchor(
            name=f"{STYLE}{name}",
            z=tuple(landmarks.z[styles == name].mean(axis=0).astype(float).tolist()),
        )
        for name in sorted(counts, key=lambda name: (-counts[name], name))
        if name
    )
