"""The machine's part of a jam in time: clicks and answers in, timed events out. Pure.

Beats are those of the take: beat 0 is where the count-in begins. As in the scheduler, `advance`
hands out what falls due before the horizon, and the end of that is the cursor.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import replace

from fmvae_core.live.midi_clock import TICKS_PER_BEAT, Pulse
from fmvae_core.live.scheduler import QUEUE_SECONDS
from fmvae_core.live.tempo_map import TempoMap
from fmvae_core.live.voices import DRUM_CHANNEL, MELODY_CHANNEL, SoundEvent, Voices
from fmvae_core.music.phrase import Note, Phrase

_CATCH_UP_BEATS = 1.0  # within which a take that is off its master's beat bends towards it
_MOST_BENT = 0.15  # share of the tempo
_SHORTEST_BEATS = 0.001  # a note has to last


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
        """Beats a minute, as told; one that follows a master bends a little around it."""
        self._rate = tempo
        self._map = TempoMap(time, tempo)
        self._next_pulse = 0
        self._pulses: list[Pulse] = []
        self._count_in_beats = count_in_beats
        self._cursor = 0.0
        self._next_click = 0
        self._notes: list[tuple[float, int, int, Note]] = []  # beat, serial, channel, note
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
        self.tempo = self._rate = tempo
        self._map.change(self._cursor, tempo)
        return self._cursor

    def follow(self, beat_at: Callable[[float], float], tempo: float) -> float:
        """Bend towards a master from the cursor on and return its beat; no beat is left out.

        Parameters
        ----------
        beat_at
            Tells at which beat of the take the master is at a time in seconds.
        tempo
            The master's.
        """
        error = beat_at(self._map.time(self._cursor)) - self._cursor
        bend = min(max(error / _CATCH_UP_BEATS, -_MOST_BENT), _MOST_BENT)
        rate = tempo * (1.0 + bend)
        if rate != self._rate:
            self._rate = rate
            self._map.change(self._cursor, rate)
        return self._cursor

    def play(self, phrase: Phrase, start: float) -> None:
        """Let a phrase sound from a beat on; no note of it sounds before, and none into the next.

        That may be chosen when the ends of this one's notes are on their way already: an end that
        came later than the next start of its pitch would cut that.
        """
        end = start + phrase.beats
        channel = DRUM_CHANNEL if phrase.is_drums else MELODY_CHANNEL
        for note in phrase.notes:
            self._serial += 1
            beat = start + max(0.0, note.onset)
            lasting = replace(note, duration=max(_SHORTEST_BEATS, min(note.duration, end - beat)))
            heapq.heappush(self._notes, (beat, self._serial, channel, lasting))

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
                beat, _, channel, item = heapq.heappop(self._notes)
                self._voices.start(events, self._map, now, beat, channel, item)
            else:
                self._sound_click(events, now)
        while self._next_pulse < target * TICKS_PER_BEAT:
            number = self._next_pulse - self._count_in_beats * TICKS_PER_BEAT
            time = self._map.time(self._next_pulse / TICKS_PER_BEAT)
            self._pulses.append(Pulse(time, number))
            self._next_pulse += 1
        self._cursor = target
        self._map.forget(now)
        return events

    def take_pulses(self) -> list[Pulse]:
        """Return the ticks of a clock that `advance` has passed, once; the first turn's is 0."""
        pulses, self._pulses = self._pulses, []
        return pulses

    def _sound_click(self, events: list[SoundEvent], now: float) -> None:
        beat = self._next_click
        self._next_click += 1
        if self.click or beat < self._count_in_beats:
            self._voices.click(events, self._map, now, beat)
