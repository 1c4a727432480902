"""Latency there and back, from hits on a click."""

from __future__ import annotations

import random

import pytest

from fmvae_core.ipc import Message
from fmvae_core.jam.pads import Hit
from fmvae_core.live.calibration import Calibration, settle
from fmvae_core.live.sync_messages import CalibrationState, StartCalibration
from fmvae_core.live.voices import CLICK_CHANNEL, SoundEvent


class Click:
    """A calibration on a clock of the test's own, and what it tells."""

    def __init__(self) -> None:
        self.now = 10.0
        self.clicks: list[float] = []
        self.told: list[CalibrationState] = []
        self.released = 0
        self.calibration = Calibration(lambda: self.now, self._sound, self._release, self._tell)

    def _sound(self, events: list[SoundEvent]) -> None:
        assert all(event.channel == CLICK_CHANNEL for event in events)
        self.clicks += [event.time for event in events if event.velocity]

    def _release(self) -> None:
        self.released += 1

    def _tell(self, message: Message) -> None:
        assert isinstance(message, CalibrationState)
        self.told.append(message)

    def tap_along(self, late: float, clicks: int, port: str = "kit", stray: int = 0) -> None:
        """Tap on each click that is heard; every so many taps one goes astray."""
        dice = random.Random(5)
        done = len(self.clicks)
        for number in range(done, done + clicks):
            while len(self.clicks) <= number and self.calibration.is_running:
                self.now += 0.01
                self.calibration.wake(self.now)
            if not self.calibration.is_running:
                return
            off = dice.gauss(late, 0.008)
            if stray and number % stray == 0:
                off += 0.15
            self.now = self.clicks[number] + off
            self.calibration.hit(Hit(self.now, 1, 90), port)


@pytest.mark.parametrize("late", [0.180, 0.020, -0.030])
def test_the_latency_is_found_whatever_single_hits_do(late: float) -> None:
    click = Click()
    click.calibration.start(StartCalibration(tempo=120.0, hits=16))
    click.tap_along(late, 60, stray=7)
    last = click.told[-1]
    assert last.is_done
    assert not last.is_running
    assert last.hits == 16
    assert last.dropped >= 2
    assert last.median_ms == pytest.approx(1000.0 * late, abs=6.0)
    assert last.spread_ms is not None
    assert last.spread_ms < 20.0
    assert last.port == "kit"
    assert click.released == 1
    assert not click.calibration.hit(Hit(click.now, 1, 90), "kit")


def test_another_device_begins_anew() -> None:
    click = Click()
    click.calibration.start(StartCalibration(tempo=120.0, hits=8))
    click.tap_along(0.100, 9)
    assert click.told[-1].hits == 5
    click.tap_along(0.010, 20, port="")
    assert click.told[-1].is_done
    assert click.told[-1].median_ms == pytest.approx(10.0, abs=8.0)


def test_it_ends_when_nobody_taps_or_when_it_is_told_to() -> None:
    click = Click()
    click.calibration.start(StartCalibration(tempo=240.0, hits=4))
    while click.calibration.is_running:
        click.now += 0.01
        click.calibration.wake(click.now)
    assert len(click.clicks) <= 24
    assert not click.told[-1].is_done
    click.calibration.start(StartCalibration())
    click.calibration.stop()
    assert not click.told[-1].is_running


def test_few_hits_that_agree_are_not_thrown_away() -> None:
    kept, middle, spread = settle([0.010, 0.010, 0.011, 0.010, 0.028, 0.200])
    assert kept == [0.010, 0.010, 0.011, 0.010, 0.028]
    assert (middle, round(spread, 4)) == (0.010, 0.0)
