"""How the attributes are shown and how far the sliders reach."""

from __future__ import annotations

from dataclasses import replace

from app.widgets.attribute_slider import Scale
from fmvae_core.music.phrase import STEP_BEATS

SCALES: dict[str, Scale] = {
    "density": Scale("Density", "fewer", "more", "hits", 1.0, 1.0, 24.0),
    "velocity": Scale("Velocity", "softer", "harder", "", 127.0, 1.0 / 127.0, 48.0 / 127.0),
    "offset": Scale("Offset", "earlier", "later", "ms", 62.5, 0.01, 0.6),
}


def scale_at(name: str, tempo: float) -> Scale:
    """Return an attribute's scale at a tempo: an offset of 1 lasts half a step."""
    scale = SCALES[name]
    if name == "offset":
        return replace(scale, factor=0.5 * STEP_BEATS * 60_000.0 / tempo)
    return scale
