from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fmvae_core.live.scheduler import QUEUE_SECONDS, Scheduler, Tag
from fmvae_core.live.voices import (
    CLICK_ACCENT,
    CLICK_BEAT,
    CLICK_CHANNEL,
    DRUM_CHANNEL,
    MELODY_CHANNEL,
    SoundEvent,
)
from fmvae_core.music.phrase import MAX_TEMPO, STEP_BEATS, STEPS_PER_BEAT, Note, Phrase
from tests.fmvae_core.music.strategies import phrases

WAKE = 0.010
no_deadline = settings(deadline=None)  # thousands of wake-ups take what they take
START = 100.0

tempos = st.floats(40.0, MAX_TEMPO)


class Player:
    """Wakes a scheduler as the engine does, and checks what must hold of every single wake-up."""

    def __init__(self, phrase: Phrase, tempo: float, loop: bool = True) -> None:
        self.scheduler = Scheduler()
        self.scheduler.set_phrase(phrase, Tag("first", 0))
        self.scheduler.set_tempo(tempo)
        self.scheduler.set_loop(loop)
        self.now = START
        self.events: list[SoundEvent] = []
        self.scheduler.start(START)

    def wake(self, after: float = WAKE) -> None:
        queued = self.scheduler.queued_until
        events = self.scheduler.advance(self.now)
        for event in events:
            # The end of a note that starts with the phrase's end is a hundredth of a second late.
            late = 0.0 if event.velocity else 0.010
            assert queued - 1e-9 <= event.time < self.now + QUEUE_SECONDS + late + 1e-9
        times = [event.time for event in events]
        assert times == sorted(times)
        self.events += events
        self.now += after

    def run_until(self, is_done: Callable[[], bool]) -> None:
        for _ in range(200_000):
            if is_done():
                return
            self.wake()
        raise AssertionError("the scheduler never got there")

    def run_for(self, seconds: float) -> None:
        end = self.now + seconds
        self.run_until(lambda: self.now >= end)

    def finish(self) -> None:
        """Let the last turn end."""
        self.scheduler.set_loop(False)
        self.run_until(lambda: not self.scheduler.is_playing)

    def starts(self, channel: int | None = None) -> list[SoundEvent]:
        return [e for e in self.events if e.velocity and channel in (None, e.channel)]


def check_every_start_has_its_end(events: list[SoundEvent]) -> None:
    sounding: dict[tuple[int, int], float] = {}
    ended: dict[tuple[int, int], tuple[float, float]] = {}
    for event in events:
        key = event.channel, event.pitch
        if event.velocity:
            assert key not in sounding, "started again without an end"
            sounding[key] = event.time
            if ended.get(key, (0.0, -1.0))[1] == event.time:
                del ended[key]
        else:
            assert key in sounding, "ended what does not sound"
            check_not_too_short(ended.get(key))
            ended[key] = sounding.pop(key), event.time
    assert not sounding, "never ends"
    for note in ended.values():
        check_not_too_short(note)


def check_not_too_short(note: tuple[float, float] | None) -> None:
    """The synth counts milliseconds: an end in the same one would come before the start.

    (One that is there because the note is struck again does not matter.)
    """
    if note is not None:
        assert note[1] - note[0] > 0.009


def groove(*hits: tuple[float, int], bars: int = 1, velocity: int = 100) -> Phrase:
    """Drum hits at (beat, pitch)."""
    return Phrase(tuple(Note(beat, pitch, velocity) for beat, pitch in hits), bars)


@st.composite
def loose_grooves(draw: st.DrawFn, bars: int = 1) -> Phrase:
    """At most one hit a cell, never quite at the border between two cells."""
    cells = draw(
        st.sets(
            st.tuples(st.integers(0, bars * 16 - 1), st.sampled_from((36, 38, 42))), max_size=20
        )
    )
    offsets = st.floats(-0.45, 0.45)
    notes = tuple(Note((step + draw(offsets)) * STEP_BEATS, pitch, 90) for step, pitch in cells)
    return Phrase(notes, bars)


