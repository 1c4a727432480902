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
from app.widgets.latent_map_layers import StrokeRows, Strokes, View

TrajectoryPoints = npt.NDArray[np.floating]
"""Places on the map where a player has been, ``(n, 3)``, oldest first; n may be 0."""

GROWTH_SECONDS = 0.5
"""In which a trail grows to its newest place."""
PULSE_SECONDS = 1.6
"""From one ring round a newest place to the next."""

_MEMORY = 5.0  # turns in which a trail loses most of its light
_FAINTEST = 0.07  # share of its light that the oldest place keeps
_GLOWING = 0.2  # of its light, from which a stroke glows: below, a glow is only haze
_LINKS = 12  # newest links that are shown
_LINK_STEPS = 16  # of the newest link, in each of which its colour turns a little
_DASHES = 11
_DASH = 0.55  # share of a dash and the gap behind it
_HEADS = (15.5, 10.5)  # radii of the newest places: one shows round the other where both lie
_HALO = 56.0
_TONES = (rgb(COLOURS["human"]), rgb(COLOURS["machine"]))

_Places = npt.NDArray[np.float64]


def _nowhere() -> Points:
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

    human: Points = field(default_factory=_nowhere)
    machine: Points = field(default_factory=_nowhere)
    links: tuple[tuple[int, int], ...] = ()

    @classmethod
    def checked(
        cls, human: npt.ArrayLike, machine: npt.ArrayLike, links: Sequence[tuple[int, int]]
    ) -> Trajectories:
        """Return the trajectories of these places.

        Raises
        ------
        ValueError
            If a trajectory is not ``(n, 3)`` and finite, or a link has no place at an end.
        """
        ways = []
        for name, places in (("human", human), ("machine", machine)):
            way = np.array(places, np.float32)
            way = way if way.size else _nowhere()
            if way.ndim != 2 or way.shape[1] != 3 or not np.isfinite(way).all():
                raise ValueError(f"the trajectory of the {name} is not (n, 3) and finite")
            ways.append(way)
        for a, b in links:
            if not (0 <= a < len(ways[0]) and 0 <= b < len(ways[1])):
                raise ValueError(f"the link ({a}, {b}) has no place at an end")
        return cls(ways[0], ways[1], tuple((int(a), int(b)) for a, b in links))

    @property
    def ways(self) -> tuple[Points, Points]:
        """That of the human and that of the machine."""
        return self.human, self.machine

    def __len__(self) -> int:
        return len(self.human) + len(self.machine)


