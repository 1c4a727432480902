"""How a run stands, in a few words."""

from __future__ import annotations

from fmvae_core.runs.record import RunState, StateName

_HUGE = 10_000

_BY_HEART = 0.1
"""F1 on learnt phrases above that on unseen ones, from which on more steps hardly teach a style."""

STATES: dict[StateName, str] = {
    "new": "not started",
    "starting": "starting",
    "running": "running",
    "paused": "paused",
    "jam": "waits for the jam",
    "stopped": "stopped",
    "finished": "finished",
    "failed": "failed",
    "lost": "process gone",
}


def state_in_words(state: RunState) -> str:
    """Return the state, and how far the run is while it is under way."""
    word = STATES[state.state]
    if state.state in ("new", "finished") or not state.steps:
        return word
    return f"{word}, {100 * state.step // state.steps} %"


def figure_in_words(state: RunState) -> str:
    """Return the figure of the last evaluation that matters most."""
    figures = state.figures
    if "hit_f1" in figures:
        return f"F1 {figures['hit_f1']:.2f}"
    if "wrong_steps" in figures:
        return f"{100 * figures['wrong_steps']:.0f} % of steps wrong"
    if "constraint" in figures:
        return f"error {figures['constraint']:.4f}"
    return ""


def flatness_in_words(state: RunState) -> str:
    """Return how flat the space was at the last evaluation that measured it."""
    condition = state.figures.get("condition")
    if condition is None:
        return ""
    return f"condition {condition:,.0f}" if condition < _HUGE else f"condition over {_HUGE:,}"


def overfit_in_words(state: RunState) -> str:
    """Return how well learnt phrases are given back, and whether too much better than unseen."""
    unseen, learnt = state.figures.get("hit_f1"), state.figures.get("training_hit_f1")
    if unseen is None or learnt is None:
        return ""
    told = f"on learnt phrases {learnt:.2f}"
    return f"{told}: learnt by heart" if learnt - unseen > _BY_HEART else told


def duration_in_words(seconds: float) -> str:
    """Return a time as one says it: ``40 s``, ``12 min``, ``3 h 20 min``, ``2 days``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{round(minutes / 60 / 24)} days"


def size_in_words(count: int) -> str:
    """Return a number of bytes as one says it."""
    if count < 2**30:
        return f"{count / 2**20:.0f} MB"
    return f"{count / 2**30:.1f} GB"
