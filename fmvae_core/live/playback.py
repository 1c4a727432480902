"""Plays takes again."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fmvae_core.ipc import Message
from fmvae_core.jam.replay import Replay
from fmvae_core.jam.takes import read_take
from fmvae_core.live.scheduler import QUEUE_SECONDS
from fmvae_core.live.take_events import human_events, machine_events
from fmvae_core.live.take_messages import PlayTake, TakePosition
from fmvae_core.live.voices import SoundEvent

_LEAD = 0.050  # seconds from start to the first event: time for it to reach the synth
_TELL = 1.0 / 30.0  # seconds between positions


@dataclass
class _Playing:
    """A take, and when its second 0 falls (or would have fallen)."""

    number: int
    replay: Replay
    events: list[SoundEvent]
    zero: float
    next: int
    told: float


class Playback:
    """Plays one take at a time. Every method may be called from any thread.

    Parameters
    ----------
    now
        The engine's clock.
    sound
        Takes the events that are to sound.
    release
        Forgets what is queued to sound, and lets the rest end.
    tell
        Tells every client.
    kick
        Has the timer call `wake` at once.
    """

    def __init__(
        self,
        now: Callable[[], float],
        sound: Callable[[list[SoundEvent]], None],
        release: Callable[[], None],
        tell: Callable[[Message], None],
        kick: Callable[[], None],
    ) -> None:
        self._now = now
        self._sound = sound
        self._release = release
        self._tell = tell
        self._kick = kick
        self._lock = threading.RLock()
        self._playing: _Playing | None = None
        self._read: tuple[Path, int, Replay, list[SoundEvent]] | None = None

    @property
    def is_running(self) -> bool:
        """Whether a take is played."""
        return self._playing is not None

    def start(self, wanted: PlayTake) -> None:
        """Play a take from a beat on; one that is played ends.

        Raises
        ------
        JournalError
            If the journal cannot be read.
        """
        replay, events = self._get(wanted.path)
        with self._lock:
            if self._playing is not None:
                self._release()
            seconds = replay.time(min(max(0.0, wanted.beat), replay.beats))
            first = bisect_left(events, seconds, key=lambda event: event.time)
            zero = self._now() + _LEAD - seconds
            self._playing = _Playing(wanted.number, replay, events, zero, first, 0.0)
        self._kick()

    def stop(self) -> None:
        """Stop; what sounds ends by itself."""
        with self._lock:
            if self._playing is not None:
                self._end(self._playing)
                self._release()

    def wake(self) -> None:
        """Do what falls due; to be called every hundredth of a second."""
        with self._lock:
            playing = self._playing
            if playing is None:
                return
            now = self._now()
            due = bisect_left(
                playing.events,
                now + QUEUE_SECONDS - playing.zero,
                lo=playing.next,
                key=lambda event: event.time,
            )
            if due > playing.next:
                self._sound(
                    [
                        SoundEvent(
                            max(now, playing.zero + event.time),
                            event.channel,
                            event.pitch,
                            event.velocity,
                        )
                        for event in playing.events[playing.next : due]
                    ]
                )
                playing.next = due
            if now >= playing.zero + playing.replay.seconds:
                self._end(playing)
            elif now >= playing.told + _TELL:
                playing.told = now
                self._tell_position(playing, is_playing=True)

    def _end(self, playing: _Playing) -> None:
        self._playing = None
        self._tell_position(playing, is_playing=False)

    def _tell_position(self, playing: _Playing, is_playing: bool) -> None:
        beat = playing.replay.beat(max(0.0, self._now() - playing.zero))
        beat = min(beat, playing.replay.beats)
        self._tell(TakePosition(number=playing.number, beat=beat, is_playing=is_playing))

    def _get(self, path: Path) -> tuple[Replay, list[SoundEvent]]:
        """Read a take, unless it is the one that was read last: seeking has to be quick."""
        read, changed = self._read, path.stat().st_mtime_ns if path.exists() else 0
        if read is None or read[:2] != (path, changed):
            journal = read_take(path)
            replay = Replay(journal)
            events = [
                *human_events(journal, replay),
                *machine_events(journal, replay),
            ]
            events.sort(key=lambda event: event.time)
            read = self._read = (path, changed, replay, events)
        return read[2], read[3]
