"""MIDI clock in and out, on made-up times."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from fmvae_core.live.midi_clock import (
    CONTINUE,
    SONG_POSITION,
    START,
    STOP,
    TICK,
    TICKS_PER_BEAT,
    ClockIn,
    ClockOut,
    Line,
    Pulse,
)


class Master:
    """Sends ticks with the jitter of USB: each is up to 3 ms late."""

    def __init__(self, clock: ClockIn, tempo: float, stalls: float = 0.0) -> None:
        self.clock = clock
        self.tempo = tempo
        self.time = 100.0  # of the next tick
        self.did: list[str] = []
        self._stalls = stalls  # share of the ticks that are held up somewhere
        self._dice = random.Random(7)
        self._arrived = 0.0

    def tick(self, count: int = 1, lose: bool = False) -> None:
        for _ in range(count):
            late = 0.025 if self._dice.random() < self._stalls else self._dice.uniform(0.0, 0.003)
            self._arrived = max(self._arrived, self.time + late)
            if not lose:
                self.send(TICK)
            self.time += 60.0 / (self.tempo * TICKS_PER_BEAT)

    def send(self, *data: int) -> None:
        did = self.clock.take(self._arrived, data)
        if did is not None:
            self.did.append(did)

    @property
    def line(self) -> Line:
        line = self.clock.line()
        assert line is not None
        return line


@pytest.mark.parametrize("tempo", [40.0, 90.0, 140.0, 240.0])
def test_tempo_and_beats_are_found_in_ticks_that_tremble(tempo: float) -> None:
    master = Master(ClockIn(), tempo, stalls=0.02)
    assert master.clock.line() is None
    master.send(START)
    master.tick(3 * TICKS_PER_BEAT)
    for _ in range(200):
        master.tick()
        assert master.line.tempo == pytest.approx(tempo, rel=0.005)
    # Its next beats, less the 3 ms by which ticks are late at most.
    beat = 3 + 200 / TICKS_PER_BEAT
    assert master.line.time_of(beat) == pytest.approx(master.time + 0.0015, abs=0.003)


def test_a_new_tempo_is_followed_within_a_beat() -> None:
    master = Master(ClockIn(), 100.0)
    master.tick(4 * TICKS_PER_BEAT)
    for tempo in (160.0, 70.0):
        master.tempo = tempo
        master.tick(TICKS_PER_BEAT)
        assert master.line.tempo == pytest.approx(tempo, rel=0.02)
        master.tick(2 * TICKS_PER_BEAT)
        assert master.line.tempo == pytest.approx(tempo, rel=0.005)


def test_a_tempo_that_grows_is_followed() -> None:
    master = Master(ClockIn(), 90.0)
    master.tick(2 * TICKS_PER_BEAT)
    for _ in range(16 * TICKS_PER_BEAT):
        master.tempo += 40.0 / (16 * TICKS_PER_BEAT)
        master.tick()
        assert master.line.tempo == pytest.approx(master.tempo, rel=0.04)


def test_start_stop_continue_and_song_position() -> None:
    master = Master(ClockIn(), 120.0)
    master.tick(30)
    master.send(START)
    assert master.did == []
    master.tick()
    assert master.did == ["start"]
    assert master.line.beat == 0.0
    master.tick(5 * TICKS_PER_BEAT)
    assert master.line.beat == 5.0
    master.send(STOP)
    assert master.did == ["start", "stop"]
    master.send(STOP)
    master.tick(17)  # a master that stands still may go on to tick
    master.send(CONTINUE)
    master.tick()
    assert master.did == ["start", "stop", "start"]
    assert master.line.beat == pytest.approx(5.0 + 1 / TICKS_PER_BEAT)
    master.send(STOP)
    master.send(SONG_POSITION, 0x10, 0x01)  # 144 sixteenths
    master.send(CONTINUE)
    master.tick(1 + TICKS_PER_BEAT)
    assert master.line.beat == 37.0


def test_one_tick_that_is_lost_is_counted() -> None:
    master = Master(ClockIn(), 120.0)
    master.send(START)
    master.tick(40)
    master.tick(lose=True)
    master.tick(40)
    assert master.line.beat == pytest.approx(80 / TICKS_PER_BEAT)


def test_a_clock_that_falls_silent_is_lost_and_found_again() -> None:
    master = Master(ClockIn(), 120.0)
    master.tick(40)
    assert not master.clock.is_lost(master.time + 0.3)
    assert master.clock.is_lost(master.time + 0.6)
    master.time += 3.0
    master.tick()
    assert not master.clock.is_lost(master.time)
    assert master.clock.line() is None
    master.tick(8)
    assert master.line.tempo == pytest.approx(120.0, rel=0.1)


def test_a_line_knows_its_bars() -> None:
    line = Line(time=10.0, beat=2.0, tempo=120.0)
    assert line.beat_at(11.0) == 4.0
    assert line.next_bar(11.0) == 4.0
    assert line.next_bar(11.01) == 8.0
    assert line.time_of(8.0) == 13.0


def _pulses(numbers: Iterable[int]) -> list[Pulse]:
    return [Pulse(number / 48, number) for number in numbers]


def test_the_song_starts_after_the_count_in() -> None:
    out = ClockOut()
    sent = out.messages(_pulses(range(-96, 3)))
    kinds = [data[0] for _, data in sent]
    assert kinds == [TICK] * 96 + [START] + [TICK] * 3
    assert sent[96][0] == sent[97][0] == 0.0
    assert out.stop() == ((STOP,),)
    assert out.stop() == ()


def test_who_joins_late_is_told_where_the_song_is() -> None:
    out = ClockOut()
    before = out.messages(_pulses(range(100, 192)))
    assert {data[0] for _, data in before} == {TICK}
    sent = out.messages(_pulses(range(192, 195)))
    assert [data for _, data in sent[:3]] == [(SONG_POSITION, 32, 0), (CONTINUE,), (TICK,)]


def test_one_clock_follows_another() -> None:
    out, clock = ClockOut(), ClockIn()
    did = [clock.take(time, data) for time, data in out.messages(_pulses(range(-96, 97)))]
    assert did.count("start") == 1
    line = clock.line()
    assert line is not None
    assert (line.beat, round(line.tempo, 6)) == (4.0, 120.0)
