"""MIDI clock, 24 ticks a beat, in and out. Pure: times come in, times go out.

Ticks come with the jitter of USB and of whoever takes them in, so a line is laid through the last
two beats of them, firm against single strays; where they leave it for good a new one begins.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Literal

from fmvae_core.music.phrase import BEATS_PER_BAR, MAX_TEMPO, MIN_TEMPO

TICKS_PER_BEAT = 24
TICK, START, CONTINUE, STOP, SONG_POSITION = 0xF8, 0xFA, 0xFB, 0xFC, 0xF2

LOST_SECONDS = 0.5
"""A clock that says nothing for so long is lost; the slowest ticks are an eighth of that apart."""

_TICKS_PER_SIXTEENTH = 6  # the unit of song positions
_MEMORY = 2 * TICKS_PER_BEAT
_FEWEST = 5  # ticks that a line needs
_NEW_LINE = 8  # ticks of a new tempo that are believed
_MOST_UNEVEN = 2  # gaps among them; one tick that is late makes two
_STRAY = 0.006  # seconds off the line, several ticks in a row, at which it is given up
_UNEVEN = 0.4  # share of a gap by which the ticks of a new line may differ
_REFITS = 3
_FIT_EVERY = 4  # ticks
_FINEST = 1e-4  # seconds; ticks that are nearer to the line than that count in full
_SIXTEENTHS_PER_BAR = 4 * BEATS_PER_BAR
_SONG_POSITIONS = 2**14


@dataclass(frozen=True, slots=True)
class Line:
    """Where a master's beats fall: it is at ``beat`` at ``time``, and goes on at ``tempo``."""

    time: float
    beat: float
    tempo: float

    def beat_at(self, time: float) -> float:
        """Return the beat at a time in seconds."""
        return self.beat + (time - self.time) * self.tempo / 60.0

    def time_of(self, beat: float) -> float:
        """Return when a beat falls, in seconds."""
        return self.time + (beat - self.beat) * 60.0 / self.tempo

    def next_bar(self, earliest: float) -> float:
        """Return the first beat of the first bar that does not begin before a time."""
        # A millionth of a beat is rounding.
        return BEATS_PER_BAR * math.ceil(self.beat_at(earliest) / BEATS_PER_BAR - 1e-6)


class ClockIn:
    """Follows the clock of one MIDI port."""

    def __init__(self) -> None:
        self._ticks: deque[tuple[int, float]] = deque(maxlen=_MEMORY)  # number and time
        self._line: tuple[float, float] | None = None  # time of tick 0 and gap between ticks
        self._number = -1  # of the last tick
        self._song_zero = 0  # number of the tick that is the song's first
        self._song = 0  # tick of the song at which it goes on
        self._is_about_to_play = False
        self.is_playing = False
        """Whether the master's song runs."""

    @property
    def last_tick(self) -> float | None:
        """When a tick came last."""
        return self._ticks[-1][1] if self._ticks else None

    @property
    def song_beat(self) -> float:
        """Beat of the song at the last tick."""
        return (self._number - self._song_zero) / TICKS_PER_BEAT

    def is_lost(self, now: float) -> bool:
        """Return whether no tick has come for too long."""
        last = self.last_tick
        return last is not None and now - last > LOST_SECONDS

    def take(self, seconds: float, data: Sequence[int]) -> Literal["start", "stop"] | None:
        """Take a message; return what the master's song does with it.

        It starts, or goes on, with the first tick after the message that says so.
        """
        kind = data[0]
        if kind == TICK:
            return self._tick(seconds)
        if kind == START:
            self._song = 0
            self._is_about_to_play = True
        elif kind == CONTINUE:
            self._is_about_to_play = not self.is_playing
        elif kind == SONG_POSITION and len(data) == 3 and not self.is_playing:
            self._song = _TICKS_PER_SIXTEENTH * (data[1] + 128 * data[2])
        elif kind == STOP:
            was_playing, self.is_playing = self.is_playing, False
            self._is_about_to_play = False
            return "stop" if was_playing else None
        return None

    def line(self) -> Line | None:
        """Return where the beats of the song fall; ``None`` before there are enough ticks."""
        if self._line is None:
            return None
        start, gap = self._line
        tempo = 60.0 / (gap * TICKS_PER_BEAT) if gap > 0.0 else math.inf
        if not MIN_TEMPO <= tempo <= MAX_TEMPO:
            return None
        return Line(start + gap * self._number, self.song_beat, tempo)

    def _tick(self, seconds: float) -> Literal["start"] | None:
        if self.is_lost(seconds):
            self._ticks.clear()
            self._line = None
        self._number += 1
        self._ticks.append((self._number, seconds))
        self._count_one_that_was_lost()
        self._lay_line()
        starts, self._is_about_to_play = self._is_about_to_play, False
        if starts:
            self._song_zero = self._number - self._song
            self.is_playing = True
        elif self.is_playing:
            self._song = self._number - self._song_zero + 1
        return "start" if starts else None

    def _count_one_that_was_lost(self) -> None:
        """Count a tick where the gap before the last one was two wide; it was even before."""
        if len(self._ticks) < _NEW_LINE:
            return
        times = [time for _, time in list(self._ticks)[-_NEW_LINE:]]
        *before, wide, last = [b - a for a, b in pairwise(times)]
        usual = median(before)
        if abs(wide - 2 * usual) < _UNEVEN * usual and abs(last - usual) < _UNEVEN * usual:
            (a, a_time), (b, b_time) = self._ticks[-2], self._ticks[-1]
            if a - self._ticks[-3][0] == 1:
                self._number += 1
                self._ticks[-2], self._ticks[-1] = (a + 1, a_time), (b + 1, b_time)

    def _lay_line(self) -> None:
        if len(self._ticks) < _FEWEST:
            return
        if self._line is not None and self._number % _FIT_EVERY and len(self._ticks) > _NEW_LINE:
            return
        new = list(self._ticks)[-_NEW_LINE:]
        if self._line is not None and len(self._ticks) > _NEW_LINE and self._is_left_for(new):
            self._ticks = deque(new, maxlen=_MEMORY)
        self._line = _fit(list(self._ticks))

    def _is_left_for(self, new: Sequence[tuple[int, float]]) -> bool:
        """Return whether the newest ticks have left the line, and make one of their own."""
        assert self._line is not None
        start, gap = self._line
        strays = [time - (start + gap * number) for number, time in new[-4:]]
        gaps = [b - a for (_, a), (_, b) in pairwise(new)]
        usual = median(gaps)
        # Ticks that were held up somewhere come together, and are no new tempo.
        uneven = sum(abs(each - usual) >= _UNEVEN * usual for each in gaps)
        return uneven <= _MOST_UNEVEN and (min(strays) > _STRAY or max(strays) < -_STRAY)


