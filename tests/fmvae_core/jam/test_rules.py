"""Whose turn it is, what is asked when, and what is played, whatever time and the model do."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmvae_core.jam.rules import Ask, How, Jam, Mode, Play, Settings, State, on_the_downbeat
from fmvae_core.jam.window import HALF_STEP
from fmvae_core.music.phrase import Note, Phrase

TICK = 1 / 32


@dataclass
class Engine:
    """Turns the clock and answers requests some beats later (never, if ``delay`` is None)."""

    jam: Jam
    delay: float | None = 0.0
    ahead: float = 0.0
    now: float = 0.0
    asks: list[tuple[float, Ask]] = field(default_factory=list)
    plays: list[tuple[float, Play]] = field(default_factory=list)

    def run(self, until: float) -> None:
        while self.now < until:
            self.step(self.now, self.now + self.ahead)
            self.now += TICK

    def step(self, heard: float, queued: float) -> None:
        self.now = heard
        if self.delay is not None:
            for asked, ask in self.asks:
                if asked + self.delay <= heard:
                    self.jam = self.jam.answer(ask.number)
        self.jam, actions = self.jam.advance(heard, queued)
        for action in actions:
            if isinstance(action, Ask):
                self.asks.append((heard, action))
            else:
                self.plays.append((heard, action))


def engine(mode: Mode, delay: float | None = TICK, bars: int = 2) -> Engine:
    return Engine(Jam(Settings(mode=mode, bars=bars)).begin(), delay)


def states(running: Engine, until: float) -> list[State]:
    seen: list[State] = []
    while running.now < until:
        now = running.now
        running.run(now + TICK)
        state = running.jam.state(now)
        if not seen or seen[-1] is not state:
            seen.append(state)
    return seen


def test_a_trade_alternates_after_the_count_in() -> None:
    running = engine(Mode.TRADE)
    assert states(running, 4 + 4 * 8) == [
        State.COUNT_IN,
        State.LISTENING,
        State.ANSWERING,
        State.LISTENING,
        State.ANSWERING,
    ]
    assert [(play.turn.start, play.how) for _, play in running.plays] == [
        (12.0, How.FINAL),
        (28.0, How.FINAL),
    ]


def test_the_machine_may_begin() -> None:
    running = engine(Mode.MACHINE_FIRST)
    assert states(running, 4 + 2 * 8)[:3] == [State.COUNT_IN, State.ANSWERING, State.LISTENING]
    asked, ask = running.asks[0]
    assert asked == 0.0
    assert ask.heard is None
    assert ask.turn == 0
    assert ask.is_final
    assert running.plays[0][1].how is How.FINAL
    assert running.plays[0][1].turn.start == 4.0


def test_in_continuous_mode_every_turn_answers_the_one_before() -> None:
    running = engine(Mode.CONTINUOUS)
    running.run(4 + 4 * 8)
    by_number = {ask.number: ask for _, ask in running.asks}
    assert [play.turn.number for _, play in running.plays] == [1, 2, 3]
    for _, play in running.plays:
        assert play.turn.listens
        assert play.number is not None
        heard = by_number[play.number].heard
        assert heard is not None
        assert heard.number == play.turn.number - 1


def test_hold_repeats_the_last_answer_and_lets_go() -> None:
    running = engine(Mode.TRADE)
    running.run(13.0)  # the first answer sounds
    first = running.plays[0][1].number
    running.jam = running.jam.configured(Settings(mode=Mode.HOLD))
    running.run(35.0)
    assert [(play.number, play.how) for _, play in running.plays[1:]] == [(first, How.HELD)] * 2
    running.jam = running.jam.configured(Settings(mode=Mode.TRADE))
    running.run(37.0)  # what was played along with the hold is answered
    assert running.plays[-1][1].how is How.FINAL
    assert running.plays[-1][1].number != first
    assert not running.plays[-1][1].turn.listens


def test_hold_from_the_start_gets_an_answer_to_hold() -> None:
    running = engine(Mode.HOLD)
    running.run(4 + 4 * 8)
    assert [play.how for _, play in running.plays] == [How.FINAL, How.HELD, How.HELD]
    assert len({play.number for _, play in running.plays}) == 1


@pytest.mark.parametrize("bars", [1, 2, 4])
def test_an_answer_is_prepared_from_half_way_at_every_beat_and_at_the_close(bars: int) -> None:
    running = engine(Mode.TRADE, bars=bars)
    end = 4 + 4 * bars
    running.run(end)
    half = 2 * bars
    wanted = [4.0 + half + beat for beat in range(half)] + [end - HALF_STEP]
    assert [asked for asked, _ in running.asks] == wanted
    assert [ask.is_final for _, ask in running.asks] == [False] * half + [True]
    assert {ask.turn for _, ask in running.asks} == {1}


def test_a_final_answer_that_is_late_leaves_the_prepared_one_and_is_never_played() -> None:
    running = engine(Mode.TRADE, delay=4 * HALF_STEP)
    running.run(36.0)
    finals = {ask.number for _, ask in running.asks if ask.is_final}
    assert [play.how for _, play in running.plays] == [How.PREPARED, How.PREPARED]
    assert not finals & {play.number for _, play in running.plays}


def test_a_model_that_never_answers_leaves_silence_and_one_that_dies_a_repetition() -> None:
    running = engine(Mode.TRADE, delay=None)
    running.run(21.0)
    assert [(play.number, play.how) for _, play in running.plays] == [(None, How.SILENT)]
    running = engine(Mode.TRADE)
    running.run(13.0)
    running.delay = None
    running.run(29.0)
    first, second = (play for _, play in running.plays)
    assert second.how is How.REPEATED
    assert second.number == first.number


def test_after_a_change_of_length_the_machine_listens_first() -> None:
    running = engine(Mode.CONTINUOUS)
    running.run(21.0)
    running.jam = running.jam.configured(Settings(mode=Mode.HOLD, bars=4))
    before = len(running.plays)
    running.run(60.0)
    for _, play in running.plays[before:]:
        ask = next(ask for _, ask in running.asks if ask.number == play.number)
        assert ask.heard is not None
        assert ask.heard.bars == play.turn.bars == 4
    assert running.plays[before][1].turn.start == 28.0 + 16.0


def test_a_landing_counts_in_continuous_mode_only() -> None:
    for mode in (Mode.TRADE, Mode.CONTINUOUS):
        running = engine(mode)
        running.run(12.0)
        landed = running.jam.listening_turn(12.0 - HALF_STEP / 2)
        if mode is Mode.TRADE:
            assert landed is None
        else:
            assert landed is not None
            assert landed.start == 12.0
        inside = running.jam.listening_turn(12.0 - HALF_STEP - 1e-6)
        assert inside is not None
        assert inside.number == 0


def test_a_hit_whose_window_was_closed_before_it_came_is_the_first_of_the_next() -> None:
    close = 12.0 - HALF_STEP
    running = engine(Mode.CONTINUOUS)
    running.run(close - 0.01)
    assert running.jam.counted_at(close - 0.02) == close - 0.02
    running.run(close + 0.01)
    assert running.jam.counted_at(close - 0.02) == close
    assert running.jam.counted_at(close + 0.005) == close + 0.005
    landed = running.jam.listening_turn(close)
    assert landed is not None
    assert landed.start == 12.0
    trading = engine(Mode.TRADE)
    trading.run(close + 0.01)
    assert trading.jam.counted_at(close - 0.02) == close - 0.02, "nobody listens next"


def test_an_early_downbeat_after_the_machine_belongs_to_the_human() -> None:
    running = engine(Mode.TRADE)
    running.run(20.0)
    turn = running.jam.listening_turn(20.0 - HALF_STEP / 2)
    assert turn is not None
    assert turn.start == 20.0
    assert running.jam.listening_turn(20.0 - HALF_STEP - 1e-6) is None


def test_bar_and_beat_count_from_one() -> None:
    running = engine(Mode.TRADE)
    running.run(13.0)
    shown = [running.jam.bar_and_beat(beat) for beat in (0.0, 3.9, 4.0, 11.99, 12.0)]
    assert shown == [(1, 1), (1, 4), (1, 1), (2, 4), (1, 1)]


def test_idle_does_nothing_and_stopping_ends_all() -> None:
    jam = Jam()
    assert jam.advance(100.0, 101.0) == (jam, ())
    assert jam.state(0.0) is State.IDLE
    running = engine(Mode.TRADE)
    running.run(13.0)
    stopped = running.jam.stop()
    assert stopped.state(13.0) is State.IDLE
    assert stopped.advance(20.0, 20.0)[1] == ()
    # Numbers are never used twice, so an answer to the old take cannot be taken for a new one.
    again = stopped.begin()
    assert again.next_number == running.jam.next_number


@given(
    st.sampled_from(list(Mode)),
    st.sampled_from([1, 2, 4]),
    st.lists(
        st.tuples(
            st.floats(0.0, 3.0),  # how long the engine slept
            st.floats(0.0, 0.5),  # how much is queued ahead
            st.floats(0.0, 0.1),  # how late hits come in
            st.sampled_from([None, None, None, *Mode]),
            st.booleans(),  # whether the model has answered all
        ),
        max_size=80,
    ),
)
def test_whatever_happens_each_turn_is_answered_once_and_in_time(
    mode: Mode,
    bars: int,
    events: list[tuple[float, float, float, Mode | None, bool]],
) -> None:
    jam = Jam(Settings(mode=mode, bars=bars)).begin()
    now = 0.0
    asks: dict[int, Ask] = {}
    played: list[int] = []
    turns = list(jam.turns)
    for slept, ahead, late, change, answered in events:
        now += slept
        if change is not None:
            jam = jam.configured(Settings(mode=change, bars=bars))
        if answered:
            for number in asks:
                jam = jam.answer(number)
        jam, actions = jam.advance(now - late, now + ahead)
        turns += [turn for turn in jam.turns if turn.number > turns[-1].number]
        for action in actions:
            if isinstance(action, Ask):
                assert action.number not in asks
                assert all(n < action.number for n in asks)
                asks[action.number] = action
                continue
            turn = action.turn
            assert turn.answers
            assert turn.start <= now + ahead
            assert turn.number not in played
            assert played == sorted(played)
            played.append(turn.number)
            if action.how in (How.FINAL, How.PREPARED):
                assert action.number is not None
                ask = asks[action.number]
                assert ask.turn == turn.number
                assert ask.is_final == (action.how is How.FINAL)
                assert ask.heard is None or ask.heard.number == turn.number - 1
        assert len(jam.turns) <= 4
        assert len(jam.asks) <= 5 * 9
        state = jam.state(now)
        turn_now = jam.turn(now)
        assert (state is State.COUNT_IN) == (turn_now is None)
    for turn, following in itertools.pairwise(turns):
        assert following.start == turn.end
        assert following.number == turn.number + 1
        assert following.listens or following.answers


def test_no_answer_sounds_before_its_downbeat() -> None:
    phrase = Phrase((Note(-0.11, 36, 100), Note(0.05, 42, 90), Note(0.9, 38, 80)), 2, 100.0)
    clamped = on_the_downbeat(phrase)
    assert [note.onset for note in clamped.notes] == [0.0, 0.05, 0.9]
    assert clamped.tempo == 100.0
    assert clamped.bars == 2
