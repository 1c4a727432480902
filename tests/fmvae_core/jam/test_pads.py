"""Double triggers, hi-hat pedal and choke."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fmvae_core.jam.pads import DOUBLE_TRIGGER_SECONDS, FOOT_CONTROLLER, Hit, Pads
from fmvae_core.music.drums import DRUMS, drum_map

KIT = drum_map()
KEYS = [drum.key for drum in DRUMS]


def test_a_hit_is_told_in_the_pitch_that_stands_for_its_drum() -> None:
    hit = Pads(KIT).note_on(1.0, 40, 90)
    assert hit == Hit(1.0, KEYS.index("snare"), 90)
    assert hit.pitch == 38


def test_what_the_kit_does_not_know_and_note_offs_are_no_hits() -> None:
    pads = Pads(KIT)
    assert pads.note_on(1.0, 100, 90) is None
    assert pads.note_on(1.0, 38, 0) is None
    assert pads.note_on(1.001, 38, 90) is not None  # the note-off was not taken for a hit


def test_two_cymbals_of_one_category_may_be_struck_together() -> None:
    pads = Pads(KIT)
    assert pads.note_on(1.0, 49, 90)
    assert pads.note_on(1.001, 57, 90)


@given(st.lists(st.floats(0.0, 0.1), min_size=1, max_size=60))
def test_echoes_are_dropped_and_only_echoes(gaps: list[float]) -> None:
    pads = Pads(KIT)
    now, kept = 0.0, [-1.0]
    for gap in gaps:
        now += gap
        hit = pads.note_on(now, 38, 64)
        assert (hit is not None) == (now - kept[-1] >= DOUBLE_TRIGGER_SECONDS)
        if hit is not None:
            kept.append(now)


def test_the_pedal_opens_and_closes_a_hi_hat_of_one_pitch() -> None:
    pads = Pads(KIT, pedal_decides=True)
    heard = []
    for beat, pedal in enumerate((0, 127, 20, 64)):
        pads.control(FOOT_CONTROLLER, pedal)
        pads.control(FOOT_CONTROLLER + 1, 127 - pedal)  # somebody else's
        hit = pads.note_on(float(beat), 46, 80)
        assert hit is not None
        heard.append(KEYS[hit.drum])
    assert heard == ["open_hi_hat", "closed_hi_hat", "open_hi_hat", "closed_hi_hat"]


def test_the_pedal_changes_no_other_drum_and_no_kit_that_tells_itself() -> None:
    pads = Pads(KIT, pedal_decides=True)
    pads.control(FOOT_CONTROLLER, 127)
    assert pads.note_on(0.0, 36, 80) == Hit(0.0, KEYS.index("bass"), 80)
    telling = Pads(KIT)
    telling.control(FOOT_CONTROLLER, 127)
    assert telling.note_on(0.0, 46, 80) == Hit(0.0, KEYS.index("open_hi_hat"), 80)


def test_a_grabbed_cymbal_is_silenced_and_letting_go_is_nothing() -> None:
    pads = Pads(KIT)
    assert pads.choke(57, 127) == 49
    assert pads.choke(57, 0) is None
    assert pads.choke(100, 127) is None
