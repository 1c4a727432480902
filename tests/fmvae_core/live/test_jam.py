"""The jam on a clock of the test's own: what is asked, what sounds, and when."""

from __future__ import annotations

import random
from collections import Counter
from itertools import groupby, pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fmvae_core.ipc import Message
from fmvae_core.jam.in_progress import is_jam_in_progress
from fmvae_core.jam.journal import read_journal
from fmvae_core.jam.messages import Answer, AnswerRequest
from fmvae_core.jam.pads import Hit
from fmvae_core.jam.records import Asked, Kept, MidiEvent, Ticks
from fmvae_core.jam.rules import How, Mode, Settings, State
from fmvae_core.live.jam import CHOICE_SECONDS, Jam
from fmvae_core.live.jam_messages import (
    HumanHeard,
    HumanHit,
    HumanPhrase,
    JamState,
    MachinePhrase,
    StartJam,
)
from fmvae_core.live.voices import CLICK_CHANNEL, DRUM_CHANNEL, SoundEvent
from fmvae_core.music.drums import DRUMS
from fmvae_core.music.phrase import Note, Phrase
from tests.fmvae_core.live.jack import wait_until

SNARE = 1
START = 50.0


class Band:
    """A jam, its timer, and a model worker that takes a while."""

    def __init__(self, tempo: float = 120.0, takes: float = 0.005, wake: float = 0.010) -> None:
        self.now = START
        self.tempo = tempo
        self.takes = takes
        self.wake_every = wake
        self.heard: list[tuple[float, SoundEvent]] = []  # when it was handed out
        self.told: list[Message] = []
        self.requests: list[AnswerRequest] = []
        self.pending: list[tuple[float, Answer]] = []
        self.released = 0
        self.bundle = "x"
        self.jam = Jam(lambda: self.now, self._sound, self._release, self.told.append, lambda: None)
        self.jam.set_answerer(self._answer, 1)

    def _sound(self, events: list[SoundEvent]) -> None:
        self.heard += [(self.now, event) for event in events]

    def _release(self) -> None:
        self.released += 1

    def _answer(self, message: Message) -> None:
        assert isinstance(message, AnswerRequest)
        self.requests.append(message)
        # The machine plays one bass drum on each beat, as loud as the request's number says.
        notes = tuple(Note(beat - 0.05, 36, min(127, message.number)) for beat in range(4))
        answer = Answer(
            number=message.number,
            phrase=Phrase(notes, 1, message.phrase.tempo),
            z_human=(1.0 * message.number,),
            z_machine=(2.0,),
            heard=(),
            sigma=1.0,
            changed_hits=3,
            bundle=self.bundle,
            milliseconds=5.0,
        )
        self.pending.append((self.now + self.takes, answer))

    def start(self, mode: Mode = Mode.TRADE, click: bool = True) -> None:
        self.start_with(StartJam(settings=Settings(mode=mode, bars=1), click=click))

    def start_with(self, wanted: StartJam) -> None:
        self.jam.start(wanted, self.tempo)
        self.zero = self.now + 0.050

    def time(self, beat: float) -> float:
        return self.zero + beat * 60.0 / self.tempo

    def run(self, until: float, hits: list[tuple[float, int]] | None = None) -> None:
        """Let time pass up to a beat; hits are beat and velocity."""
        coming = sorted(hits or [])
        due = self.now
        while self.now < self.time(until):
            events = [due, *(at for at, _ in self.pending), *(self.time(b) for b, _ in coming)]
            self.now = max(self.now, min(events))
            while coming and self.time(coming[0][0]) <= self.now:
                beat, velocity = coming.pop(0)
                self.jam.hit(Hit(self.time(beat), SNARE, velocity))
            while self.pending and self.pending[0][0] <= self.now:
                self.jam.answer(self.pending.pop(0)[1])
                self.jam.wake()
            if self.now >= due:
                self.jam.wake()
                due = self.now + self.wake_every
                choice = self.jam.next_due()
                if choice is not None:
                    due = min(due, choice)

    def all(self, kind: type[Message]) -> list:  # type: ignore[type-arg]
        return [message for message in self.told if isinstance(message, kind)]

    def starts(self, channel: int) -> list[tuple[float, int]]:
        """Beat and velocity of each note of a channel."""
        return [
            (round((event.time - self.zero) * self.tempo / 60.0, 6), event.velocity)
            for _, event in self.heard
            if event.channel == channel and event.velocity
        ]

    def check_in_time(self) -> None:
        for handed_out, event in self.heard:
            assert event.time >= handed_out - 1e-9, "late"
        sounding: set[tuple[int, int]] = set()
        for _, event in sorted(self.heard, key=lambda e: (e[1].time, e[1].velocity > 0)):
            key = event.channel, event.pitch
            if event.velocity:
                assert key not in sounding, "doubled"
                sounding.add(key)
            else:
                sounding.discard(key)


