"""From a wanted change of attributes to a step along their vectors (section 4.3)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fmvae_core.music.representation import Representation

Array = npt.NDArray[np.float32]
Decode = Callable[[Array], Array]
Listen = Callable[[Array], npt.NDArray[np.float64]]

LONGEST_STEP = 2.0
"""How far to look, in lengths of an attribute vector."""

MARGIN = 0.1
"""How far beyond the corpus to go on each latent axis, as a share of the corpus's range there."""

TOLERANCE: dict[str, float] = {
    "density": 0.5,
    "velocity": 0.5 / 127,
    "offset": 0.005,
    "pitch": 0.25,
}
"""What hardly anyone hears: half a hit or note, half a step of MIDI velocity, a quarter of a
percent of a step, a quarter of a semitone of mean pitch. Changes this near to what was asked are
not improved, and it is the unit in which misses of several are weighed against each other.
"""

_COARSE = 17
_FINE = 4  # points between neighbours, on either side of the best one
_REFINEMENTS = 2
_PASSES = 2


@dataclass(frozen=True)
class Box:
    """The corpus's range on each latent axis, with a margin: ``low`` and ``high``, ``(d,)``."""

    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]

    @classmethod
    def around(cls, z: Array) -> Box:
        """Return the box of points ``(n, d)``."""
        low, high = z.min(axis=0).astype(np.float64), z.max(axis=0).astype(np.float64)
        margin = MARGIN * (high - low)
        return cls(low - margin, high + margin)

    def including(self, z: npt.NDArray[np.float64]) -> Box:
        """Return the box that also holds one point ``(d,)``."""
        return Box(np.minimum(self.low, z), np.maximum(self.high, z))

    def steps(
        self, start: npt.NDArray[np.float64], vector: npt.NDArray[np.float64], known: float
    ) -> tuple[float, float]:
        """Return the lowest and highest step along a vector that stay inside (``known`` is one)."""
        moving = vector != 0
        a = (self.low[moving] - start[moving]) / vector[moving]
        b = (self.high[moving] - start[moving]) / vector[moving]
        lowest = max([-LONGEST_STEP, *np.minimum(a, b)])
        highest = min([LONGEST_STEP, *np.maximum(a, b)])
        return min(lowest, known), max(highest, known)


@dataclass(frozen=True)
class Solution:
    """Where the moves ended and what is heard there.

    Parameters
    ----------
    z
        ``(d,)``.
    frames
        ``(steps, features)``, what ``z`` decodes to.
    base, achieved
        Attributes of the unmoved point and of ``z``, ``(k,)`` each, in the order of the
        representation.
    reach
        For each attribute that was searched, the lowest and highest change heard along its vector.
        One whose ask was met without moving is not searched and has no entry.
    """

    z: Array
    frames: Array
    base: npt.NDArray[np.float64]
    achieved: npt.NDArray[np.float64]
    reach: dict[str, tuple[float, float]]


