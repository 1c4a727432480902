"""FluidSynth itself, rendered into memory."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fmvae_core.live.drivers import offered_drivers
from fmvae_core.live.library import SoundError
from fmvae_core.live.render import render_samples
from fmvae_core.live.scheduler import QUEUE_SECONDS
from fmvae_core.live.soundfonts import find_soundfonts, first_soundfont
from fmvae_core.live.synth import Synth
from fmvae_core.live.voices import CLICK_CHANNEL, DRUM_CHANNEL, MELODY_CHANNEL, SoundEvent
from fmvae_core.music.drums import DRUMS
from fmvae_core.music.instruments import CELLO, PIANO
from fmvae_core.music.phrase import Note, Phrase
from tests.fmvae_core.live.phrases import rock_beat

FULL_SCALE = 1.0


@pytest.fixture
def synth(loaded: Synth) -> Synth:
    loaded.silence()
    loaded.render(4800)
    loaded.set_volume(1.0)
    loaded.set_click_level(1.0)
    return loaded


def peak(sound: npt.NDArray[np.float32]) -> float:
    return float(np.abs(sound).max())


def strike(synth: Synth, channel: int, pitch: int, velocity: int = 127) -> None:
    now = synth.read_tick()
    synth.play([SoundEvent(0.001 * now, channel, pitch, velocity)], lambda time: now)


def test_a_melody_sounds_on_the_instrument_that_is_chosen(synth: Synth) -> None:
    tune = Phrase((Note(0.0, 55, 90, 2.0), Note(2.0, 60, 90, 2.0)), 1, 120.0, is_drums=False)
    heard = {}
    for program in (PIANO, CELLO):
        synth.set_instrument(program)
        heard[program] = render_samples(synth, tune, turns=1, tail=0.5)
        assert 0.02 < peak(heard[program]) < FULL_SCALE
    synth.set_instrument(PIANO)
    # A bowed string keeps its strength to the end of a note; a hammered one has lost most.
    rate = synth.sample_rate
    early, late = slice(round(0.1 * rate), round(0.3 * rate)), slice(round(0.7 * rate), rate)
    lasting = {
        program: float(np.abs(sound[late]).mean() / np.abs(sound[early]).mean())
        for program, sound in heard.items()
    }
    assert lasting[CELLO] > 1.5 * lasting[PIANO]


def everything(bars: int = 2) -> Phrase:
    """All nine drums on every sixteenth at full velocity, 200 beats a minute."""
    onsets = [i / 4 for i in range(16 * bars)]
    return Phrase(
        tuple(Note(onset, drum.pitch, 127) for onset in onsets for drum in DRUMS), bars, 200.0
    )


def test_the_densest_phrase_with_the_metronome_does_not_clip(synth: Synth) -> None:
    assert 0.3 < peak(render_samples(synth, everything(), 2, 1.0, metronome=True)) < FULL_SCALE


def test_the_densest_melody_does_not_clip(synth: Synth) -> None:
    chords = tuple(Note(i / 4, pitch, 127, 1.0) for i in range(32) for pitch in range(36, 96, 4))
    phrase = Phrase(chords, 2, 200.0, is_drums=False)
    assert 0.1 < peak(render_samples(synth, phrase, 1, 1.0, metronome=True)) < FULL_SCALE


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.floats(60.0, 330.0), st.floats(0.0, 0.5))
def test_no_loud_phrase_clips(
    synth: Synth, seed: int, together: int, tempo: float, looseness: float
) -> None:
    dice = random.Random(seed)
    notes = tuple(
        Note((i + dice.uniform(-looseness, 0.99 * looseness)) / 4, drum.pitch, 127)
        for i in range(16)
        for drum in dice.sample(DRUMS, together)
    )
    synth.silence()
    synth.render(4800)
    assert peak(render_samples(synth, Phrase(notes, 1, tempo), 1, 0.2, True)) < FULL_SCALE


def together(
    synth: Synth, machine: Iterable[SoundEvent], human: Iterable[SoundEvent]
) -> npt.NDArray[np.float32]:
    """Render what the machine has queued while the human strikes; times are from 0."""
    synth.silence()
    synth.render(4800)
    start = synth.read_tick()
    zero = 0.001 * start  # of a clock that both share, as in the engine
    coming = [replace(event, time=zero + event.time) for event in machine]
    parts = []
    at = 0
    for event in sorted(human, key=lambda event: event.time):
        frame = round(event.time * synth.sample_rate)
        # As the scheduler does, the machine is some way ahead.
        due = [each for each in coming if each.time < zero + event.time + QUEUE_SECONDS]
        synth.play(due, lambda time: round(1000.0 * time))
        coming = coming[len(due) :]
        parts.append(synth.render(frame - at))
        at = frame
        synth.strike(zero + event.time, event.pitch, event.velocity)
    synth.play(coming, lambda time: round(1000.0 * time))
    parts.append(synth.render(synth.sample_rate))
    return np.concatenate(parts)


def hits(dice: random.Random, most: int, tempo: float, looseness: float) -> list[SoundEvent]:
    step = 60.0 / tempo / 4
    events = [
        SoundEvent(step * (1 + i + dice.uniform(-looseness, looseness)), DRUM_CHANNEL, pitch, 127)
        for i in range(12)
        for pitch in dice.sample([drum.pitch for drum in DRUMS], dice.randint(0, most))
    ]
    return sorted(events, key=lambda event: event.time)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.floats(60.0, 240.0), st.floats(0.0, 0.5))
def test_two_players_at_their_loudest_do_not_clip(
    synth: Synth, seed: int, most: int, tempo: float, looseness: float
) -> None:
    dice = random.Random(seed)
    machine, human = hits(dice, most, tempo, looseness), hits(dice, most, tempo, looseness)
    assert peak(together(synth, machine, human)) < FULL_SCALE


@pytest.mark.parametrize("count", [1, 2, 9])
def test_two_players_who_hit_the_very_same_do_not_clip(synth: Synth, count: int) -> None:
    loudest = sorted((drum.pitch for drum in DRUMS), key=lambda pitch: -_peak_of(synth, pitch))
    machine = [
        SoundEvent(0.1 * i, DRUM_CHANNEL, pitch, 127) for i in range(8) for pitch in loudest[:count]
    ]
    assert peak(together(synth, machine, machine)) < FULL_SCALE


def _peak_of(synth: Synth, pitch: int) -> float:
    strike(synth, DRUM_CHANNEL, pitch)
    loudest = peak(synth.render(9600))
    synth.silence()
    synth.render(4800)
    return loudest


def test_at_an_ordinary_volume_neither_player_is_softer_for_the_other(synth: Synth) -> None:
    firm = [SoundEvent(0.5, DRUM_CHANNEL, pitch, 90) for pitch in (36, 38, 42)]
    late = [replace(event, time=0.501) for event in firm]
    synth.set_volume(0.8)
    alone = peak(together(synth, firm, []))
    ours = peak(together(synth, [], late))
    assert ours == pytest.approx(alone, rel=0.1), "each is as loud as the other"
    both = [event.velocity for event in synth._guard.limit(firm)]
    assert both == [90] * 3
    assert [event.velocity for event in synth._human_guard.limit(late)] == [90] * 3


def test_an_ordinary_groove_is_loud(synth: Synth) -> None:
    sound = render_samples(synth, rock_beat(), 2, 0.0)
    rms = float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))
    assert 20.0 * np.log10(rms) > -26.5
    assert peak(sound) < FULL_SCALE


def test_volume_scales_down_to_silence(synth: Synth) -> None:
    peaks = []
    for volume in (1.0, 0.5, 0.0):
        synth.set_volume(volume)
        strike(synth, DRUM_CHANNEL, 38)
        peaks.append(peak(synth.render(9600)))
        synth.silence()
        synth.render(4800)
    assert peaks[1] == pytest.approx(0.25 * peaks[0], rel=0.05)
    assert peaks[2] < 2**-15, "below the smallest step of 16 bits"


def test_the_click_has_a_level_of_its_own(synth: Synth) -> None:
    synth.set_click_level(0.0)
    strike(synth, CLICK_CHANNEL, 76)
    assert peak(synth.render(9600)) < 1e-4  # -96 dB is as far as a MIDI channel goes
    synth.set_click_level(1.0)
    strike(synth, CLICK_CHANNEL, 76)
    assert peak(synth.render(9600)) > 0.1


@pytest.mark.parametrize("drum", DRUMS, ids=lambda drum: drum.key)
def test_every_drum_sounds(synth: Synth, drum) -> None:  # type: ignore[no-untyped-def]
    strike(synth, DRUM_CHANNEL, drum.pitch)
    assert peak(synth.render(9600)) > 0.02


def test_silence_is_silence_at_once_and_forgets_what_is_queued(synth: Synth) -> None:
    now = synth.read_tick()
    events = [
        SoundEvent(0.0, DRUM_CHANNEL, 49, 127),
        SoundEvent(0.0, MELODY_CHANNEL, 60, 127),
        SoundEvent(0.3, DRUM_CHANNEL, 38, 127),
    ]
    synth.play(events, lambda time: now + round(1000.0 * time))
    assert peak(synth.render(9600)) > 0.05
    synth.silence()
    synth.render(64)  # the block in which it takes effect
    assert peak(synth.render(48_000)) == 0.0


def test_release_lets_notes_die_away_and_forgets_what_is_queued(synth: Synth) -> None:
    now = synth.read_tick()
    events = [
        SoundEvent(0.0, MELODY_CHANNEL, 60, 127),
        SoundEvent(0.5, MELODY_CHANNEL, 72, 127),
    ]
    synth.play(events, lambda time: now + round(1000.0 * time))
    held = peak(synth.render(9600))
    synth.release()
    assert peak(synth.render(480)) > 0.0
    synth.render(48_000)
    assert peak(synth.render(48_000)) < 0.01 * held


def test_a_note_lasts_until_its_end(synth: Synth) -> None:
    def late_level(length: float) -> float:
        now = synth.read_tick()
        events = [
            SoundEvent(0.0, MELODY_CHANNEL, 60, 127),
            SoundEvent(length, MELODY_CHANNEL, 60, 0),
        ]
        synth.play(events, lambda time: now + round(1000.0 * time))
        return peak(synth.render(96_000)[48_000:])

    assert late_level(0.1) < 0.1 * late_level(1.9)


def test_a_note_struck_again_in_the_same_millisecond_as_its_end_sounds(synth: Synth) -> None:
    now = synth.read_tick()
    synth.play([SoundEvent(0.0, MELODY_CHANNEL, 60, 127)], lambda time: now)
    again = [SoundEvent(0.1, MELODY_CHANNEL, 60, 0), SoundEvent(0.1, MELODY_CHANNEL, 60, 127)]
    synth.play(again, lambda time: now + 100)
    assert peak(synth.render(48_000)[24_000:]) > 0.02


def test_a_note_does_not_stick_when_ticks_jump_back(synth: Synth) -> None:
    now = synth.read_tick()
    synth.play([SoundEvent(0.1, MELODY_CHANNEL, 60, 127)], lambda time: now + 100)
    synth.play([SoundEvent(0.2, MELODY_CHANNEL, 60, 0)], lambda time: now + 50)
    assert peak(synth.render(48_000)[:9600]) > 0.0
    assert peak(synth.render(96_000)[48_000:]) < 1e-3


def test_the_driver_that_does_not_start_is_an_error(
    synth: Synth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "flatjam-nobody")
    with pytest.raises(SoundError) as caught:
        synth.open_audio("jack")
    assert caught.value.problem.code == "no_audio"
    assert synth.driver is None
    strike(synth, DRUM_CHANNEL, 38)
    assert peak(synth.render(9600)) > 0.1, "still renders"


def test_file_is_offered_only_where_a_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLATJAM_AUDIO_FILE", raising=False)
    assert "file" not in offered_drivers()
    monkeypatch.setenv("FLATJAM_AUDIO_FILE", "somewhere.wav")
    assert offered_drivers()[-1] == "file"


def test_a_folder_is_no_soundfont(tmp_path: Path) -> None:
    with pytest.raises(SoundError) as caught:
        Synth(tmp_path)
    assert caught.value.problem.code == "bad_soundfont"


def test_fonts_are_found_in_order_and_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, system = tmp_path / "mine", tmp_path / "system"
    for folder, names in (
        (mine, ["zither.sf3", "notes.txt"]),
        (system, ["aaa.sf2", "TimGM6mb.sf2", "FluidR3_GM.sf2"]),
    ):
        folder.mkdir()
        for name in names:
            (folder / name).write_bytes(b"")
    (system / "default.sf2").symlink_to(system / "FluidR3_GM.sf2")
    monkeypatch.setenv("FLATJAM_SOUNDFONTS", f"{mine}:{tmp_path / 'gone'}:{system}")
    names = [path.name for path in find_soundfonts()]
    assert names == ["zither.sf3", "FluidR3_GM.sf2", "TimGM6mb.sf2", "aaa.sf2"]
    monkeypatch.setenv("FLATJAM_SOUNDFONTS", "")
    with pytest.raises(SoundError) as caught:
        first_soundfont()
    assert caught.value.problem.code == "no_soundfont"
