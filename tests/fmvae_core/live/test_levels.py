from __future__ import annotations

import pytest

from fmvae_core.live.levels import LevelGuard, Loudness
from fmvae_core.live.voices import CLICK_CHANNEL, DRUM_CHANNEL, MELODY_CHANNEL, SoundEvent
from fmvae_core.music.drums import DRUMS

# About what FluidR3's drums have, in the order of Table 4.
PEAKS = (0.09, 0.14, 0.11, 0.13, 0.12, 0.04, 0.035, 0.07, 0.05)
LOUDNESS = Loudness(
    {(DRUM_CHANNEL, drum.pitch): peak for drum, peak in zip(DRUMS, PEAKS, strict=True)},
    {DRUM_CHANNEL: 0.14, MELODY_CHANNEL: 0.07, CLICK_CHANNEL: 0.14},
)
BASS, SNARE, CLOSED_HI_HAT, CRASH = 36, 38, 42, 49


def hit(time: float, pitch: int, velocity: int = 127) -> SoundEvent:
    return SoundEvent(time, DRUM_CHANNEL, pitch, velocity)


def test_an_ordinary_groove_passes_unchanged() -> None:
    step = 60.0 / 110 / 4
    events = [hit(0.0, CRASH, 100)]
    for bar in range(2):
        at = 16 * bar
        events += [hit((at + i) * step, CLOSED_HI_HAT, 90 - 25 * (i % 2)) for i in range(16)]
        events += [hit((at + i) * step, BASS, 105) for i in (0, 6, 8, 10)]
        events += [hit((at + i) * step, SNARE, v) for i, v in ((4, 112), (12, 112), (7, 35))]
    events.sort(key=lambda event: event.time)
    assert LevelGuard(LOUDNESS).limit(events) == events


def test_a_single_hit_keeps_its_full_velocity_again_and_again() -> None:
    events = [hit(0.35 * i, SNARE) for i in range(10)]
    assert LevelGuard(LOUDNESS).limit(events) == events


def test_a_crowd_is_lowered_together_and_keeps_its_balance() -> None:
    events = [hit(0.0, drum.pitch, 127 if i % 2 else 90) for i, drum in enumerate(DRUMS)]
    limited = LevelGuard(LOUDNESS).limit(events)
    ratios = [
        after.velocity / before.velocity for before, after in zip(events, limited, strict=True)
    ]
    assert max(ratios) < 0.8
    assert max(ratios) - min(ratios) < 0.02
    assert [event.pitch for event in limited] == [event.pitch for event in events]


def test_ends_of_notes_pass_and_count_for_nothing() -> None:
    ends = [hit(0.0, drum.pitch, 0) for drum in DRUMS]
    events = [*ends, hit(0.0, SNARE)]
    assert LevelGuard(LOUDNESS).limit(events) == events


def test_a_softer_click_leaves_more_room() -> None:
    events = [SoundEvent(0.0, CLICK_CHANNEL, 76, 127), hit(0.0, SNARE)]
    guard = LevelGuard(LOUDNESS)
    assert guard.limit(events)[1].velocity < 127
    soft = LevelGuard(LOUDNESS)
    soft.click_amplitude = 0.01
    assert soft.limit(events) == events


def test_a_new_start_knows_nothing_of_the_crowd_before() -> None:
    guard = LevelGuard(LOUDNESS)
    guard.limit([hit(5.0, drum.pitch) for drum in DRUMS])
    assert guard.limit([hit(0.0, SNARE)]) == [hit(0.0, SNARE)]


def test_unmeasured_pitches_count_as_the_loudest_of_their_channel() -> None:
    assert LOUDNESS.of(DRUM_CHANNEL, 60) == pytest.approx(0.14)
    assert LOUDNESS.of(5, 60) == 0.0


def side_by_side(volume: float = 1.0) -> tuple[LevelGuard, LevelGuard]:
    gain = volume**2 * 0.75 / LOUDNESS.highest
    one, other = LevelGuard(LOUDNESS), LevelGuard(LOUDNESS)
    for guard, beside in ((one, other), (other, one)):
        guard.beside = beside
        guard.set_gain(gain)
    return one, other


CROWD = [hit(1.0, drum.pitch) for drum in DRUMS]


def test_at_full_volume_two_crowds_have_less_room_than_one() -> None:
    one, other = side_by_side()
    alone = one.limit(CROWD)
    assert alone == LevelGuard(LOUDNESS).limit(CROWD)
    beside = other.limit(CROWD)
    assert all(b.velocity < a.velocity for a, b in zip(alone, beside, strict=True))


def test_a_hit_is_not_softer_once_the_other_has_died_away_or_is_soft() -> None:
    one, other = side_by_side()
    one.limit(CROWD)
    later = [hit(2.0, SNARE)]
    assert other.limit(later) == later
    one, other = side_by_side()
    one.amplitude = 0.05
    one.limit(CROWD)
    assert other.limit([hit(1.0, SNARE)]) == [hit(1.0, SNARE)]


def test_at_a_lower_volume_both_have_all_their_room() -> None:
    one, other = side_by_side(0.75)
    assert one.limit(CROWD) == other.limit(CROWD) == LevelGuard(LOUDNESS).limit(CROWD)
