from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmvae_core.live.clock import Clock, TickFit

START = 5000.0


class SoundCard:
    """Time as a test wants it, and the ticks of a card that takes sound a period at a time."""

    def __init__(self, period_ms: int = 5, rate: float = 1000.0, jitter: float = 0.0) -> None:
        self.now = START
        self.begun = START
        self.period_ms = period_ms
        self.rate = rate
        self.jitter = jitter
        self.stopped_at: float | None = None
        self._dice = random.Random(1)

    def time(self) -> float:
        return self.now

    def true_tick(self, seconds: float) -> float:
        return (seconds - self.begun) * self.rate

    def read_tick(self) -> int:
        seconds = self.now if self.stopped_at is None else self.stopped_at
        late = self.jitter * self._dice.random()
        periods = int(self.true_tick(seconds - late) / self.period_ms)
        return max(0, periods * self.period_ms)


def follow(clock: Clock, card: SoundCard, seconds: float, wake: float = 0.010) -> None:
    end = card.now + seconds
    while card.now < end:
        card.now += wake
        clock.observe()


@given(
    st.sampled_from([1, 3, 5, 10, 20]),
    st.floats(999.0, 1001.0),
    st.floats(0.0, 0.004),
    st.floats(0.008, 0.013),
)
def test_ticks_follow_the_card_through_steps_drift_and_jitter(
    period_ms: int, rate: float, jitter: float, wake: float
) -> None:
    card = SoundCard(period_ms, rate, jitter)
    clock = Clock(card.time)
    clock.attach(card.read_tick)
    follow(clock, card, 20.0, wake)
    # Where in its period the card is read decides between what it has played and what it will have.
    for ahead in (0.0, 0.030, 0.060):
        error = clock.tick(card.now + ahead) - card.true_tick(card.now + ahead)
        assert -1.5 - period_ms - 1000.0 * jitter <= error <= 1.5


def test_ticks_are_evenly_spaced_although_the_card_steps() -> None:
    card = SoundCard(period_ms=20, rate=1000.2, jitter=0.003)
    clock = Clock(card.time)
    clock.attach(card.read_tick)
    follow(clock, card, 5.0)
    ticks = []
    for _ in range(100):
        at = card.now + 0.060
        ticks.append(clock.tick(at) - card.true_tick(at))
        follow(clock, card, 0.125, wake=0.0101)
    assert max(ticks) - min(ticks) < 4.0


@given(st.lists(st.floats(0.0, 0.060), min_size=2, max_size=20))
def test_later_times_never_get_earlier_ticks(offsets: list[float]) -> None:
    card = SoundCard(jitter=0.002)
    clock = Clock(card.time)
    clock.attach(card.read_tick)
    follow(clock, card, 1.0)
    ticks = [clock.tick(card.now + offset) for offset in sorted(offsets)]
    assert ticks == sorted(ticks)


def test_the_first_observation_is_already_of_use() -> None:
    card = SoundCard()
    card.now += 3.0
    clock = Clock(card.time)
    clock.attach(card.read_tick)
    assert clock.tick(card.now + 0.050) == 3050


def test_a_driver_that_begins_late_leaves_no_trace_in_the_fit() -> None:
    card = SoundCard(period_ms=1)
    card.stopped_at = card.now
    clock = Clock(card.time)
    clock.attach(card.read_tick)
    follow(clock, card, 0.050)
    card.stopped_at = None
    card.begun = card.now
    follow(clock, card, 0.050)
    assert clock.tick(card.now) == pytest.approx(50, abs=2)


def test_a_read_that_took_long_is_not_believed() -> None:
    card = SoundCard(period_ms=1)
    clock = Clock(card.time)

    def slow_tick() -> int:
        tick = card.read_tick()
        card.now += 0.030  # the thread was put to sleep
        return tick

    reads = [card.read_tick] * 100 + [slow_tick] * 50
    clock.attach(lambda: reads.pop(0)() if reads else card.read_tick())
    follow(clock, card, 3.0)
    assert clock.tick(card.now) == pytest.approx(card.true_tick(card.now), abs=2)


@pytest.mark.parametrize("lost", [0.020, 0.050, 0.300])
def test_after_the_card_stood_still_the_ticks_follow_it_again(lost: float) -> None:
    card = SoundCard()
    clock = Clock(card.time)
    clock.attach(card.read_tick)
    follow(clock, card, 5.0)
    card.stopped_at = card.now
    follow(clock, card, lost)
    card.stopped_at = None
    card.begun += lost  # so much sound it did not take
    follow(clock, card, 0.2)
    assert clock.tick(card.now) == pytest.approx(card.true_tick(card.now), abs=6.0)


def test_loss_of_audio_is_noticed_and_time_goes_on() -> None:
    card = SoundCard()
    clock = Clock(card.time)
    clock.attach(card.read_tick)
    follow(clock, card, 1.0)
    assert not clock.is_lost
    card.stopped_at = card.now
    follow(clock, card, 0.4)
    assert not clock.is_lost
    follow(clock, card, 0.3)
    assert clock.is_lost
    before = clock.now()
    clock.detach()
    assert not clock.is_lost
    follow(clock, card, 1.0)
    assert clock.now() == pytest.approx(before + 1.0, abs=0.011)


def test_a_driver_that_never_begins_is_lost_too_but_gets_longer() -> None:
    card = SoundCard()
    card.stopped_at = card.now
    clock = Clock(card.time)
    clock.attach(card.read_tick)
    follow(clock, card, 1.5)
    assert not clock.is_lost
    follow(clock, card, 1.0)
    assert clock.is_lost


def test_a_new_synth_starts_a_new_fit() -> None:
    card = SoundCard()
    clock = Clock(card.time)
    clock.attach(card.read_tick)
    follow(clock, card, 3.0)
    clock.detach()
    fresh = SoundCard()
    fresh.now = fresh.begun = card.now
    clock.attach(fresh.read_tick)
    assert clock.tick(card.now) == 0


def test_the_fit_finds_the_rate() -> None:
    fit = TickFit()
    for i in range(3000):
        fit.add(i * 0.01, i * 0.01 * 1003.0)
    assert fit.rate == pytest.approx(1003.0, abs=0.1)
    assert fit(30.0) == pytest.approx(30_090.0, abs=1.0)