@pytest.mark.parametrize("tempo", [60.0, 120.0, 220.0])
def test_the_final_answer_is_played_on_the_beat(tempo: float) -> None:
    band = Band(tempo)
    band.start()
    band.run(20.0, [(beat + 0.01, 90) for beat in (4, 5, 6, 7)])
    phrases = band.all(HumanPhrase)
    assert [round(note.onset, 4) for note in phrases[0].phrase.notes] == [0.01, 1.01, 2.01, 3.01]
    assert {note.pitch for note in phrases[0].phrase.notes} == {DRUMS[SNARE].pitch}
    first = band.all(MachinePhrase)[0]
    assert (first.turn, first.how) == (1, How.FINAL)
    final = next(request for request in band.requests if request.is_final)
    played = [note for note in band.starts(DRUM_CHANNEL) if note[0] < 12.0]
    # An early downbeat waits for the beat; the rest is as early as the model meant it.
    assert [beat for beat, _ in played] == [8.0, 8.95, 9.95, 10.95]
    assert {velocity for _, velocity in played} == {final.number}
    band.check_in_time()


def test_what_was_prepared_is_played_where_the_final_one_comes_too_late() -> None:
    band = Band(200.0, takes=0.030)
    band.start()
    band.run(11.9, [(4.0, 90), (5.0, 90)])
    (phrase,) = band.all(MachinePhrase)
    assert phrase.how is How.PREPARED
    played = {velocity for _, velocity in band.starts(DRUM_CHANNEL)}
    assert len(played) == 1, "the late one changes nothing of what plays"
    assert band.requests[[r.number for r in band.requests].index(played.pop())].is_final is False
    assert band.all(JamState)[-1].prepared == 1
    band.check_in_time()


@settings(max_examples=25, deadline=None)
@given(
    tempo=st.floats(60.0, 220.0),
    takes=st.floats(0.0, 0.2),
    wake=st.floats(0.002, 0.014),
    mode=st.sampled_from([Mode.TRADE, Mode.MACHINE_FIRST, Mode.CONTINUOUS]),
    seed=st.integers(0, 2**16),
)
@example(tempo=60.0, takes=0.0, wake=0.010, mode=Mode.CONTINUOUS, seed=0)
@example(tempo=220.0, takes=0.025, wake=0.010, mode=Mode.CONTINUOUS, seed=0)
@example(tempo=220.0, takes=0.2, wake=0.014, mode=Mode.TRADE, seed=0)
def test_at_no_tempo_is_an_answer_late_or_cut(
    tempo: float, takes: float, wake: float, mode: Mode, seed: int
) -> None:
    dice = random.Random(seed)
    band = Band(tempo, takes, wake)
    band.start(mode)
    hits = [(beat + dice.uniform(-0.2, 0.2), 90) for beat in range(4, 36) if dice.random() < 0.8]
    band.run(36.5, hits)
    band.check_in_time()
    phrases = band.all(MachinePhrase)
    told = band.all(JamState)[-1]
    hows = Counter(phrase.how for phrase in phrases)
    assert set(hows) <= {How.FINAL, How.PREPARED}, "what is ready is played, whatever is not"
    assert (hows[How.FINAL], hows[How.PREPARED]) == (told.finals, told.prepared)
    meant = [
        (round(4.0 * (phrase.turn + 1) + note.onset, 6), note.velocity)
        for phrase in phrases
        for note in phrase.phrase.notes
    ]
    over = [note for note in meant if note[0] < 36.4]
    assert len(over) >= 12
    assert [note for note in band.starts(DRUM_CHANNEL) if note[0] < 36.4] == over
    # What is fast enough is final: the window closes half a step before the answer's first beat.
    if takes + wake < 0.125 * 60.0 / tempo - CHOICE_SECONDS:
        assert set(hows) == {How.FINAL}


def test_without_a_model_the_last_answer_is_repeated_and_first_there_is_silence() -> None:
    band = Band()
    band.jam.set_answerer(None)
    band.start()
    band.run(11.0)
    assert [phrase.how for phrase in band.all(MachinePhrase)] == [How.SILENT]
    assert band.starts(DRUM_CHANNEL) == []
    assert band.all(JamState)[-1].can_answer is False
    band.jam.set_answerer(band._answer, 1)
    band.run(20.0)
    band.jam.set_answerer(None)
    band.run(28.0)
    hows = [phrase.how for phrase in band.all(MachinePhrase)]
    assert hows == [How.SILENT, How.FINAL, How.REPEATED]
    assert band.all(MachinePhrase)[1].phrase == band.all(MachinePhrase)[2].phrase
    band.check_in_time()


