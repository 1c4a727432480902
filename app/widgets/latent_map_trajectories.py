"""The ways of both players over the map: trails that fade with age, and what answered what."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from app.theme import COLOURS
from app.widgets.colours import rgb
from app.widgets.latent_map_beads import Beads, beads
from app.widgets.latent_map_camera import Points
from app.widgets.latent_map_layers import Strokes, View

TrajectoryPoints = npt.NDArray[np.floating]
"""Places on the map where a player has been, ``(n, 3)``, oldest first; n may be 0."""

Floats = npt.NDArray[np.float64]

GROWTH_SECONDS = 0.5
"""In which the stroke to a new place grows."""
PULSE_SECONDS = 1.6
"""From one ring round a newest place to the next."""

_MEMORY = 4.0  # turns in which a trail loses most of its light
_FAINTEST = 0.09  # share of its light that the oldest stroke keeps
_OLDEST_LINK = 10  # links further back than this are left out
_DASHES = 11  # of a link
_TONES = (rgb(COLOURS["human"]), rgb(COLOURS["machine"]))


def _none() -> Points:
    return np.zeros((0, 3), np.float32)


@dataclass(frozen=True)
class Trajectories:
    """Where both players have been.

    Parameters
    ----------
    human, machine
        ``(n, 3)`` each, oldest first.
    links
        Pairs of an index of ``human`` and one of ``machine`` that answered one another, oldest
        first.
    """

    human: Points = field(default_factory=_none)
    machine: Points = field(default_factory=_none)
    links: tuple[tuple[int, int], ...] = ()

    @classmethod
    def checked(
        cls, human: npt.ArrayLike, machine: npt.ArrayLike, links: Sequence[tuple[int, int]]
    ) -> Trajectories:
        """Return trajectories of what may be anything.

        Raises
        ------
        ValueError
            If a trajectory is not ``(n, 3)`` and finite, or a link has no point at an end.
        """
        ways = []
        for name, places in (("human", human), ("machine", machine)):
            way = np.array(places, np.float32)
            way = way.reshape(0, 3) if not way.size else way
            if way.ndim != 2 or way.shape[1] != 3 or not np.isfinite(way).all():
                raise ValueError(f"the trajectory of the {name} is not (n, 3) and finite")
            ways.append(way)
        for a, b in links:
            if not (0 <= a < len(ways[0]) and 0 <= b < len(ways[1])):
                raise ValueError(f"the link ({a}, {b}) has no point at an end")
        return cls(ways[0], ways[1], tuple((int(a), int(b)) for a, b in links))

    @property
    def ways(self) -> tuple[Points, Points]:
        """That of the human and that of the machine."""
        return self.human, self.machine

    def arrived(self, before: Trajectories) -> tuple[bool, bool]:
        """Return for each player whether it has gone on from where it was before."""
        new, old = zip(self.ways, before.ways, strict=True), True
        return tuple(  # type: ignore[return-value]
            old and len(now) > len(then) and np.array_equal(now[: len(then)], then)
            for now, then in new
        )


def strength(ages: npt.ArrayLike) -> Floats:
    """Return the light of a place that is so many turns old, 1 at the newest."""
    return np.asarray(_FAINTEST + (1.0 - _FAINTEST) * np.exp(-np.asarray(ages, float) / _MEMORY))


class TrajectoryLayer:
    """Draws trajectories.

    Parameters
    ----------
    clock
        Seconds; for growth and pulse.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._shown = Trajectories()
        self._born = [-np.inf, -np.inf]
        self._trails = Strokes()
        self._fresh = Strokes()
        self._beads = Beads()
        self._heads = Beads()

    def set(self, shown: Trajectories, floor: float) -> None:
        """Show other trajectories, over a floor at a height."""
        now = self._clock()
        for player, arrived in enumerate(shown.arrived(self._shown)):
            self._born[player] = now if arrived else -np.inf
        self._shown = shown
        self._floor = floor
        self._upload()
        self._upload_fresh()

    def draw(self, view: View) -> None:
        """Draw trails, links and the newest places."""
        if any(self._clock() - born < 2 * GROWTH_SECONDS for born in self._born):
            self._upload_fresh()
        self._trails.draw(view)
        self._beads.draw(view, 0.0)
        self._fresh.draw(view)
        self._heads.draw(view, self._clock() / PULSE_SECONDS % 1.0)

    def _upload(self) -> None:
        """Hand over all that stays while nothing new comes."""
        rows: list[tuple[Floats, Floats, Floats, Floats]] = []
        marks = []
        for way, tone in zip(self._shown.ways, _TONES, strict=True):
            light = strength(np.arange(len(way))[::-1])
            if len(way) > 2:
                rows += _trail(way[:-1], light[:-1], tone)
            if len(way) > 1:
                marks.append(beads(way[:-1], tone, light[:-1], 2.2 + 3.3 * light[:-1]))
        rows += self._older_links()
        self._trails.set_many(*_joined(rows))
        self._beads.set(np.concatenate(marks) if marks else None)

    def _older_links(self) -> list[tuple[Floats, Floats, Floats, Floats]]:
        rows = []
        links = self._shown.links[-_OLDEST_LINK - 1 : -1]
        for age, (a, b) in zip(range(len(links), 0, -1), links, strict=True):
            fade = 0.55 * (1.0 - age / (_OLDEST_LINK + 1.0)) ** 1.5
            rows.append(_dashes(self._shown.human[a], self._shown.machine[b], fade))
        return rows

    def _upload_fresh(self) -> None:
        """Hand over the newest strokes, as far as they have grown, and the newest places."""
        now = self._clock()
        grown = [_eased((now - born) / GROWTH_SECONDS) for born in self._born]
        rows: list[tuple[Floats, Floats, Floats, Floats]] = []
        heads, marks = [], []
        for way, tone, share in zip(self._shown.ways, _TONES, grown, strict=True):
            head = way[-1].astype(float) if len(way) else None
            if len(way) > 1 and head is not None:
                head = way[-2] + share * (head - way[-2])
                light = strength([1.0 - (1.0 - share), 0.0])
                rows += _trail(np.stack([way[-2], head]), light, tone)
            heads.append(head)
            if head is not None:
                below = np.array([head[0], head[1], self._floor])
                colours = np.array([[[*tone, 0.08], [*tone, 0.5]]])
                rows.append((below[None], head[None], colours, np.array([1.4])))
                size = 11.0 if len(way) > 1 else 11.0 * share
                marks.append(beads(head[None], tone, np.ones(1), size, halo=40.0))
        if self._shown.links:
            rows = self._newest_link(heads, grown) + rows
        self._fresh.set_many(*_joined(rows))
        self._heads.set(np.concatenate(marks) if marks else None)

    def _newest_link(
        self, heads: list[Floats | None], grown: list[float]
    ) -> list[tuple[Floats, Floats, Floats, Floats]]:
        a, b = self._shown.links[-1]
        human, machine = (
            heads[player] if index == len(way) - 1 else way[index]
            for player, (index, way) in enumerate(zip((a, b), self._shown.ways, strict=True))
        )
        assert human is not None
        assert machine is not None
        at = np.linspace(0.0, 1.0, 17)[:, None]
        places = human + at * (machine - human)
        tones = _TONES[0] + at * (_TONES[1] - _TONES[0])
        rows = []
        for width, alpha in ((12.0, 0.14), (3.0, 0.95)):
            colours = np.concatenate([tones, np.full_like(at, alpha)], axis=1)
            pairs = np.stack([colours[:-1], colours[1:]], axis=1)
            rows.append((places[:-1], places[1:], pairs, np.full(16, width)))
        return rows


