"""What a clock that is followed does to a jam, on a clock of the test's own."""

from __future__ import annotations

from itertools import groupby

import pytest

from fmvae_core.ipc import Message
from fmvae_core.live.jam_messages import JamProblem
from fmvae_core.live.midi_clock import CONTINUE, SONG_POSITION, START, STOP, TICK, Timed
from fmvae_core.live.midi_ports import MidiEvent
from fmvae_core.live.sync import Moment, Sync
from fmvae_core.live.sync_messages import SetSync, SyncState
from tests.fmvae_core.live.test_jam import Band

GAP = 60.0 / 120.0 / 24


class Master(Band):
    """A jam that follows a MIDI clock of 120 bpm."""

    def __init__(self) -> None:
        super().__init__()
        self.moments: list[Moment] = []
        self.ends = 0
        self.sent: list[Timed] = []
        self.sync = Sync(
            lambda: self.now,
            self.jam,
            self.sent.extend,
            self.told.append,
            self._begin,
            self._end,
            lambda tempo: None,
        )
        self.sync.change(SetSync(follow="midi"), 120.0)

    def _begin(self, moment: Moment) -> None:
        self.moments.append(moment)
        self.start()
        self.sync.begun(moment)

    def _end(self) -> None:
        self.ends += 1
        self.jam.stop()

    def send(self, *data: int, port: str = "clock") -> None:
        self.sync.system(MidiEvent(self.now, port, data))

    def tick(self, count: int, late: float = 0.0) -> None:
        for _ in range(count):
            self.now += late
            self.send(TICK)
            self.now += GAP - late
            self.sync.wake(self.now)

    def problems(self) -> list[Message]:
        return self.all(JamProblem)


@pytest.mark.parametrize("late", [-0.003, 0.0, 0.003])
def test_a_take_begins_on_the_masters_start_however_late_its_tick_comes(late: float) -> None:
    master = Master()
    master.tick(48)
    master.send(START)
    begin = master.now
    master.tick(1, late)
    assert [moment.zero for moment in master.moments] == [0.0]
    assert master.moments[0].at == pytest.approx(begin, abs=0.004)
    assert master.moments[0].tempo == pytest.approx(120.0, rel=0.01)
    master.tick(48)
    master.send(STOP)
    assert master.ends == 1


def test_without_ticks_before_it_begins_all_the_same() -> None:
    master = Master()
    master.send(START)
    master.tick(1)
    assert master.moments == [Moment(pytest.approx(50.0), None, 0.0)]


def test_in_the_middle_of_a_bar_it_waits_for_the_next() -> None:
    master = Master()
    master.tick(48)
    master.send(SONG_POSITION, 4 * 4 + 6, 0)  # the second half of the second beat of a bar
    master.send(CONTINUE)
    begin = master.now
    master.tick(1)
    assert master.moments[0].zero == 8.0
    assert master.moments[0].at == pytest.approx(begin + 2.5 * 24 * GAP, abs=1e-3)


def test_a_jam_of_ones_own_begins_on_the_masters_bar() -> None:
    master = Master()
    assert master.sync.moment() is None
    master.send(START)
    master.tick(24 * 5)
    moment = master.sync.moment()
    assert moment is not None
    assert moment.zero == 8.0
    assert moment.at == pytest.approx(50.0 + 8 * 24 * GAP, abs=1e-3)


def test_a_clock_that_goes_is_told_only_in_a_take_and_once() -> None:
    master = Master()
    master.tick(48)
    assert master.sync.state.is_locked
    master.now += 1.0
    master.sync.wake(master.now)
    assert not master.sync.state.is_locked
    assert master.problems() == []
    master.tick(48)
    master.send(START)
    master.tick(48)
    master.sync.change(SetSync(sends_clock=True), 120.0)
    assert master.problems() == []
    assert master.sync.state.is_locked
    master.now += 1.0
    for _ in range(3):
        master.sync.wake(master.now)
    assert len(master.problems()) == 1
    locked = [is_locked for is_locked, _ in groupby(s.is_locked for s in master.all(SyncState))]
    assert locked == [False, True, False, True, False]
    master.tick(12)
    assert master.sync.state.source == "clock"


def test_one_port_is_followed_and_start_and_stop_may_be_left_out() -> None:
    master = Master()
    master.sync.change(SetSync(follows_transport=False), 120.0)
    master.tick(24)
    for _ in range(48):
        master.send(TICK, port="another")
    master.send(START)
    master.tick(24)
    line = master.sync.moment()
    assert line is not None
    assert line.tempo == pytest.approx(120.0, rel=0.01)
    assert master.moments == []
