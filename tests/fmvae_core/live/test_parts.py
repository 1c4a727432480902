"""Fonts, reverb and sides of the synth's parts, rendered into memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from fmvae_core.live.fields import Output
from fmvae_core.live.library import SoundError
from fmvae_core.live.render import render_samples
from fmvae_core.live.synth import Synth
from fmvae_core.live.voices import (
    CLICK_CHANNEL,
    DRUM_CHANNEL,
    HUMAN_CHANNEL,
    MELODY_CHANNEL,
    SoundEvent,
)
from fmvae_core.music.drums import DRUMS
from fmvae_core.music.phrase import Note, Phrase
from tests.fmvae_core.live.small_font import write_font

SNARE = 38
COMMON, OWN = 400.0, 1000.0  # hertz
INAUDIBLE = 1e-6

Sound = npt.NDArray[np.float32]


@pytest.fixture
def synth(tmp_path: Path) -> Iterator[Synth]:
    synth = Synth(write_font(tmp_path / "common.sf2", COMMON))
    yield synth
    synth.close()


def machine(synth: Synth, pitch: int = SNARE, velocity: int = 100) -> None:
    now = synth.read_tick()
    synth.play([SoundEvent(0.001 * now, DRUM_CHANNEL, pitch, velocity)], lambda time: now)


def human(synth: Synth) -> None:
    synth.strike(synth.read_tick() / 1000, SNARE, 100)


def peak(sound: Sound) -> float:
    return float(np.abs(sound).max())


def hertz(sound: Sound) -> float:
    spectrum = np.abs(np.fft.rfft(sound[:, 0]))
    return float(np.argmax(spectrum)) * 48_000 / len(sound)


def heard(synth: Synth) -> tuple[float, float]:
    """Frequencies of a hit of the human's, and of one of the machine's."""
    found = []
    for strike in (human, machine):
        synth.silence()
        synth.render(4800)
        strike(synth)
        found.append(hertz(synth.render(4800)))
    return found[0], found[1]


def test_a_player_has_a_font_of_his_own_and_gets_back_to_that_of_all(
    synth: Synth, tmp_path: Path
) -> None:
    assert heard(synth) == pytest.approx((COMMON, COMMON), abs=15)
    own = write_font(tmp_path / "own.sf2", OWN)
    synth.play_font([HUMAN_CHANNEL], Synth(own))
    assert heard(synth) == pytest.approx((OWN, COMMON), abs=15)
    loaded = synth.find_font(own)
    assert loaded is not None, "the other player need not load it again"
    synth.play_font([DRUM_CHANNEL], loaded)
    assert heard(synth) == pytest.approx((OWN, OWN), abs=15)
    common = synth.find_font(synth.soundfont)
    assert common is not None
    synth.play_font([HUMAN_CHANNEL, DRUM_CHANNEL], common)
    assert heard(synth) == pytest.approx((COMMON, COMMON), abs=15)
    assert synth.find_font(own) is None
    synth.play_font([MELODY_CHANNEL, HUMAN_CHANNEL, DRUM_CHANNEL, CLICK_CHANNEL], Synth(own))
    assert synth.soundfont == own
    assert heard(synth) == pytest.approx((OWN, OWN), abs=15)


def test_what_sounds_rings_on_when_a_font_comes_and_goes(synth: Synth, tmp_path: Path) -> None:
    synth.play_font([DRUM_CHANNEL], Synth(write_font(tmp_path / "long.sf2", OWN, seconds=1.0)))
    other = Synth(write_font(tmp_path / "other.sf2", COMMON))
    machine(synth)
    before = synth.render(9600)
    synth.play_font([DRUM_CHANNEL], other)  # nobody plays the long one any more
    after = synth.render(9600)
    both = np.concatenate([before[4800:], after])
    periods = np.abs(both[: len(both) // 480 * 480, 0]).reshape(-1, 480).max(axis=1)
    assert (periods > 0.3 * periods[0]).all(), "a gap"
    assert hertz(after) == pytest.approx(OWN, abs=15)


def test_a_loud_font_beside_a_soft_one_is_as_loud(tmp_path: Path) -> None:
    soft = Synth(write_font(tmp_path / "soft.sf2", COMMON, level=0.05))
    alone = []
    for strike in (lambda: soft.strike(1.0, SNARE, 100), lambda: machine(soft)):
        strike()
        alone.append(peak(soft.render(9600)))
    soft.play_font([HUMAN_CHANNEL], Synth(write_font(tmp_path / "loud.sf2", COMMON, level=0.9)))
    soft.strike(9.0, SNARE, 100)
    assert peak(soft.render(9600)) == pytest.approx(alone[0], rel=0.1)
    machine(soft)
    assert peak(soft.render(9600)) == pytest.approx(alone[1], rel=0.1)
    soft.close()


def test_a_font_without_drums_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SoundError) as caught:
        Synth(write_font(tmp_path / "melody.sf2", COMMON, bank=0))
    assert "no drum kit" in caught.value.problem.text


def test_a_reverb_rings_on_until_a_panic(synth: Synth) -> None:
    late = {}
    for reverb in (0.0, 0.3, 1.0):
        synth.set_drums(DRUM_CHANNEL, 1.0, 0.0, 0, reverb)
        machine(synth)
        synth.render(9600)  # the tone itself is over
        late[reverb] = peak(synth.render(4800))
        synth.render(480_000)
    assert late[0.0] < INAUDIBLE
    assert INAUDIBLE < 2 * late[0.3] < late[1.0]
    machine(synth)
    synth.render(9600)
    synth.silence()
    synth.render(64)  # the block in which it takes effect
    assert peak(synth.render(48_000)) < INAUDIBLE
    machine(synth)
    assert peak(synth.render(4800)) > 0.05
    synth.render(4800)
    assert peak(synth.render(4800)) > 0.5 * late[1.0], "the reverb is back"


def test_reverb_is_each_players_own(synth: Synth) -> None:
    synth.set_drums(HUMAN_CHANNEL, 1.0, 0.0, 0, 1.0)
    machine(synth)
    synth.render(9600)
    assert peak(synth.render(9600)) < INAUDIBLE
    synth.strike(9.0, SNARE, 100)
    synth.render(9600)
    assert peak(synth.render(9600)) > 0.001


@pytest.mark.parametrize("side", ["left", "right"])
def test_what_goes_to_one_side_is_not_heard_on_the_other(loaded: Synth, side: str) -> None:
    # A real font places its drums. A voice that was heard on both sides before fades from there to
    # one side within FluidSynth's first block, so there is a trace of it.
    synth = loaded
    silent = 1 if side == "left" else 0
    output = Output(side="left" if side == "left" else "right")
    synth.set_drums(DRUM_CHANNEL, 1.0, 0.5, 0)
    for part in (DRUM_CHANNEL, CLICK_CHANNEL):
        synth.set_output(part, output)
    everything = tuple(Note(i / 4, drum.pitch, 127) for i in range(16) for drum in DRUMS)
    sound = render_samples(synth, Phrase(everything, 1, 200.0), 1, 1.0, metronome=True)
    for part in (DRUM_CHANNEL, CLICK_CHANNEL):
        synth.set_output(part, Output())
    synth.set_drums(DRUM_CHANNEL, 1.0, 0.0, 0)
    synth.silence()
    assert 0.2 < peak(sound) < 1.0
    assert np.std(sound[:, silent]) < 0.05 * np.std(sound[:, 1 - silent])


def test_the_densest_phrase_with_all_its_reverb_does_not_clip(loaded: Synth) -> None:
    notes = tuple(Note(i / 4, drum.pitch, 127) for i in range(32) for drum in DRUMS)
    loaded.set_drums(DRUM_CHANNEL, 1.0, 0.0, 0, 1.0)
    sound = render_samples(loaded, Phrase(notes, 2, 200.0), 2, 1.0, metronome=True)
    loaded.set_drums(DRUM_CHANNEL, 1.0, 0.0, 0)
    loaded.silence()
    assert 0.3 < peak(sound) < 1.0


def test_a_note_ends_where_it_began_though_its_part_has_moved(synth: Synth) -> None:
    """With one pair of outputs a part cannot move, so the channels tell."""
    ended: list[int] = []
    sequencer = synth._sequencer
    off = sequencer.note_off
    sequencer.note_off = lambda tick, channel, *rest, **more: (
        ended.append(channel),
        off(tick, channel, *rest, **more),
    )
    synth._parts.set_pairs(4)
    machine(synth)
    begun_on = synth._parts.channel(DRUM_CHANNEL)
    synth.set_output(DRUM_CHANNEL, Output(pair=3))
    machine(synth, velocity=0)
    assert synth._parts.channel(DRUM_CHANNEL) != begun_on
    assert ended == [begun_on]
