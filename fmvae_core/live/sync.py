"""Whose beats a jam follows, and the clock that it sends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from fmvae_core.ipc import Message
from fmvae_core.live.jam import LEAD_SECONDS, Jam
from fmvae_core.live.jam_messages import JamProblem
from fmvae_core.live.link_peer import LinkPeer
from fmvae_core.live.midi_clock import TICKS_PER_BEAT, ClockIn, ClockOut, Line, Pulse, Timed
from fmvae_core.live.midi_ports import MidiEvent
from fmvae_core.live.sync_messages import Follow, SetSync, SyncState

_TEMPO_NEWS = 0.2  # beats a minute by which a master's tempo has to change to be told


@dataclass(frozen=True, slots=True)
class Moment:
    """When a take is to begin: its beat 0 is queued for ``at``, at a tempo (none: as it is)."""

    at: float
    tempo: float | None
    zero: float
    """The master's beat at which the take's beat 0 is heard."""


class Sync:
    """Follows a master and leads whoever follows us. Every method may be called from any thread.

    Parameters
    ----------
    now
        The engine's clock.
    jam
        What follows.
    send
        Sends timed MIDI messages to the output port.
    tell
        Tells every client.
    begin, end
        Start a take at a moment, and stop it: what the master's song does.
    set_tempo
        Is told the master's tempo as it changes.
    """

    def __init__(
        self,
        now: Callable[[], float],
        jam: Jam,
        send: Callable[[list[Timed]], None],
        tell: Callable[[Message], None],
        begin: Callable[[Moment], None],
        end: Callable[[], None],
        set_tempo: Callable[[float], None],
    ) -> None:
        self._now = now
        self._jam = jam
        self._send = send
        self._tell = tell
        self._begin = begin
        self._end = end
        self._set_tempo = set_tempo
        self._lock = threading.RLock()
        self._follow: Follow = "own"
        self._follows_transport = True
        self._sends_clock = False
        self._out = ClockOut()
        self._clock = ClockIn()
        self._port = ""  # of the clock that is followed
        self._link: LinkPeer | None = None
        self._was_playing = False  # the session of Link
        self._zero: float | None = None  # the master's beat that is the take's beat 0
        self._is_back = False  # whether the master had been lost in this take
        self._tempo: float | None = None  # of the master, as told
        self._told = SyncState()

    # --- what is wanted ---------------------------------------------------------------------------

    def change(self, wanted: SetSync, tempo: float) -> None:
        """Change what is given. Link begins with ``tempo`` where nobody else is there.

        Raises
        ------
        ValueError
            If Link is wanted and not installed.
        """
        if wanted.follow is not None and wanted.follow != self._follow:
            # Joining and leaving take a while: the timer must not wait for it.
            link = LinkPeer(self._now, tempo) if wanted.follow == "link" else None
            with self._lock:
                self._follow, self._link, link = wanted.follow, link, self._link
                self._clock, self._port = ClockIn(), ""
                self._zero = self._tempo = None
                self._was_playing = self._is_back = False
            if link is not None:
                link.close()
        with self._lock:
            if wanted.follows_transport is not None:
                self._follows_transport = wanted.follows_transport
            if wanted.sends_clock is not None and wanted.sends_clock != self._sends_clock:
                self._sends_clock = wanted.sends_clock
                if not self._sends_clock:
                    self._send([(self._now(), data) for data in self._out.stop()])
            self._tell_state(self._line())

    def close(self) -> None:
        """Leave the master."""
        self.change(SetSync(follow="own"), 0.0)

    @property
    def state(self) -> SyncState:
        """Whose beats the jam follows."""
        return self._told

    @property
    def is_led(self) -> bool:
        """Whether a master is there that a tempo of our own means nothing to."""
        return self._told.is_locked and self._follow == "midi"

    # --- the clock that goes out ------------------------------------------------------------------

    def pulse(self, pulses: list[Pulse]) -> None:
        """Send a take's ticks."""
        if self._sends_clock:
            self._send(self._out.messages(pulses))

    def last_words(self) -> tuple[tuple[int, ...], ...]:
        """Return what is to be sent at a take's end."""
        return self._out.stop()

    def rejoin(self) -> None:
        """Tell a port that has just come where the song is, at the next bar."""
        self._out = ClockOut()

    # --- the master -------------------------------------------------------------------------------

    def system(self, event: MidiEvent) -> None:
        """Take a clock's message of a MIDI port."""
        with self._lock:
            if self._follow != "midi" or (self._port and event.port != self._port):
                return
            did = self._clock.take(event.time, event.data)
            if self._clock.last_tick is not None:
                self._port = event.port
            moment = self._moment_of_start(event.time) if did == "start" else None
            wants = self._follows_transport
        if wants and moment is not None:
            self._begin(moment)
        elif wants and did == "stop":
            self._end()

    def moment(self) -> Moment | None:
        """Return when a take that is wanted now begins: on the master's bar, if there is one."""
        with self._lock:
            line = self._line()
            if line is None:
                return None
            latency = self._jam.output_latency
            zero = line.next_bar(self._now() + LEAD_SECONDS + latency)
            return Moment(line.time_of(zero) - latency, line.tempo, zero)

    def begun(self, moment: Moment | None) -> None:
        """Take note that a take has begun."""
        with self._lock:
            self._zero = None if moment is None else moment.zero
            self._is_back = False
            if self._link is not None and self._follows_transport and moment is not None:
                self._was_playing = True
                self._link.set_playing(True, moment.at)

    def propose(self, tempo: float) -> None:
        """Tell the others of a tempo of ours, where they listen."""
        with self._lock:
            if self._link is not None:
                self._link.set_tempo(tempo)

    def wake(self, now: float) -> None:
        """Follow; to be called every hundredth of a second in a take."""
        with self._lock:
            if self._follow == "own":
                return
            line = self._line()
            self._tell_state(line)
            if line is not None:
                self._lead(line, now)
            self._notice_end()
            did = self._what_link_did()
            wants = self._follows_transport
        if line is not None and self._tempo is not None:
            self._set_tempo(self._tempo)
        if wants and did == "start" and not self._jam.is_running:
            moment = self.moment()
            if moment is not None:
                self._begin(moment)
        elif wants and did == "stop":
            self._end()

    # --- with the lock held -----------------------------------------------------------------------

    def _line(self) -> Line | None:
        if self._link is not None:
            return self._link.line()
        if self._follow != "midi" or self._clock.is_lost(self._now()):
            return None
        return self._clock.line()

    def _moment_of_start(self, time: float) -> Moment:
        """Return when a take begins that the master's song starts with its tick at a time."""
        line = self._clock.line()
        latency = self._jam.output_latency
        song = self._clock.song_beat
        if line is None:
            return Moment(time - latency, None, song)
        # The tick itself may have come late or early: where it belongs is on the line.
        zero = line.next_bar(line.time_of(song))
        return Moment(line.time_of(zero) - latency, line.tempo, zero)

    def _lead(self, line: Line, now: float) -> None:
        if self._tempo is None or abs(line.tempo - self._tempo) > _TEMPO_NEWS:
            self._tempo = round(line.tempo, 1)
        beat = self._jam.beat(now)
        if beat is None:
            return
        if self._zero is None or self._is_back:
            # Where a take meets a master on its way, beat falls on beat. A clock that was lost has
            # gone on meanwhile, nobody knows how far: then tick falls on tick.
            grain = TICKS_PER_BEAT if self._is_back else 1
            self._zero = round((line.beat_at(now) - beat) * grain) / grain
            self._is_back = False
        self._jam.follow(line, self._zero)

    def _notice_end(self) -> None:
        """Let the others on Link stop, too, when the take has been stopped."""
        if self._jam.is_running or self._zero is None:
            return
        self._zero = None
        if self._link is not None and self._follows_transport:
            self._was_playing = False
            self._link.set_playing(False, self._now())

    def _what_link_did(self) -> str | None:
        if self._link is None:
            return None
        was, self._was_playing = self._was_playing, self._link.is_playing
        if was == self._was_playing:
            return None
        return "start" if self._was_playing else "stop"

    def _tell_state(self, line: Line | None) -> None:
        is_locked = line is not None
        if self._told.is_locked and not is_locked and self._follow == "midi":
            if self._jam.is_running:
                self._is_back = True
                self._tell_of_loss()
            self._port = ""
        state = SyncState(
            follow=self._follow,
            is_locked=is_locked,
            tempo=None if line is None else self._tempo,
            source=self._port,
            peers=0 if self._link is None else self._link.peers,
            follows_transport=self._follows_transport,
            sends_clock=self._sends_clock,
        )
        if state != self._told:
            self._told = state
            self._tell(state)

    def _tell_of_loss(self) -> None:
        tempo = "its tempo" if self._tempo is None else f"{self._tempo:g} bpm"
        self._tell(
            JamProblem(
                text=f"The MIDI clock of {self._port} has stopped: the jam stays at {tempo}.",
                remedy="It is followed again as soon as it is back.",
            )
        )
