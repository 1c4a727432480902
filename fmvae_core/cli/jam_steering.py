"""What ``flatjam jam`` is told of knobs, clocks and OSC, as messages for the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fmvae_core.live.control_messages import Assignment


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