@no_deadline
@given(phrases(), tempos, st.integers(0, 3))
def test_every_turn_plays_every_note_once_and_in_its_place(
    phrase: Phrase, tempo: float, more_turns: int
) -> None:
    player = Player(phrase, tempo)
    second = 60.0 / tempo
    last = START + more_turns * phrase.beats * second
    player.run_until(lambda: player.now >= last)
    player.finish()
    channel = DRUM_CHANNEL if phrase.is_drums else MELODY_CHANNEL
    expected = sorted(
        (START + max(0.0, turn * phrase.beats + note.onset) * second, note.pitch, note.velocity)
        for turn in range(more_turns + 1)
        for note in phrase.notes
    )
    played = sorted((e.time, e.pitch, e.velocity) for e in player.starts())
    # Simultaneous notes may come in any order, and times are rounded.
    assert [t for t, *_ in played] == pytest.approx([t for t, *_ in expected], abs=1e-6)
    assert Counter((p, v) for _, p, v in played) == Counter((p, v) for _, p, v in expected)
    assert {event.channel for event in player.events} <= {channel}
    check_every_start_has_its_end(player.events)
    end = START + (more_turns + 1) * phrase.beats * second
    assert all(event.time <= end + 0.010 + 1e-6 for event in player.events)


@no_deadline
@given(
    phrases(),
    st.lists(
        st.tuples(
            st.floats(0.0, 0.4),
            st.one_of(phrases(), tempos, st.booleans(), st.sampled_from(["click", "quiet"])),
        ),
        max_size=12,
    ),
    tempos,
)
def test_nothing_sticks_or_comes_before_what_is_queued_whatever_is_changed(
    phrase: Phrase, changes: list[tuple[float, Phrase | float | bool | str]], tempo: float
) -> None:
    player = Player(phrase, tempo)
    for revision, (pause, change) in enumerate(changes, 1):
        player.run_for(pause)
        if not player.scheduler.is_playing:
            break
        queued = player.scheduler.queued_until
        if isinstance(change, Phrase):
            first = player.scheduler.set_phrase(change, Tag("test", revision))
            assert first is None or first >= queued - 1e-9
        elif isinstance(change, bool):
            player.scheduler.set_loop(change)
        elif isinstance(change, float):
            player.scheduler.set_tempo(change)
            assert player.scheduler.queued_until == pytest.approx(queued)
        else:
            player.scheduler.metronome = change == "click"
    player.finish()
    check_every_start_has_its_end(player.events)


@no_deadline
@given(phrases(), st.lists(st.tuples(st.floats(0.0, 0.5), tempos), min_size=1, max_size=6), tempos)
def test_changes_of_tempo_neither_lose_nor_double_a_note(
    phrase: Phrase, changes: list[tuple[float, float]], tempo: float
) -> None:
    player = Player(phrase, tempo)
    for pause, faster in changes:
        player.run_for(pause)
        before = player.scheduler.position(player.now)
        player.scheduler.set_tempo(faster)
        after = player.scheduler.position(player.now)
        assert after.beat == pytest.approx(before.beat)
    player.finish()
    count = Counter((event.pitch, event.velocity) for event in player.starts())
    notes = Counter((note.pitch, note.velocity) for note in phrase.notes)
    assert count.keys() == notes.keys()
    assert len({count[note] / notes[note] for note in notes}) == 1, "turns are not all whole"


