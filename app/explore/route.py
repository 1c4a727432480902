"""Which latent point is heard, and the way between the anchors."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from app.state.session import Anchor, SessionState
from fmvae_core.geometry.interpolation import Points, lerp, slerp
from fmvae_core.geometry.projection import Linear, Projection
from fmvae_core.models.bundle import Bundle

_WAYS = {"lerp": lerp, "slerp": slerp}
_CURVE_POINTS = 65


def along(state: SessionState, t: npt.ArrayLike) -> Points | None:
    """Return points of the journey, ``(d,)`` or ``(m, d)``; ``None`` without both anchors."""
    if state.a is None or state.b is None:
        return None
    return _WAYS[state.method](state.a.z, state.b.z, t)


def heard_point(state: SessionState, bundle: Bundle) -> Points | None:
    """Return the latent point that is heard, before what is asked moves it; ``(d,)``."""
    if state.landmark is not None:
        return bundle.landmarks.z[state.landmark]
    way = along(state, state.position)
    if way is not None:
        return way
    only = state.a or state.b
    return None if only is None else np.asarray(only.z, np.float32)


def drawn_line(state: SessionState, projection: Projection) -> Points | None:
    """Return the way as drawn on the map, ``(m, 3)``: two points where it is a straight line.

    What is straight in latent space is straight in a linear projection, and in no other.
    """
    is_straight = state.method == "lerp" and isinstance(projection, Linear)
    parts = np.linspace(0.0, 1.0, 2 if is_straight else _CURVE_POINTS)
    way = along(state, parts)
    return None if way is None else projection.project(way)


def drawn_anchor(anchor: Anchor | None, projection: Projection) -> Points | None:
    """Return where an anchor lies on the map, ``(3,)``."""
    return None if anchor is None else projection.project(np.asarray(anchor.z, np.float32))


def drawn_position(state: SessionState, projection: Projection) -> Points | None:
    """Return where the journey's point lies on the map, ``(3,)``."""
    way = along(state, state.position)
    return None if way is None else projection.project(way)
