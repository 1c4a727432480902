"""The machine's part of a jam in time: clicks and answers in, timed events out. Pure.

Beats are those of the take: beat 0 is where the count-in begins. As in the scheduler, `advance`
hands out what falls due before the horizon, and the end of that is the cursor.
"""

from __future__ import annotations

import heapq
import math

from fmvae_core.live.scheduler import QUEUE_SECONDS
from fmvae_core.live.tempo_map import TempoMap
from fmvae_core.live.voices import DRUM_CHANNEL, SoundEvent, Voices
from fmvae_core.music.phrase import Note, Phrase


class JamLine:
    """Clicks, and phrases at the beats where they are to sound.

    Parameters
    ----------
    time
        When beat 0 falls, in seconds.
    tempo
        Beats a minute.
    count_in_beats
        How many beats click in any case.
    """

    def __init__(self, time: float, tempo: float, count_in_beats: int) -> None:
        self.click = True
        """Whether it clicks after the count-in."""
        self.tempo = tempo
        self._map = TempoMap(time, tempo)
        self._count_in_beats = count_in_beats
        self._cursor = 0.0
        self._next_click = 0
        self._notes: list[tuple[float, int, Note]] = []  # beat, serial, note
        self._serial = 0
        self._voices = Voices()

    def time(self, beat: float) -> float:
        """Return when a beat falls, in seconds."""
        return self._map.time(beat)

    def beat(self, time: float) -> float:
        """Return the beat at a time in seconds."""
        return self._map.beat(time)

    def set_tempo(self, tempo: float) -> float:
        """Change the tempo at the cursor and return its beat, which goes on from where it is."""
        self.tempo = tempo
        self._map.change(self._cursor, tempo)
        return self._cursor

    def play(self, phrase: Phrase, start: float) -> None:
        """Let a phrase sound from a beat on; no note of it sounds before."""
        for note in phrase.notes:
            self._serial += 1
            heapq.heappush(self._notes, (start + max(0.0, note.onset), self._serial, note))

    def advance(self, now: float) -> list[SoundEvent]:
        """Hand out the events up to the horizon, in the order of their times."""
        events: list[SoundEvent] = []
        target = max(self._cursor, self._map.beat(now + QUEUE_SECONDS))
        while True:
            click = float(self._next_click)
            note = self._notes[0][0] if self._notes else math.inf
            end = self._voices.next_end
            due = min(click, note, end)
            if due >= target:
                break
            if due == end:
                self._voices.end_next(events, self._map)
            elif due == note:
                beat, _, item = heapq.heappop(self._notes)
                self._voices.start(events, self._map, now, beat, DRUM_CHANNEL, item)
            else:
                self._sound_click(events, now)
        self._cursor = target
        self._map.forget(now)
        return events

    def _sound_click(self, events: list[SoundEvent], now: float) -> None:
        beat = self._next_click
        self._next_click += 1
        if self.click or beat < self._count_in_beats:
            self._voices.click(events, self._map, now, beat)
