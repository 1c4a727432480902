"""What sounds in a take, as events of the synth; second 0 is where its count-in begins. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable

from fmvae_core.jam.export import human_notes, machine_notes
from fmvae_core.jam.journal import Journal
from fmvae_core.jam.replay import Replay
from fmvae_core.live.tempo_map import TempoMap
from fmvae_core.live.voices import (
    DRUM_CHANNEL,
    HUMAN_CHANNEL,
    KEYS_CHANNEL,
    MELODY_CHANNEL,
    SoundEvent,
    Voices,
)
from fmvae_core.music.phrase import BEATS_PER_BAR, Note


def human_events(journal: Journal, replay: Replay) -> list[SoundEvent]:
    """Return what the human played, and the ends of it, in the order of time."""
    hits = _events(human_notes(journal), HUMAN_CHANNEL, replay.tempo_map)
    keys = _events(human_notes(journal, keys=True), KEYS_CHANNEL, replay.tempo_map)
    return _sorted(hits + keys)


def machine_events(journal: Journal, replay: Replay) -> list[SoundEvent]:
    """Return what the machine played, and the clicks of the count-in, in the order of time."""
    events = _events(machine_notes(journal), DRUM_CHANNEL, replay.tempo_map)
    events += _events(machine_notes(journal, keys=True), MELODY_CHANNEL, replay.tempo_map)
    clicks = Voices()
    count_in = journal.head.settings.count_in_bars * BEATS_PER_BAR
    for beat in range(min(count_in, math.ceil(replay.beats))):
        clicks.click(events, replay.tempo_map, replay.time(beat), beat)
    clicks.end_all(events, replay.time(count_in))
    return _sorted(events)


def _events(notes: Iterable[Note], channel: int, tempo_map: TempoMap) -> list[SoundEvent]:
    voices = Voices()
    events: list[SoundEvent] = []
    for note in notes:
        beat = max(0.0, note.onset)
        while voices.next_end <= beat:
            voices.end_next(events, tempo_map)
        voices.start(events, tempo_map, tempo_map.time(beat), beat, channel, note)
    while math.isfinite(voices.next_end):
        voices.end_next(events, tempo_map)
    return events


def _sorted(events: list[SoundEvent]) -> list[SoundEvent]:
    # Where two fall together, their order stays: a note ends before it starts again.
    return sorted(events, key=lambda event: event.time)
