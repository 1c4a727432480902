"""What sounds when: phrases in, timed events out. Pure: no clock, no synth, no threads.

The scheduler counts *song beats* from the moment the transport starts; they are never reset by a
swap. It plans the notes of the turn that is playing and of the next one (whose early downbeats
sound before the loop point). `Scheduler.advance` hands out what falls due before the horizon; the
end of what has been handed out is the *cursor*. A change, a new phrase or tempo, takes effect at
the cursor: what lies before it is on its way to the synth and stays as it is.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from fmvae_core.live.tempo_map import TempoMap
from fmvae_core.live.voices import (
    DRUM_CHANNEL,
    MELODY_CHANNEL,
    SoundEvent,
    Voices,
)
from fmvae_core.music.phrase import STEPS_PER_BEAT, Note, Phrase

QUEUE_SECONDS = 0.060
"""How far ahead of now events are handed out."""


@dataclass(frozen=True, slots=True)
class Tag:
    """Which phrase this is: who sent it and its revision."""

    source: str
    revision: int


@dataclass(frozen=True, slots=True)
class PlayPosition:
    """Where the playhead is: ``beat`` of a phrase of ``beats``, and which phrase it is."""

    beat: float
    beats: int
    tag: Tag


@dataclass(frozen=True, slots=True, order=True)
class _Hit:
    """A note's place in a phrase: the n-th of its pitch in its cell of the sixteenth grid.

    Two phrases agree on a hit even where their micro-timing differs, so a swap that falls between
    the two onsets neither doubles nor loses it.
    """

    channel: int
    pitch: int
    cell: int
    nth: int

    def shifted(self, beats: float) -> _Hit:
        cells = round(beats * STEPS_PER_BEAT)
        return _Hit(self.channel, self.pitch, self.cell + cells, self.nth)


@dataclass(frozen=True, slots=True, order=True)
class _Planned:
    beat: float
    turn: float
    hit: _Hit
    note: Note


@dataclass(frozen=True, slots=True)
class _Stretch:
    """From a song beat on: the turn's start, and the phrase it plays."""

    beat: float
    turn: float
    beats: int
    tag: Tag


def _hits(phrase: Phrase) -> tuple[tuple[_Hit, Note], ...]:
    channel = DRUM_CHANNEL if phrase.is_drums else MELODY_CHANNEL
    count: dict[tuple[int, int], int] = {}
    hits = []
    for note in phrase.notes:
        # A late hit at the very end stays in the last cell: the next one belongs to the next turn.
        cell = min(math.floor(note.onset * STEPS_PER_BEAT + 0.5), phrase.steps - 1)
        nth = count.get((note.pitch, cell), 0)
        count[note.pitch, cell] = nth + 1
        hits.append((_Hit(channel, note.pitch, cell, nth), note))
    return tuple(hits)