@no_deadline
@given(
    st.lists(loose_grooves(), min_size=2, max_size=4),
    st.lists(st.tuples(st.floats(0.0, 0.3), st.integers(0, 3)), min_size=1, max_size=20),
    st.floats(40.0, 300.0),
)
def test_a_hit_that_all_phrases_share_sounds_once_a_turn_through_every_swap(
    grooves: list[Phrase], swaps: list[tuple[float, int]], tempo: float
) -> None:
    player = Player(grooves[0], tempo)
    for revision, (pause, choice) in enumerate(swaps, 1):
        player.run_for(pause)
        phrase = grooves[choice % len(grooves)]
        player.scheduler.set_phrase(phrase, Tag("test", revision))
    player.finish()
    played = Counter(
        (round((event.time - START) * tempo / 60.0 * STEPS_PER_BEAT), event.pitch)
        for event in player.starts()
    )
    beats = max(cell for cell, _ in played) // STEPS_PER_BEAT + 1 if played else 0
    turns = -(-beats // 4)
    cells = [
        {(round(note.onset * STEPS_PER_BEAT), note.pitch) for note in phrase.notes}
        for phrase in grooves
    ]
    assert all(count == 1 for count in played.values()), "doubled"
    for turn in range(turns):
        for cell, pitch in set.intersection(*cells):
            assert played[turn * 16 + cell, pitch] == 1, "lost"
    anywhere = set.union(*cells)
    assert all((cell % 16, pitch) in anywhere for cell, pitch in played)


def test_an_early_downbeat_sounds_before_the_loop_point_and_at_once_on_the_first_turn() -> None:
    player = Player(groove((-0.1, 36), (2.0, 38)), tempo=60.0)
    player.run_for(8.5)
    beats = [event.time - START for event in player.starts() if event.pitch == 36]
    assert beats == pytest.approx([0.0, 3.9, 7.9])


def test_an_early_downbeat_that_a_swap_just_missed_still_sounds_on_the_grid_side() -> None:
    player = Player(groove((2.0, 38)), tempo=60.0)
    player.run_until(lambda: player.scheduler.queued_until >= START + 3.95)
    queued = player.scheduler.queued_until
    first = player.scheduler.set_phrase(groove((-0.1, 36)), Tag("test", 1))
    assert first == pytest.approx(queued)
    player.run_for(1.0)
    assert [e.time for e in player.starts() if e.pitch == 36] == pytest.approx([queued])


@pytest.mark.parametrize("old_offset", [-0.1, 0.1])
def test_a_swap_between_the_two_onsets_of_one_hit_plays_it_once(old_offset: float) -> None:
    old, new = groove((1.0 + old_offset, 36)), groove((1.0 - old_offset, 36), velocity=50)
    player = Player(old, tempo=60.0)
    player.run_until(lambda: player.scheduler.queued_until >= START + 1.0)
    player.scheduler.set_phrase(new, Tag("test", 1))
    player.run_for(1.0)
    (hit,) = player.starts()
    # A hit still to come keeps the old one's place, and has the new one's velocity.
    assert hit.time == pytest.approx(START + 1.0 + old_offset)
    assert hit.velocity == (100 if old_offset < 0 else 50)


def test_a_note_that_sounds_through_a_swap_still_ends() -> None:
    old = Phrase((Note(0.0, 60, 100, 2.0),), 1, is_drums=False)
    player = Player(old, tempo=60.0)
    player.run_for(1.0)
    player.scheduler.set_phrase(Phrase((), 1), Tag("test", 1))
    player.run_for(2.0)
    assert [(round(e.time - START, 6), e.velocity) for e in player.events] == [(0.0, 100), (2.0, 0)]


def test_a_long_note_does_not_sound_into_the_melody_that_replaces_it() -> None:
    old = Phrase((Note(0.0, 60, 90, 4.0),), 1, is_drums=False)
    new = Phrase((Note(0.0, 62, 90, 1.0), Note(2.0, 64, 90, 1.0)), 1, is_drums=False)
    player = Player(old, tempo=120.0, loop=False)
    player.run_for(0.5)
    player.scheduler.set_phrase(new, Tag("test", 1))
    player.finish()
    ends = {event.pitch: event.time for event in player.events if not event.velocity}
    starts = {event.pitch: event.time for event in player.starts()}
    assert starts.keys() == {60, 64}
    assert ends[60] == pytest.approx(starts[64])


def test_a_note_struck_again_is_ended_first_and_not_cut_short_later() -> None:
    phrase = Phrase((Note(0.0, 60, 100, 2.0), Note(1.0, 60, 90, 2.0)), 1, is_drums=False)
    player = Player(phrase, tempo=60.0, loop=False)
    player.run_for(5.0)
    assert [(round(e.time - START, 6), e.velocity) for e in player.events] == [
        (0.0, 100),
        (1.0, 0),
        (1.0, 90),
        (3.0, 0),
    ]


def test_without_loop_it_stops_at_the_end_and_cuts_what_sounds() -> None:
    phrase = Phrase((Note(3.0, 60, 100, 20.0),), 1, is_drums=False)
    player = Player(phrase, tempo=60.0, loop=False)
    player.run_for(3.99)
    assert player.scheduler.is_playing
    player.run_for(0.05)
    assert not player.scheduler.is_playing
    assert player.scheduler.advance(player.now) == []
    assert [(round(e.time - START, 6), e.velocity) for e in player.events] == [(3.0, 100), (4.0, 0)]


def test_a_note_a_hair_before_the_end_sounds_in_every_turn() -> None:
    # Far into the song the onset rounds to the beat on which the turn ends.
    phrase = Phrase((Note(math.nextafter(4.0, 0.0), 60, 100, 2.0),), 1, is_drums=False)
    player = Player(phrase, tempo=240.0)
    player.run_for(20.5)
    player.finish()
    assert len(player.starts()) == 21
    check_every_start_has_its_end(player.events)


def test_loop_switched_on_at_the_last_moment_goes_round_without_a_gap() -> None:
    player = Player(groove((-0.1, 36), (1.0, 38)), tempo=60.0, loop=False)
    player.run_until(lambda: player.scheduler.queued_until >= START + 4.0)
    assert player.scheduler.is_playing
    player.scheduler.set_loop(True)
    player.run_for(2.0)
    beats = [(round(event.time - START, 6), event.pitch) for event in player.starts()]
    assert beats == [(0.0, 36), (1.0, 38), (4.0, 36), (5.0, 38)]


def test_bars_stay_in_line_when_the_length_changes() -> None:
    two = Phrase(tuple(Note(float(beat), 36 + beat, 100) for beat in range(8)), 2)
    one = Phrase(tuple(Note(float(beat), 60 + beat, 100) for beat in range(4)), 1)
    player = Player(two, tempo=60.0)
    player.run_for(5.5)
    player.scheduler.set_phrase(one, Tag("test", 1))
    player.run_for(4.0)
    assert player.scheduler.position(player.now).beats == 4
    player.scheduler.set_phrase(two, Tag("test", 2))
    player.run_for(3.0)
    pitches = [36, 37, 38, 39, 40, 41, 62, 63, 60, 61, 38, 39, 40]
    assert [event.pitch for event in player.starts()] == pitches


def test_the_position_names_the_phrase_that_is_heard() -> None:
    player = Player(groove((0.0, 36)), tempo=60.0)
    player.run_for(1.0)
    player.scheduler.set_phrase(groove((0.0, 36), bars=2), Tag("test", 7))
    now = player.now - WAKE
    assert player.scheduler.position(now).tag == Tag("first", 0)
    later = player.scheduler.position(now + QUEUE_SECONDS + 0.001)
    assert later.tag == Tag("test", 7)
    assert (later.beat, later.beats) == (pytest.approx(now + 0.061 - START), 8)


def test_while_stopped_a_phrase_is_only_replaced() -> None:
    scheduler = Scheduler()
    assert scheduler.set_phrase(groove((0.0, 36)), Tag("test", 1)) is None
    assert scheduler.advance(0.0) == []
    scheduler.start(5.0)
    assert [(e.time, e.pitch) for e in scheduler.advance(5.0)] == [(5.0, 36)]


def test_after_a_stall_old_notes_do_not_burst_out() -> None:
    phrase = groove(*((beat / 4, 42) for beat in range(16)))
    player = Player(phrase, tempo=60.0)
    player.run_for(0.5)
    player.wake(after=2.0)
    before = len(player.events)
    events = player.scheduler.advance(player.now)
    assert len(events) <= 4
    assert all(event.time > player.now - 0.11 for event in events if event.velocity)
    player.events = player.events[:before] + events
    player.finish()
    check_every_start_has_its_end(player.events)


def test_the_metronome_clicks_on_every_beat_with_an_accent_on_the_bar() -> None:
    player = Player(groove((0.5, 36), bars=2), tempo=60.0)
    player.scheduler.metronome = True
    player.run_for(5.5)
    player.scheduler.metronome = False
    player.run_for(2.0)
    player.scheduler.metronome = True
    player.run_for(1.0)
    clicks = [(round(event.time - START, 6), event.pitch) for event in player.starts(CLICK_CHANNEL)]
    expected = [(beat, CLICK_BEAT if beat % 4 else CLICK_ACCENT) for beat in [*range(6), 8]]
    assert clicks == expected
    player.finish()
    check_every_start_has_its_end(player.events)


def test_start_again_begins_anew() -> None:
    player = Player(groove((0.0, 36), (1.0, 38)), tempo=60.0)
    player.run_for(0.5)
    player.scheduler.start(player.now)
    assert player.scheduler.position(player.now).beat == 0.0
    assert [event.pitch for event in player.scheduler.advance(player.now)] == [36]