def light_of(ages: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the light of places that are so many turns old: 1 for the newest."""
    return _FAINTEST + (1.0 - _FAINTEST) * np.exp(-np.asarray(ages, np.float64) / _MEMORY)


class Head:
    """The newest place of a player, which moves to where it belongs."""

    def __init__(self) -> None:
        self._born = -np.inf
        self._start: Points | None = None
        self._end: Points | None = None

    def follow(self, before: Points, now: Points, time: float) -> None:
        """Take a new way: where it goes on from the one before, move; else be there at once."""
        if np.array_equal(before, now):
            return
        count = len(before)
        goes_on = len(now) in (count, count + 1) and np.array_equal(now[: count - 1], before[:-1])
        self._born = time if goes_on or (not count and len(now) == 1) else -np.inf
        self._end = now[-1] if len(now) else None
        self._start = before[-1] if count and goes_on else self._end

    def grown(self, time: float) -> float:
        """Return how much of its move it has done, 0 to 1."""
        left = 1.0 - min(max((time - self._born) / GROWTH_SECONDS, 0.0), 1.0)
        return 1.0 - left**3

    def place(self, time: float) -> _Places | None:
        """Return where it is."""
        if self._start is None or self._end is None:
            return None
        return np.asarray(self._start + self.grown(time) * (self._end - self._start), np.float64)


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
        self._floor = 0.0
        self._heads = (Head(), Head())
        self._is_settled = True
        self._old_strokes, self._new_strokes = Strokes(), Strokes()
        self._old_beads, self._new_beads = Beads(), Beads()

    def set(self, shown: Trajectories, floor: float) -> None:
        """Show other trajectories, over a floor at a height."""
        now = self._clock()
        for head, before, after in zip(self._heads, self._shown.ways, shown.ways, strict=True):
            head.follow(before, after, now)
        self._shown, self._floor = shown, floor
        self._is_settled = False
        self._upload_old()

    def draw(self, view: View) -> None:
        """Draw links, trails and the newest places."""
        now = self._clock()
        if not self._is_settled:
            self._upload_new(now)
            self._is_settled = all(head.grown(now) >= 1.0 for head in self._heads)
        self._old_strokes.draw(view)
        self._old_beads.draw(view)
        self._new_strokes.draw(view)
        self._new_beads.draw(view, now / PULSE_SECONDS % 1.0)

    def _upload_old(self) -> None:
        """Hand over all that stays until another place comes."""
        shown = self._shown
        links = shown.links[-_LINKS:-1]
        strokes = [
            _dashed(shown.human[a], shown.machine[b], 0.75 * (at + 1) / _LINKS)
            for at, (a, b) in enumerate(links, start=_LINKS - 1 - len(links))
        ]
        marks = []
        for way, tone in zip(shown.ways, _TONES, strict=True):
            places = way[:-1].astype(np.float64)
            light = light_of(np.arange(len(places), 0, -1))
            strokes += _trail(places, light, tone)
            marks.append(beads(places, tone, light, 2.2 + 5.6 * light))
        self._old_strokes.set_rows(strokes)
        self._old_beads.set(np.concatenate(marks))

    def _upload_new(self, now: float) -> None:
        """Hand over the newest places, as far as they have come, and what leads to them."""
        heads = [head.place(now) for head in self._heads]
        strokes: list[StrokeRows] = []
        marks = []
        for way, place, head, tone, radius in zip(
            self._shown.ways, heads, self._heads, _TONES, _HEADS, strict=True
        ):
            if place is None:
                continue
            if len(way) > 1:
                strokes += _trail(np.stack([way[-2], place]), light_of([1.0, 0.0]), tone)
            foot = np.array([place[0], place[1], self._floor])
            fade = np.array([[(*tone, 0.05), (*tone, 0.45)]])
            strokes.append(StrokeRows(foot[None], place[None], fade, np.array([1.5])))
            size = head.grown(now) if len(way) == 1 else 1.0
            marks.append(beads(place[None], tone, 1.0, size * radius, size * _HALO))
        self._new_strokes.set_rows([*strokes, *self._newest_link(heads)])
        self._new_beads.set(np.concatenate(marks) if marks else None)

    def _newest_link(self, heads: Sequence[_Places | None]) -> list[StrokeRows]:
        """Return the link of the last exchange, which turns from one player's tone to the other's.

        It goes with a head that moves: so an answer is seen to come out of what it answers.
        """
        if not self._shown.links:
            return []
        ends: list[_Places] = []
        for index, way, head in zip(self._shown.links[-1], self._shown.ways, heads, strict=True):
            place = head if index == len(way) - 1 else None
            ends.append(way[index].astype(np.float64) if place is None else place)
        at = np.linspace(0.0, 1.0, _LINK_STEPS + 1)[:, None]
        places = ends[0] + at * (ends[1] - ends[0])
        tones = _TONES[0] + at * (_TONES[1] - _TONES[0])
        tones += 2.0 * at * (1.0 - at) * (1.0 - tones)  # between warm and cool lies light, not grey
        return [
            _stroked(places, np.column_stack([tones, np.full(len(at), alpha)]), width)
            for width, alpha in ((18.0, 0.18), (3.6, 1.0))
        ]


def _stroked(places: _Places, colours: npt.ArrayLike, widths: npt.ArrayLike) -> StrokeRows:
    """Return strokes from place to place, ``(n, 3)``, of the colours ``(n, 4)`` at them."""
    tones = np.asarray(colours)
    pairs = np.stack([tones[:-1], tones[1:]], axis=1)
    return StrokeRows(places[:-1], places[1:], pairs, np.broadcast_to(widths, len(pairs)))


def _trail(
    places: _Places, light: npt.NDArray[np.float64], tone: npt.NDArray[np.float64]
) -> list[StrokeRows]:
    """Return the strokes of a trail: a glow where it is young, then the line."""
    if len(places) < 2:
        return []
    tones = np.tile(tone, (len(places), 1))
    young = light >= _GLOWING
    glow = _stroked(
        places[young], np.column_stack([tones, 0.18 * light])[young], 20.0 * light[young][1:]
    )
    line = _stroked(places, np.column_stack([tones, light]), 1.2 + 5.4 * light[1:])
    return [glow, line]


def _dashed(start: Points, end: Points, alpha: float) -> StrokeRows:
    begin = np.arange(_DASHES)[:, None] / (_DASHES - 1 + _DASH)
    finish = begin + _DASH / (_DASHES - 1 + _DASH)
    colours = np.tile([*rgb(COLOURS["text"]), alpha], (_DASHES, 2, 1))
    way = (end - start).astype(np.float64)
    return StrokeRows(start + begin * way, start + finish * way, colours, np.full(_DASHES, 1.8))