class Scheduler:
    """Plays one phrase, once or in a loop, with or without a metronome.

    Parameters
    ----------
    horizon
        Seconds ahead of now that `advance` reaches.
    """

    def __init__(self, horizon: float = QUEUE_SECONDS) -> None:
        self.horizon = horizon
        self.metronome = False
        self._loop = True
        self._tempo = 120.0
        self._phrase = Phrase((), bars=2)
        self._tag = Tag("", 0)
        self._hits = _hits(self._phrase)
        self._running = False
        self._begin(0.0)

    def _begin(self, time: float) -> None:
        self._map = TempoMap(time, self._tempo)
        self._cursor = 0.0
        self._turn = 0.0
        self._turn_end = float(self._phrase.beats)
        self._ended = False
        self._next_click = 0
        self._plan: deque[_Planned] = deque()
        self._done: set[_Hit] = set()
        self._voices = Voices()
        self._stretches: deque[_Stretch] = deque()

    # --- state ------------------------------------------------------------------------------------

    @property
    def phrase(self) -> Phrase:
        """The phrase that plays, or would."""
        return self._phrase

    @property
    def tag(self) -> Tag:
        """Whose phrase it is."""
        return self._tag

    @property
    def is_playing(self) -> bool:
        """Whether the transport runs; false once `advance` has seen the end pass."""
        return self._running

    @property
    def tempo(self) -> float:
        """Beats a minute."""
        return self._tempo

    @property
    def loop(self) -> bool:
        """Whether the phrase starts again at its end."""
        return self._loop

    @property
    def queued_until(self) -> float:
        """Time up to which events have been handed out, in seconds."""
        return self._map.time(self._cursor)

    def position(self, now: float) -> PlayPosition:
        """Return where the playhead is at a time (not before the last one that `advance` saw)."""
        beat = max(0.0, self._map.beat(now))
        if self._ended:
            beat = min(beat, self._turn_end)
        if not self._running or not self._stretches:
            return PlayPosition(0.0, self._phrase.beats, self._tag)
        current = self._stretches[0]
        for stretch in self._stretches:
            if stretch.beat > beat:
                break
            current = stretch
        return PlayPosition(max(0.0, beat - current.turn), current.beats, current.tag)

    # --- commands ---------------------------------------------------------------------------------

    def start(self, time: float) -> None:
        """Start from the phrase's beginning at a time; early downbeats then sound on the beat."""
        self._begin(time)
        self._running = True
        turns = (self._turn, self._turn_end) if self._loop else (self._turn,)
        self._plan.extend(sorted(item for turn in turns for item in self._planned(turn)))
        self._stretches.append(_Stretch(0.0, 0.0, self._phrase.beats, self._tag))

    def stop(self) -> None:
        """Stop at once. What was handed out, and what sounds, is the caller's to silence."""
        self._running = False
        self._begin(0.0)

    def set_tempo(self, tempo: float) -> None:
        """Change the tempo at the cursor; the beat goes on from where it is."""
        self._tempo = tempo
        self._map.change(self._cursor, tempo)

    def set_loop(self, loop: bool) -> None:
        """Choose whether the phrase starts again at its end."""
        if loop == self._loop:
            return
        self._loop = loop
        if not self._running:
            return
        if loop:
            self._ended = False
            again = [item for item in self._planned(self._turn_end) if item.hit not in self._done]
            self._plan = deque(sorted([*self._plan, *again]))
        else:
            self._plan = deque(item for item in self._plan if item.turn <= self._turn)

    def set_phrase(self, phrase: Phrase, tag: Tag) -> float | None:
        """Let a phrase take over at the cursor.

        Bars stay in line: a shorter phrase goes on at the same beat modulo its length. A hit that
        both phrases have sounds exactly once, also where the cursor lies between the two onsets.

        Returns
        -------
        time
            When its first note will sound, in seconds; ``None`` if none will (or while stopped).
        """
        self._phrase, self._tag, self._hits = phrase, tag, _hits(phrase)
        if not self._running or self._ended:
            return None
        pending = {item.hit: item.beat for item in self._plan}
        self._turn += (self._cursor - self._turn) // phrase.beats * phrase.beats
        self._turn_end = self._turn + phrase.beats
        plan = []
        for turn in (self._turn, self._turn_end) if self._loop else (self._turn,):
            for hit, note in self._hits:
                placed = hit.shifted(turn)
                beat = max(turn + note.onset, 0.0)
                if beat < self._cursor:
                    # The old phrase may have kept this hit for later: then it sounds at that place.
                    # An early hit may still sound where its place on the grid lies ahead.
                    is_ahead = placed.cell >= self._cursor * STEPS_PER_BEAT
                    beat = pending.get(placed, self._cursor if is_ahead else -1.0)
                if beat >= self._cursor and placed not in self._done:
                    plan.append(_Planned(beat, turn, placed, note))
        self._plan = deque(sorted(plan))
        if self._plan:
            # A long note of the phrase before must not sound into the melody of the new one.
            self._voices.end_by(MELODY_CHANNEL, self._plan[0].beat)
        self._stretches.append(_Stretch(self._cursor, self._turn, phrase.beats, tag))
        return self._map.time(self._plan[0].beat) if self._plan else None

    # --- time -------------------------------------------------------------------------------------

    def advance(self, now: float) -> list[SoundEvent]:
        """Hand out the events up to the horizon, in the order of their times.

        A start that is overdue by more than a tenth of a second, after a stall, is left out.
        """
        if not self._running:
            return []
        events: list[SoundEvent] = []
        target = self._map.beat(now + self.horizon)
        while not self._ended:
            click = float(self._next_click) if self.metronome else math.inf
            end = self._voices.next_end
            note = self._plan[0].beat if self._plan else math.inf
            due = min(click, end, note, self._turn_end)
            if due >= target:
                break
            if due == end:
                self._voices.end_next(events, self._map)
            elif due == self._turn_end and not self._has_note_left():
                self._end_turn(events)
            elif due == note:
                self._start_note(events, now)
            else:
                self._click(events, now)
        self._cursor = self._turn_end if self._ended else max(self._cursor, target)
        if not self.metronome:
            self._next_click = math.ceil(self._cursor)
        self._forget(now)
        if self._ended and now >= self._map.time(self._turn_end):
            self._running = False
        return events

    def _planned(self, turn: float) -> list[_Planned]:
        # An early downbeat whose place has passed (on the first turn, or when the loop is switched
        # on at the last moment) sounds as soon as it still can.
        return [
            _Planned(max(turn + note.onset, self._cursor), turn, hit.shifted(turn), note)
            for hit, note in self._hits
        ]

    def _has_note_left(self) -> bool:
        # A note a hair before the end of the turn: far into the song the two round to one beat.
        return bool(self._plan) and self._plan[0].beat == self._turn_end > self._plan[0].turn

    def _start_note(self, events: list[SoundEvent], now: float) -> None:
        item = self._plan.popleft()
        self._done.add(item.hit)
        self._voices.start(events, self._map, now, item.beat, item.hit.channel, item.note)

    def _click(self, events: list[SoundEvent], now: float) -> None:
        beat = self._next_click
        self._next_click += 1
        self._voices.click(events, self._map, now, beat)

    def _end_turn(self, events: list[SoundEvent]) -> None:
        if not self._loop:
            self._voices.end_all(events, self._map.time(self._turn_end))
            self._ended = True
            return
        self._turn = self._turn_end
        self._turn_end += self._phrase.beats
        self._plan = deque(sorted([*self._plan, *self._planned(self._turn_end)]))
        self._stretches.append(_Stretch(self._turn, self._turn, self._phrase.beats, self._tag))

    def _forget(self, now: float) -> None:
        beat = self._map.beat(now)
        self._map.forget(now)
        while len(self._stretches) > 1 and self._stretches[1].beat <= beat:
            self._stretches.popleft()
        oldest = math.floor(self._cursor * STEPS_PER_BEAT) - 2
        self._done = {hit for hit in self._done if hit.cell >= oldest}
