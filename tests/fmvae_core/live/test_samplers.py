"""The human's own drums, rendered into memory."""

from __future__ import annotations

import numpy as np
import pytest

from fmvae_core.live.jam_messages import SetSampler
from fmvae_core.live.samplers import Samplers
from fmvae_core.live.synth import Synth

SNARE, CRASH = 38, 49


@pytest.fixture
def synth(loaded: Synth) -> Synth:
    loaded.silence()
    loaded.render(4800)
    return loaded


@pytest.fixture
def samplers(synth: Synth) -> Samplers:
    samplers = Samplers()
    samplers.attach(synth)
    return samplers


def peak(synth: Synth, frames: int = 4800) -> float:
    return float(np.abs(synth.render(frames)).max())


def test_a_hit_sounds_in_the_next_block(synth: Synth, samplers: Samplers) -> None:
    samplers.hit(1.0, SNARE, 120)
    # The attack of the sample itself takes a few milliseconds; the voice is there at once.
    assert np.abs(synth.render(240)).max() > 0.001
    assert peak(synth) > 0.02


def test_a_kit_with_its_own_sound_stays_silent_here(synth: Synth, samplers: Samplers) -> None:
    samplers.change(SetSampler(player="human", sounds=False))
    samplers.hit(1.0, SNARE, 120)
    assert peak(synth) == 0.0
    samplers.change(SetSampler(player="human", sounds=True))
    samplers.hit(2.0, SNARE, 120)
    assert peak(synth) > 0.02


def test_level_and_place_are_each_players_own(synth: Synth, samplers: Samplers) -> None:
    samplers.hit(1.0, SNARE, 100)
    full = peak(synth)
    synth.silence()
    samplers.change(SetSampler(player="human", level=0.5, pan=-1.0))
    samplers.hit(2.0, SNARE, 100)
    left, right = np.abs(synth.render(4800)).max(axis=0)
    assert right < 0.6 * left  # a font places its drums itself, too
    assert left < 0.7 * full
    assert samplers["machine"].pan == 0.0
    assert samplers["human"].level == 0.5


def test_a_new_synth_sounds_as_the_old_one(synth: Synth, samplers: Samplers) -> None:
    samplers.change(SetSampler(player="human", pan=1.0))
    samplers.attach(None)
    samplers.hit(1.0, SNARE, 100)
    assert peak(synth) == 0.0
    samplers.attach(synth)
    samplers.hit(2.0, SNARE, 100)
    left, right = np.abs(synth.render(4800)).max(axis=0)
    assert left < 0.6 * right


def test_a_choked_cymbal_dies_sooner(synth: Synth, samplers: Samplers) -> None:
    lasting = []
    for is_choked in (False, True):
        synth.silence()
        synth.render(4800)
        samplers.hit(1.0, CRASH, 120)
        synth.render(4800)
        if is_choked:
            samplers.choke(CRASH)
        synth.render(24_000)
        lasting.append(float(np.abs(synth.render(24_000)).mean()))
    assert lasting[1] < 0.85 * lasting[0]  # how fast is the font's affair


def test_a_hit_ends_in_the_end_and_a_later_one_rings_on(
    synth: Synth, samplers: Samplers, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[int] = []
    strike = synth.strike
    monkeypatch.setattr(
        synth,
        "strike",
        lambda t, pitch, v, *part: (strike(t, pitch, v, *part), v or ended.append(pitch)),
    )
    samplers.hit(1.0, CRASH, 100)
    samplers.hit(1.2, CRASH, 100)
    samplers.wake(1.3)
    assert ended == []
    samplers.wake(1.46)
    samplers.wake(9.0)
    assert ended == [CRASH]
