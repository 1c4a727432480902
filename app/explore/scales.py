"""How the attributes are shown and how far the sliders reach."""

from __future__ import annotations

from dataclasses import replace

from app.widgets.attribute_slider import Scale
from app.widgets.piano_roll_places import pitch_name
from fmvae_core.music.phrase import STEP_BEATS
from fmvae_core.music.representation import Representation

_HITS = Scale("Density", "fewer", "more", "hits", 1.0, 1.0, 24.0, one="hit")
_NOTES = replace(_HITS, unit="notes", one="note", reach=16.0)
_VELOCITY = Scale("Velocity", "softer", "harder", "", 127.0, 1.0 / 127.0, 48.0 / 127.0)
_OFFSET = Scale("Offset", "earlier", "later", "ms", 62.5, 0.01, 0.6)
_PITCH = Scale(
    "Pitch",
    "lower",
    "higher",
    "semitones",
    1.0,
    1.0,
    12.0,
    one="semitone",
    name=lambda pitch: pitch_name(round(pitch)),
)

SCALES: dict[str, dict[str, Scale]] = {
    "drums": {"density": _HITS, "velocity": _VELOCITY, "offset": _OFFSET},
    "melody": {"density": _NOTES, "pitch": _PITCH},
}
"""By representation and attribute."""


AXES: dict[str, str] = {
    "density": "busier",
    "velocity": "harder",
    "offset": "later",
    "pitch": "higher",
}
"""What grows along an attribute's axis of the map."""


def scales_of(representation: Representation, tempo: float) -> dict[str, Scale]:
    """Return the scales of a representation's attributes at a tempo in beats a minute."""
    scales = SCALES[representation.name]
    return {name: scale_at(scales[name], tempo) for name in representation.attribute_names}


def scale_at(scale: Scale, tempo: float) -> Scale:
    """Return a scale at a tempo: an offset of 1 lasts half a step."""
    if scale.unit == "ms":
        return replace(scale, factor=0.5 * STEP_BEATS * 60_000.0 / tempo)
    return scale
