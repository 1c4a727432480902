"""Pictures a second of the map, turning."""

from __future__ import annotations

from typing import Any

from app.widgets.latent_map_bench import measure_fps

_SECONDS = 4.0


def measure() -> dict[str, Any]:
    """Return frames a second at 1,000, 5,000 and 20,000 landmarks, 1172 x 800."""
    return {
        "map_fps_1k": measure_fps(1_000, _SECONDS),
        "map_fps_5k": measure_fps(5_000, _SECONDS),
        "map_fps_20k": measure_fps(20_000, _SECONDS),
    }
