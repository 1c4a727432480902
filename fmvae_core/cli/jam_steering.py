"""What ``flatjam jam`` is told of knobs, clocks and OSC, as messages for the engine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fmvae_core.jam.messages import NamedAnchor
    from fmvae_core.live.control_messages import Assignment
    from fmvae_core.models.landmarks import Landmarks


def assignments_of(texts: Sequence[str]) -> tuple[Assignment, ...]:
    """Return what ``TARGET=note:NUMBER``, ``TARGET=cc:NUMBER`` and ``TARGET=cc:NUMBER:steps`` say.

    Raises
    ------
    ValueError
        If one of them says nothing.
    """
    return tuple(_assignment(text) for text in texts)


def _assignment(text: str) -> Assignment:
    from typing import get_args

    from fmvae_core.live.control_messages import SWITCHES, Assignment, Setting

    target, _, control = text.partition("=")
    kind, number, *steps = (*control.split(":"), "")
    settings = get_args(Setting)
    if target not in SWITCHES and target not in settings:
        known = ", ".join([*sorted(SWITCHES), *settings])
        raise ValueError(f"'{target}' cannot be controlled; choose one of {known}")
    try:
        if steps[:-1] not in ([], ["steps"]) or (target in settings and kind != "cc"):
            raise ValueError
        return Assignment.model_validate(
            {
                "target": target,
                "control": {"type": kind, "number": int(number)},
                "is_relative": bool(steps[:-1]),
            }
        )
    except ValueError:
        kinds = "cc:NUMBER" if target in settings else "note:NUMBER or cc:NUMBER"
        raise ValueError(
            f"'{control}' is no control for {target}; write {target}={kinds}, the number 0 to 127"
        ) from None


def anchors_of(landmarks: Landmarks, style: str) -> tuple[NamedAnchor, ...]:
    """Return what answers can be pulled to, the style that was asked for first.

    Raises
    ------
    ValueError
        If the model knows no such style.
    """
    from fmvae_core.jam.anchors import STYLE, style_anchors

    anchors = style_anchors(landmarks)
    names = [each.name.removeprefix(STYLE) for each in anchors]
    if not style:
        return anchors
    if style not in names:
        raise ValueError(f"the model knows no style '{style}'; choose one of {', '.join(names)}")
    first = names.index(style)
    return (*anchors[first:], *anchors[:first])


def asks_of(texts: Sequence[str], attributes: Sequence[str]) -> dict[str, float]:
    """Return what ``ATTRIBUTE=CHANGE`` asks for.

    Raises
    ------
    ValueError
        If one of them asks for nothing.
    """
    asks = {}
    for text in texts:
        name, _, change = text.partition("=")
        try:
            number = float(change)
        except ValueError:
            number = math.nan
        if name not in attributes or not math.isfinite(number):
            raise ValueError(
                f"'{text}' asks for nothing; write ATTRIBUTE=CHANGE, "
                f"the attribute one of {', '.join(attributes)}"
            )
        asks[name] = number
    return asks
