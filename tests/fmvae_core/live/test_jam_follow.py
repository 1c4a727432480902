"""A take on the clock of another program, and with latency on both sides."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from fmvae_core.jam.rules import How, Mode
from fmvae_core.live.jam_messages import HumanPhrase, JamState, MachinePhrase
from fmvae_core.live.midi_clock import Line, Pulse
from fmvae_core.live.voices import CLICK_CHANNEL, DRUM_CHANNEL
from tests.fmvae_core.live.test_jam import Band


def test_hits_count_where_the_human_heard_the_music() -> None:
    band = Band()
    band.jam.change(input_latency=0.010, output_latency=0.030)
    band.start()
    # At 120 bpm the two are 0.08 beats; the last one belongs to the phrase all the same.
    band.run(11.0, [(4.0 + 0.08, 90), (7.85 + 0.08, 90)])
    onsets = [note.onset for note in band.all(HumanPhrase)[0].phrase.notes]
    assert onsets == pytest.approx([0.0, 3.85], abs=1e-6)
    assert band.all(MachinePhrase)[0].how in (How.FINAL, How.PREPARED)
    state = band.all(JamState)[3]
    assert state.time == pytest.approx(band.time(state.beat - 1) + 0.030)
    band.check_in_time()


@pytest.mark.parametrize("off", [-0.4, 0.0, 0.4])
@pytest.mark.parametrize("tempo", [90.0, 200.0])
def test_a_take_bends_towards_its_master_and_drops_nothing(off: float, tempo: float) -> None:
    band = Band(120.0)
    band.jam.change(output_latency=0.020)
    band.start(Mode.CONTINUOUS)
    band.run(2.0)
    master = Line(band.now, (band.jam.beat(band.now) or 0.0) + 100.0 + off, tempo)
    asked = len(band.requests)
    while band.now < master.time_of(130.0):
        band.jam.follow(master, 100.0)
        band.run((band.now - band.zero) * 2.0 + 0.02)  # beats of 120 bpm
    band.check_in_time()
    assert band.jam.beat(band.now) == pytest.approx(master.beat_at(band.now) - 100.0, abs=1e-3)
    assert band.jam.tempo == tempo
    assert len(band.requests) > asked
    assert {phrase.how for phrase in band.all(MachinePhrase)} <= {How.FINAL, How.PREPARED}
    clicks = [e.time for _, e in band.heard if e.velocity and e.channel == CLICK_CHANNEL]
    assert len(clicks) >= 29, "no beat is left out"
    gaps = [b - a for a, b in pairwise(clicks)]
    assert gaps[-1] == pytest.approx(60.0 / tempo, rel=1e-3)
    # What is queued is heard later, so it is ahead of the master by as much.
    late = [master.beat_at(time + 0.020) for time in clicks[-8:]]
    assert late == pytest.approx([round(beat) for beat in late], abs=0.01)


def test_the_ticks_of_a_take_are_those_of_its_beats() -> None:
    pulses: list[Pulse] = []
    band = Band()
    band.jam._pulse = pulses.extend
    band.start()
    band.run(5.0)
    band.jam.set_tempo(200.0)
    band.run(9.0)
    assert [pulse.number for pulse in pulses] == list(range(-96, pulses[-1].number + 1))
    gaps = [round(b.time - a.time, 6) for a, b in pairwise(pulses)]
    assert gaps[0] == pytest.approx(60 / 120 / 24, abs=1e-5)
    assert gaps[-1] == pytest.approx(60 / 200 / 24, abs=1e-5)
    assert next(p.time for p in pulses if p.number == 0) == pytest.approx(band.time(4.0))


def test_however_the_tempo_jumps_no_note_is_cut_dropped_or_doubled() -> None:
    band = Band(120.0)
    dice = random.Random(9)
    band.start(Mode.CONTINUOUS)
    while (band.jam.beat(band.now) or 0.0) < 60.0:
        band.jam.set_tempo(dice.choice((40.0, 90.0, 140.0, 240.0)))
        band.run((band.now - band.zero) * 2.0 + dice.uniform(0.05, 1.0))
    band.jam.set_tempo(120.0)
    last = band.all(MachinePhrase)[-1]
    while (band.jam.beat(band.now) or 0.0) < 64.5:  # the turn is over, and its last note
        band.run((band.now - band.zero) * 2.0 + 0.1)
    band.check_in_time()
    phrases = [phrase for phrase in band.all(MachinePhrase) if phrase.turn <= last.turn]
    meant = sum(len(phrase.phrase.notes) for phrase in phrases)
    ends = [e.time for _, e in band.heard if e.channel == DRUM_CHANNEL and not e.velocity]
    begun = [e.time for _, e in band.heard if e.channel == DRUM_CHANNEL and e.velocity]
    assert len([time for time in begun if time < band.now]) >= meant
    assert len(begun) - len(ends) <= 1, "at most the last one still sounds"
    clicks = [e for _, e in band.heard if e.channel == CLICK_CHANNEL and e.velocity]
    assert len(clicks) >= 64, "no beat is left out"
