"""The machine's line on a clock of the test's own."""

from __future__ import annotations

import pytest

from fmvae_core.live.jam_line import JamLine
from fmvae_core.live.voices import DRUM_CHANNEL, SoundEvent
from fmvae_core.music.phrase import Note, Phrase

TEMPO = 120.0
CHOICE = 0.015  # seconds before a phrase that it is chosen
SNARE = 38


def play(first: Phrase, second: Phrase) -> list[SoundEvent]:
    """Play two phrases of a bar one after the other; return the drums in order of time."""
    line = JamLine(0.0, TEMPO, 0)
    line.play(first, 0.0)
    events: list[SoundEvent] = []
    downbeat = line.time(4.0)
    now, is_chosen = 0.0, False
    while now < 3 * downbeat:
        if not is_chosen and now >= downbeat - CHOICE:
            line.play(second, 4.0)
            is_chosen = True
        events += [event for event in line.advance(now) if event.channel == DRUM_CHANNEL]
        now += 0.005
    return sorted(events, key=lambda event: (event.time, event.velocity > 0))


@pytest.mark.parametrize("onset", [3.8, 3.95])
def test_a_late_last_hit_does_not_cut_the_first_of_the_next_phrase(onset: float) -> None:
    events = play(Phrase((Note(onset, SNARE, 90),), 1, TEMPO), Phrase((Note(0.0, SNARE, 100),), 1))
    starts = [(event.time, event.velocity) for event in events if event.velocity]
    assert starts == [(pytest.approx(onset / 2), 90), (pytest.approx(2.0), 100)]
    ends = [event.time for event in events if not event.velocity]
    assert ends == [pytest.approx(2.0), pytest.approx(2.125)]