def _fit(ticks: Sequence[tuple[int, float]]) -> tuple[float, float]:
    """Return the time of tick 0 and the gap between ticks, by least squares firm against strays."""
    first = ticks[0][0]
    xs = [float(number - first) for number, _ in ticks]
    ys = [time - ticks[0][1] for _, time in ticks]
    weights = [1.0] * len(xs)
    start = gap = 0.0
    for _ in range(_REFITS):
        total = sum(weights)
        x_mean = sum(w * x for w, x in zip(weights, xs, strict=True)) / total
        y_mean = sum(w * y for w, y in zip(weights, ys, strict=True)) / total
        xx = sum(w * (x - x_mean) ** 2 for w, x in zip(weights, xs, strict=True))
        xy = sum(w * (x - x_mean) * (y - y_mean) for w, x, y in zip(weights, xs, ys, strict=True))
        gap = xy / xx if xx > 0.0 else 0.0
        start = y_mean - gap * x_mean
        strays = [abs(y - start - gap * x) for x, y in zip(xs, ys, strict=True)]
        usual = max(median(strays), _FINEST)
        weights = [min(1.0, usual / stray) if stray > 0.0 else 1.0 for stray in strays]
    return ticks[0][1] + start - gap * first, gap


@dataclass(frozen=True, slots=True)
class Pulse:
    """A tick that goes out: when, and its number, counted from the song's beginning."""

    time: float
    number: int


Timed = tuple[float, tuple[int, ...]]
"""A time in seconds and the bytes of a MIDI message."""


class ClockOut:
    """Makes messages of pulses: ticks, and at the song's beginning, or where it is joined, a start.

    Ticks with numbers below zero, those of the count-in, let whoever follows find the tempo before
    the song starts.
    """

    def __init__(self) -> None:
        self._has_started = False

    def messages(self, pulses: Iterable[Pulse]) -> list[Timed]:
        """Return what to send for pulses, in their order."""
        out: list[Timed] = []
        for pulse in pulses:
            if not self._has_started and pulse.number >= 0:
                out += self._start(pulse)
            out.append((pulse.time, (TICK,)))
        return out

    def stop(self) -> tuple[tuple[int, ...], ...]:
        """Return what to send at the end of the song, at once."""
        was_started, self._has_started = self._has_started, False
        return ((STOP,),) if was_started else ()

    def _start(self, pulse: Pulse) -> list[Timed]:
        if pulse.number == 0:
            self._has_started = True
            return [(pulse.time, (START,))]
        sixteenth, rest = divmod(pulse.number, _TICKS_PER_SIXTEENTH)
        if rest or sixteenth % _SIXTEENTHS_PER_BAR:  # whoever joins late does so on a bar
            return []
        self._has_started = True
        position = sixteenth % _SONG_POSITIONS
        where = (SONG_POSITION, position % 128, position // 128)
        return [(pulse.time, where), (pulse.time, (CONTINUE,))]