def test_it_counts_in_clicks_and_tells_where_it_is() -> None:
    band = Band()
    band.start(click=False)
    band.run(12.5)
    assert [beat for beat, _ in band.starts(CLICK_CHANNEL)] == [0.0, 1.0, 2.0, 3.0]
    places = ((state.state, state.bar, state.beat) for state in band.all(JamState)[1:])
    told = [place for place, _ in groupby(places)]
    assert told[:4] == [(State.COUNT_IN, 1, beat) for beat in (1, 2, 3, 4)]
    assert told[4:8] == [(State.LISTENING, 1, beat) for beat in (1, 2, 3, 4)]
    assert told[8:12] == [(State.ANSWERING, 1, beat) for beat in (1, 2, 3, 4)]
    assert told[12][0] is State.LISTENING
    band.jam.change(click=True)
    band.run(16.5)
    assert (14.0, 90) in band.starts(CLICK_CHANNEL)


def test_the_tempo_changes_and_nothing_is_late() -> None:
    band = Band(100.0)
    band.start()
    band.run(6.0, [(4.0, 80)])
    band.jam.set_tempo(180.0)
    queued = band.heard[-1][1].time
    band.run(30.0)  # beats of the old tempo: long enough
    assert queued < band.now
    band.check_in_time()
    clicks = [event.time for _, event in band.heard if event.velocity and event.channel == 10]
    gaps = [round(b - a, 6) for a, b in pairwise(clicks)]
    assert gaps[0] == pytest.approx(0.6)
    assert gaps[-1] == pytest.approx(1 / 3)
    assert gaps == sorted(gaps, reverse=True)
    assert {phrase.how for phrase in band.all(MachinePhrase)} == {How.FINAL}


def test_a_hit_that_comes_just_after_its_window_is_not_lost() -> None:
    band = Band()
    band.start(Mode.CONTINUOUS)
    band.run(7.88, [(5.0, 90)])
    assert len(band.all(HumanPhrase)) == 1  # it has been asked for an answer
    band.jam.hit(Hit(band.time(7.874), SNARE, 77))
    band.run(12.0)
    first, second = (phrase.phrase.notes for phrase in band.all(HumanPhrase))
    assert [note.velocity for note in first] == [90]
    assert [(note.onset, note.velocity) for note in second] == [(-0.125, 77)]


def test_a_timer_that_wakes_late_delays_nothing_by_more_than_that() -> None:
    band = Band(200.0, wake=0.012)
    band.start(Mode.CONTINUOUS)
    band.run(60.0, [(beat / 2, 70) for beat in range(8, 120)])
    band.check_in_time()
    heard = sum(len(phrase.phrase.notes) for phrase in band.all(HumanPhrase))
    assert heard == 2 * 4 * len(band.all(HumanPhrase)), "no hit is lost or doubled"
    assert all(phrase.how is not How.SILENT for phrase in band.all(MachinePhrase))


def test_the_latency_of_the_input_is_taken_off() -> None:
    band = Band()
    band.jam.change(input_latency=0.020)
    band.start()
    band.run(11.0, [(4.0 + 0.04, 90)])  # 20 ms at 120 bpm
    (note,) = band.all(HumanPhrase)[0].phrase.notes
    assert note.onset == pytest.approx(0.0, abs=1e-6)


def test_stopping_lets_go_and_a_new_take_begins_afresh() -> None:
    band = Band()
    band.start()
    band.run(9.0, [(4.0, 90)])
    band.jam.stop()
    assert band.released == 1
    assert not band.jam.is_running
    assert band.all(JamState)[-1].state is State.IDLE
    before = len(band.heard)
    band.jam.wake()
    assert len(band.heard) == before
    band.start(Mode.MACHINE_FIRST)
    band.run(8.5)
    assert band.all(MachinePhrase)[-1].how is How.FINAL
    assert band.all(MachinePhrase)[-1].turn == 0
    assert CHOICE_SECONDS < 0.05


def test_another_model_does_not_go_on_from_where_the_last_one_was() -> None:
    band = Band()
    band.start()
    band.run(19.0, [(4.0, 90), (12.0, 90)])
    assert band.requests[-1].before is not None
    assert band.requests[-1].recent
    band.bundle = "y"
    asked = len(band.requests)
    band.run(23.0, [(20.0, 90)])
    assert len(band.requests) > asked + 1, "asked again, once the new model had answered"
    assert band.requests[-1].before is None
    assert band.requests[-1].recent == ()
    band.run(31.0, [(28.0, 90)])
    assert band.requests[-1].before is not None, "the new one goes on from its own"