def solve(
    decode: Decode,
    z: Array,
    asks: Mapping[str, float],
    vectors: Mapping[str, Array],
    box: Box,
    representation: Representation,
    thresholds: Array,
) -> Solution:
    """Move a point along attribute vectors until it decodes to the wanted changes, or near them.

    One attribute after the other is searched along its own vector, each search a few batches of
    decodes: 17 steps over the whole reach, then twice between the neighbours of the best. Since a
    vector moves more than its own attribute, the best step is the one that leaves the smallest sum
    of squared misses over all asked ones, and with several all are gone through twice. Steps stay
    within the range of the corpus.

    Parameters
    ----------
    decode
        Points ``(B, d)`` to frames ``(B, steps, features)``.
    z
        Where to start, ``(d,)``.
    asks
        Attribute name to wanted change against what ``z`` decodes to.
    vectors
        Attribute name to direction ``(d,)``.
    box
        Where to stay; it is widened to hold ``z``.
    representation, thresholds
        How frames are heard.

    Raises
    ------
    ValueError
        If an attribute is unknown, or ``z`` or an ask is not finite.
    """
    for name, ask in asks.items():
        if name not in vectors:
            raise ValueError(f"there is no attribute '{name}'; choose from {', '.join(vectors)}")
        if not np.isfinite(ask):
            raise ValueError(f"the wanted change of {name} is not a number; ask for a finite one")
    if not np.isfinite(z).all():
        raise ValueError("the latent point holds values that are not numbers; start from another")

    names = representation.attribute_names

    def listen(frames: Array) -> npt.NDArray[np.float64]:
        return representation.attributes(frames, thresholds)

    frames = decode(z[None])[0]
    base = listen(frames)
    box = box.including(z.astype(np.float64))
    point, heard = z, base
    steps = dict.fromkeys(asks, 0.0)
    reach: dict[str, tuple[float, float]] = {}
    for _pass in range(_PASSES if len(asks) > 1 else 1):
        for name, ask in asks.items():
            column = names.index(name)
            if abs(heard[column] - base[column] - ask) <= TOLERANCE[name]:
                continue
            vector = vectors[name].astype(np.float64)
            start = point - steps[name] * vector
            search = _Search(decode, listen, names, start, vector, name, base, asks)
            lowest, highest = box.steps(search.start, vector, known=steps[name])
            search.look_at(np.append(np.linspace(lowest, highest, _COARSE), steps[name]))
            for _again in range(_REFINEMENTS):
                search.look_closer()
            steps[name], point, heard = search.best()
            reach[name] = search.reach()
    if point is not z:
        # Decoded once more alone: sums in a batch may round otherwise and tip a hit over.
        frames = decode(point[None])[0]
    achieved = listen(frames)
    for name, (lowest_change, highest_change) in reach.items():
        change = float((achieved - base)[names.index(name)])
        reach[name] = min(lowest_change, change), max(highest_change, change)
    return Solution(point, frames, base, achieved, reach)


class _Search:
    """The steps along one vector that were tried so far, and what was heard at each."""

    def __init__(
        self,
        decode: Decode,
        listen: Listen,
        names: tuple[str, ...],
        start: npt.NDArray[np.float64],
        vector: npt.NDArray[np.float64],
        name: str,
        base: npt.NDArray[np.float64],
        asks: Mapping[str, float],
    ) -> None:
        self.start = start
        self._decode = decode
        self._listen = listen
        self._vector = vector
        self._name = name
        self._column = names.index(name)
        self._density = names.index("density")
        self._base = base
        self._asked = [names.index(asked) for asked in asks]
        self._wanted = base[self._asked] + np.array(list(asks.values()))
        self._units = np.array([TOLERANCE[asked] for asked in asks])
        self._steps = np.zeros(0)
        self._points = np.zeros((0, len(start)), np.float32)
        self._heard = np.zeros((0, len(base)))

    def look_at(self, steps: npt.NDArray[np.float64]) -> None:
        points = (self.start + steps[:, None] * self._vector).astype(np.float32)
        heard = self._listen(self._decode(points))
        order = np.argsort(np.concatenate([self._steps, steps]), kind="stable")
        self._steps = np.concatenate([self._steps, steps])[order]
        self._points = np.concatenate([self._points, points])[order]
        self._heard = np.concatenate([self._heard, heard])[order]

    def look_closer(self) -> None:
        best = self._best_index()
        if self._miss()[best] <= 1.0:
            return
        neighbours = self._steps[max(best - 1, 0) : best + 2]
        between = [np.linspace(a, b, _FINE + 2)[1:-1] for a, b in itertools.pairwise(neighbours)]
        self.look_at(np.concatenate(between))

    def best(self) -> tuple[float, Array, npt.NDArray[np.float64]]:
        index = self._best_index()
        return float(self._steps[index]), self._points[index], self._heard[index]

    def reach(self) -> tuple[float, float]:
        changes = self._heard[self._counts(), self._column] - self._base[self._column]
        return float(changes.min()), float(changes.max())

    def _best_index(self) -> int:
        return int(np.lexsort((np.abs(self._steps), self._miss()))[0])

    def _miss(self) -> npt.NDArray[np.float64]:
        miss = (((self._heard[:, self._asked] - self._wanted) / self._units) ** 2).sum(axis=1)
        return np.where(self._counts(), miss, np.inf)

    def _counts(self) -> npt.NDArray[np.bool_]:
        """Return which steps may be chosen: of silence nothing but its density can be told."""
        density = self._heard[:, self._density]
        if self._name == "density" or not density.any():
            return np.ones(len(density), bool)
        return density > 0