def _eased(share: float) -> float:
    left = 1.0 - min(max(share, 0.0), 1.0)
    return 1.0 - left**3


def _trail(
    way: npt.NDArray[np.floating], light: Floats, tone: Floats
) -> list[tuple[Floats, Floats, Floats, Floats]]:
    """Return the strokes of a trail: a glow, then the line."""
    places = np.asarray(way, np.float64)
    rows = []
    for width, wider, alpha in ((4.0, 12.0, 0.16), (1.0, 3.6, 0.95)):
        colours = np.column_stack([np.tile(tone, (len(way), 1)), alpha * light])
        pairs = np.stack([colours[:-1], colours[1:]], axis=1)
        rows.append((places[:-1], places[1:], pairs, width + wider * light[1:]))
    return rows


def _dashes(
    start: npt.NDArray[np.floating], end: npt.NDArray[np.floating], alpha: float
) -> tuple[Floats, Floats, Floats, Floats]:
    at = np.arange(_DASHES)[:, None] / (_DASHES - 0.45)
    begins = start + at * (end - start)
    ends = start + (at + 0.55 / (_DASHES - 0.45)) * (end - start)
    colours = np.tile([*rgb(COLOURS["text"]), alpha], (_DASHES, 2, 1))
    return begins, ends, colours, np.full(_DASHES, 1.5)


def _joined(
    rows: list[tuple[Floats, Floats, Floats, Floats]],
) -> tuple[Floats, Floats, Floats, Floats]:
    if not rows:
        return np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 2, 4)), np.zeros(0)
    starts, ends, colours, widths = zip(*rows, strict=True)
    return tuple(np.concatenate(part) for part in (starts, ends, colours, widths))  # type: ignore[return-value]