def test_what_both_played_last_can_be_kept_at_any_moment(tmp_path: Path) -> None:
    band = Band()
    with pytest.raises(ValueError, match="nothing has been played"):
        band.jam.keep(120.0)
    start = StartJam(settings=Settings(bars=1), journal=tmp_path / "evening.jsonl", seed=3)
    band.start_with(start)
    band.run(10.0, [(4.0, 90), (6.0, 80)])
    keep = band.jam.keep(90.0)
    assert keep.human == band.all(HumanPhrase)[0].phrase
    assert keep.machine == band.all(MachinePhrase)[0].phrase
    final = next(request for request in band.requests if request.is_final)
    assert keep.z_human == (1.0 * final.number,)
    assert (keep.seed, keep.bundle, keep.take) == (final.seed, "x", "evening")
    assert keep.tempo == 120.0
    band.jam.note_kept("a")
    band.jam.stop()
    assert band.jam.keep(90.0).human == keep.human
    wait_until(lambda: read_journal(start.journal).records[-1].kind == "end", "written")
    records = read_journal(start.journal).records
    assert [record.name for record in records if isinstance(record, Kept)] == ["a"]
    asked = [record for record in records if isinstance(record, Asked) and record.request.is_final]
    lasting = final.model_copy(update={"within": 0.0})  # how long to wait is no part of a request
    assert [(record.turn, record.request) for record in asked] == [(0, lasting)]


def test_each_hit_is_told_and_what_the_model_heard_of_a_turn() -> None:
    band = Band()
    band.jam.hit(Hit(START, SNARE, 70))
    band.start()
    band.run(12.0, [(2.0, 80), (4.1, 90), (6.5, 100)])
    told = [(hit.velocity, hit.turn) for hit in band.all(HumanHit)]
    # Before the take, in the count-in, and in the first turn.
    assert told == [(70, None), (80, None), (90, 0), (100, 0)]
    assert [hit.onset for hit in band.all(HumanHit)[2:]] == pytest.approx([0.1, 2.5])

    heard = [message for message in band.all(HumanHeard) if message.turn == 0]
    assert [message.is_final for message in heard] == [False] * (len(heard) - 1) + [True]
    machine = band.all(MachinePhrase)[0]
    assert machine.z_human == heard[-1].z
    assert (machine.sigma, machine.changed_hits) == (1.0, 3)


def test_the_ticks_of_clocks_are_in_the_journal_a_beat_in_a_record(tmp_path: Path) -> None:
    path = tmp_path / "take.jsonl"
    band = Band(120.0)
    band.start_with(StartJam(settings=Settings(bars=1), journal=path))
    sent = []
    for tick in range(70):
        band.run(tick / 24.0)
        sent.append(band.now + 1e-6 * (tick % 5))
        band.jam.note_midi(sent[-1], "in", "master", (0xF8,))
    band.jam.note_midi(band.now, "in", "master", (0xFC,))
    band.run(5.0)
    band.jam.note_midi(band.now, "out", "synth", (0xF8,))
    band.jam.stop()
    wait_until(lambda: read_journal(path).records[-1].kind == "end", "the journal's end")
    ticks = [record for record in read_journal(path).records if isinstance(record, Ticks)]
    came = [record for record in ticks if record.direction == "in"]
    assert [len(record.times) for record in came] == [24, 24, 22]
    assert [time for record in came for time in record.times] == pytest.approx(sent, abs=1e-6)
    assert [(record.port, len(record.times)) for record in ticks[3:]] == [("synth", 1)]
    written = [line for line in path.read_bytes().splitlines() if b'"ticks"' in line]
    assert sum(map(len, written)) < 15 * 71, "a few bytes a tick"
    stopped = [r for r in read_journal(path).records if isinstance(r, MidiEvent)]
    assert [record.data for record in stopped] == [(0xFC,)]


def test_trainings_are_told_that_a_jam_goes_on() -> None:
    band = Band()
    band.start()
    assert is_jam_in_progress()
    band.start()
    assert is_jam_in_progress()
    band.jam.stop()
    assert not is_jam_in_progress()


def test_a_turn_keeps_its_length_when_the_next_one_is_shorter() -> None:
    band = Band()
    band.jam.set_answerer(band._answer, 2)
    band.start()
    band.run(9.0)
    band.jam.set_answerer(band._answer, 1)
    band.run(15.0, [(11.0, 90), (14.0, 90)])
    told = [(hit.turn, hit.onset, hit.bars) for hit in band.all(HumanHit)]
    assert told == [(0, pytest.approx(7.0), 2), (1, pytest.approx(2.0), 1)]
    states = [state for state in band.all(JamState) if state.state is State.LISTENING]
    assert [state.bars for state in states if state.bar == 2] == [2] * 4
    assert states[-1].bars == 1
