"""What the synth is to do, and which notes sound: none is left sounding, none ended too soon."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

from fmvae_core.live.tempo_map import TempoMap
from fmvae_core.music.phrase import BEATS_PER_BAR, Note

MELODY_CHANNEL = 0
KEYS_CHANNEL = 1  # the human's melodies
HUMAN_CHANNEL = 8
DRUM_CHANNEL = 9
CLICK_CHANNEL = 10

CLICK_ACCENT = 76  # high wood block
CLICK_BEAT = 77  # low wood block
_ACCENT = Note(0.0, CLICK_ACCENT, 110, 0.1)
_BEAT = Note(0.0, CLICK_BEAT, 90, 0.1)

_TOO_LATE = 0.100  # seconds after which a start is left out: after a stall, no burst of old notes
_SHORTEST = 0.010  # seconds between a note's start and its end: the synth counts in milliseconds


@dataclass(frozen=True, slots=True)
class SoundEvent:
    """One thing for the synth to do.

    Parameters
    ----------
    time
        Seconds of the engine's clock.
    channel, pitch
        MIDI channel from 0, and pitch.
    velocity
        1 to 127 starts the note, 0 ends it.
    """

    time: float
    channel: int
    pitch: int
    velocity: int


class Voices:
    """The notes that sound, and when each is to end."""

    def __init__(self) -> None:
        self._ends: list[tuple[float, int, int, int]] = []  # beat, serial, channel, pitch
        # Channel and pitch to serial and the earliest time to end.
        self._sounding: dict[tuple[int, int], tuple[int, float]] = {}
        self._serial = 0

    @property
    def next_end(self) -> float:
        """Beat at which the next note ends; infinite if none sounds."""
        return self._ends[0][0] if self._ends else math.inf

    def start(
        self,
        events: list[SoundEvent],
        tempo_map: TempoMap,
        now: float,
        beat: float,
        channel: int,
        note: Note,
    ) -> None:
        """Add the start of a note at a beat, if that is not long past `now`.

        One of its pitch that sounds ends then. The note's own onset plays no part.
        """
        time = tempo_map.time(beat)
        if time < now - _TOO_LATE:
            return
        key = channel, note.pitch
        if self._sounding.pop(key, None) is not None:
            events.append(SoundEvent(time, *key, 0))
        events.append(SoundEvent(time, *key, note.velocity))
        self._serial += 1
        self._sounding[key] = self._serial, time + _SHORTEST
        heapq.heappush(self._ends, (beat + note.duration, self._serial, *key))

    def click(self, events: list[SoundEvent], tempo_map: TempoMap, now: float, beat: int) -> None:
        """Add the click of a beat, accented at the start of a bar."""
        note = _BEAT if beat % BEATS_PER_BAR else _ACCENT
        self.start(events, tempo_map, now, float(beat), CLICK_CHANNEL, note)

    def end_next(self, events: list[SoundEvent], tempo_map: TempoMap) -> None:
        """Add the end of the note that is to end next, unless it was struck again since."""
        beat, serial, channel, pitch = heapq.heappop(self._ends)
        playing, earliest = self._sounding.get((channel, pitch), (-1, 0.0))
        if playing != serial:
            return
        time = tempo_map.time(beat)
        if time < earliest:
            again = max(tempo_map.beat(earliest), math.nextafter(beat, math.inf))
            heapq.heappush(self._ends, (again, serial, channel, pitch))
            return
        del self._sounding[channel, pitch]
        events.append(SoundEvent(time, channel, pitch, 0))

    def end_all(self, events: list[SoundEvent], time: float) -> None:
        """Add the ends of all notes at a time, or as soon after as they may end."""
        ends = [(max(time, earliest), key) for key, (_, earliest) in self._sounding.items()]
        events.extend(SoundEvent(end, *key, 0) for end, key in sorted(ends))
        self._sounding.clear()
        self._ends.clear()

    def end_by(self, channel: int, beat: float) -> None:
        """Let the notes of a channel end at a beat at the latest."""
        self._ends = [
            (min(end, beat) if owner == channel else end, serial, owner, pitch)
            for end, serial, owner, pitch in self._ends
        ]
        heapq.heapify(self._ends)
