"""The course of a run, as curves of few enough points to draw."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fmvae_core.runs.files import EVALUATIONS_FILE, EVENTS_FILE, PACE_FILE
from fmvae_core.runs.follower import Event, Follower

Curve = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
"""Steps and values, ``(n,)`` each."""

MOST_POINTS = 4000


class Series:
    """Values by step; every second point is dropped once there are too many."""

    def __init__(self) -> None:
        self._steps: list[float] = []
        self._values: dict[str, list[float]] = {}

    def add(self, event: Event) -> None:
        """Take in the numbers of an event."""
        values = {
            name: float(value)
            for name, value in event.items()
            if name != "step" and isinstance(value, (int, float))
        }
        for name in values.keys() - self._values.keys():
            self._values[name] = [math.nan] * len(self._steps)
        self._steps.append(float(event["step"]))
        for name, column in self._values.items():
            column.append(values.get(name, math.nan))
        if len(self._steps) > 2 * MOST_POINTS:
            self._steps = self._steps[::2]
            self._values = {name: column[::2] for name, column in self._values.items()}

    def __len__(self) -> int:
        return len(self._steps)

    def curve(self, name: str) -> Curve:
        """Return one quantity; empty where the run does not have it."""
        if name not in self._values:
            return np.zeros(0), np.zeros(0)
        return np.array(self._steps), np.array(self._values[name])


class History:
    """Follows the event log of a run; a log of a million events is attached to at once.

    Parameters
    ----------
    run
        Its folder.
    """

    def __init__(self, run: Path) -> None:
        self._steps = Follower(run / EVENTS_FILE)
        self._few = Follower(run / EVALUATIONS_FILE)
        self._paces = Follower(run / PACE_FILE)
        self.steps = Series()
        self.evaluations = Series()
        self.space = Series()
        self.pace = Series()
        self.phase_end: int | None = None
        self.is_read = False

    def read(self) -> bool:
        """Read what is new, in one slice; return whether there was anything."""
        self.is_read = True
        events, few = self._steps.read(), self._few.read()
        if self._steps.restarted:
            self.steps = Series()
        if self._few.restarted:
            self.evaluations, self.space = Series(), Series()
            self.phase_end = None
        paces = self._paces.read()
        for event in events:
            if event["kind"] == "step":
                self.steps.add(event)
        for event in few:
            if event["kind"] == "validation":
                self.evaluations.add(event)
            elif event["kind"] == "space":
                self.space.add(event)
            elif event["kind"] == "phase":
                self.phase_end = int(event["step"])
        for event in paces:
            self.pace.add(event)
        return bool(events or few or paces)

    def curve(self, name: str) -> Curve:
        """Return a quantity of the steps, or of another series.

        ``at.NAME`` is of the evaluations, ``space.NAME`` of the space (`training.space`), and
        ``pace.NAME`` of the speed.
        """
        kind, _, rest = name.partition(".")
        others = {"at": self.evaluations, "space": self.space, "pace": self.pace}
        return others[kind].curve(rest) if kind in others and rest else self.steps.curve(name)
