"""A jam in time: hits in, requests to the model out, answers played on the beat.

The rules are those of `fmvae_core.jam.rules`; this is where they meet the clock, the synth and the
model worker. An answer is chosen as late as the queue to the synth allows, so that the final one is
mostly in time; it is never played late, and never cut.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from fmvae_core.ipc import Message
from fmvae_core.jam import records, rules
from fmvae_core.jam.conversation import Conversation
from fmvae_core.jam.in_progress import JamFlag
from fmvae_core.jam.journal import JournalWriter
from fmvae_core.jam.keeps import Keep
from fmvae_core.jam.messages import Answer, Partner
from fmvae_core.jam.pads import Hit, Key
from fmvae_core.jam.rules import Ask, Play, Plays, Settings
from fmvae_core.jam.window import HALF_STEP
from fmvae_core.live.jam_line import JamLine
from fmvae_core.live.jam_messages import (
    HumanPhrase,
    JamProblem,
    JamState,
    StartJam,
)
from fmvae_core.live.midi_clock import Line, Pulse
from fmvae_core.live.scheduler import QUEUE_SECONDS
from fmvae_core.live.take import (
    Direction,
    Take,
    human_heard,
    human_hit,
    human_key,
    jam_state,
    machine_phrase,
)
from fmvae_core.live.voices import SoundEvent
from fmvae_core.music.phrase import BEATS_PER_BAR

log = logging.getLogger(__name__)

CHOICE_SECONDS = 0.015
"""How long before its first beat an answer is chosen where the final one has not come."""

LEAD_SECONDS = 0.050
"""From start to the first click: time for it to reach the synth."""

_TEMPO_NEWS = 0.2  # beats a minute by which a master's tempo has to change to be told

Send = Callable[[Message], None]


class Jam:
    """Runs one jam at a time. Every method may be called from any thread.

    Parameters
    ----------
    now
        The engine's clock.
    sound
        Takes the events that the machine and the click are to sound.
    release
        Forgets what is queued to sound, and lets the rest end.
    tell
        Tells every client.
    kick
        Has the timer call `wake` at once.
    pulse
        Takes the ticks of the take's clock.
    """

    def __init__(
        self,
        now: Callable[[], float],
        sound: Callable[[list[SoundEvent]], None],
        release: Callable[[], None],
        tell: Send,
        kick: Callable[[], None],
        pulse: Callable[[list[Pulse]], None] = lambda pulses: None,
    ) -> None:
        self._now = now
        self._sound = sound
        self._release = release
        self._tell = tell
        self._kick = kick
        self._pulse = pulse
        self._lock = threading.RLock()
        self._rules = rules.Jam()
        self._partner = Partner()
        self._click = True
        self._input_latency = 0.0
        self._output_latency = 0.0
        self._flag = JamFlag()
        self._take: Take | None = None
        self._answerer: Send | None = None
        self._offer: dict[str, Any] = {}  # settings that the answerer's phrases decide
        self._told: JamState | None = None
        self._conversation = Conversation(0)  # of the last take
        self._name = ""  # of the last take's journal

    @property
    def is_running(self) -> bool:
        """Whether a take is going on."""
        return self._take is not None

    @property
    def told(self) -> JamState | None:
        """What every client was told last of where the jam is."""
        return self._told

    @property
    def tempo(self) -> float | None:
        """Beats a minute of the take that is going on."""
        with self._lock:
            return None if self._take is None else self._take.line.tempo

    @property
    def partner(self) -> Partner:
        """How the machine answers."""
        return self._partner

    @property
    def output_latency(self) -> float:
        """Seconds from what is played to its being heard."""
        return self._output_latency

    # --- commands ---------------------------------------------------------------------------------

    def start(self, wanted: StartJam, tempo: float, at: float | None = None) -> None:
        """Begin a take, now or with beat 0 at a time; one that is going on ends.

        Raises
        ------
        JournalError
            If the journal exists or cannot be written.
        """
        with self._lock:
            self.stop()
            self._configure(wanted.settings)
            self._partner = wanted.partner
            self._click = wanted.click
            journal = None
            if wanted.journal is not None:
                head = records.Head(
                    time=self._now(),
                    wall=time.time(),
                    settings=self._rules.settings,
                    partner=self._partner,
                    tempo=tempo,
                    seed=wanted.seed,
                )
                journal = JournalWriter(wanted.journal, head, self._tell_of_journal)
            self._rules = self._rules.begin()
            beats = self._rules.settings.count_in_bars * BEATS_PER_BAR
            line = JamLine(self._now() + LEAD_SECONDS if at is None else at, tempo, beats)
            line.click = self._click
            self._conversation = Conversation(wanted.seed)
            self._take = Take(line, self._conversation, journal)
            self._take.note_turns(self._now(), self._rules)
            self._flag.raise_it()
            self._name = "" if wanted.journal is None else wanted.journal.stem
            log.info("a jam begins at %g bpm", tempo)
        self._kick()

    def stop(self) -> None:
        """End the take; what sounds ends by itself."""
        with self._lock:
            take, self._take = self._take, None
            self._rules = self._rules.stop()
            if take is not None:
                self._flag.lower_it()
                now = self._now()
                take.note_ticks(math.inf)
                take.note(now, records.End, beat=max(0.0, take.line.beat(now)))
                if take.journal is not None:
                    # Not daemonic: the last records are written even where the engine ends now.
                    threading.Thread(target=take.journal.close, name="journal-close").start()
                self._release()
                self._tell_state(self._now())

    def change(
        self,
        settings: Settings | None = None,
        partner: Partner | None = None,
        click: bool | None = None,
        input_latency: float | None = None,
        output_latency: float | None = None,
    ) -> None:
        """Change what is given; settings count from the next turn on."""
        with self._lock:
            if settings is not None:
                self._configure(settings)
            if partner is not None:
                self._partner = partner
            if click is not None:
                self._click = click
                if self._take is not None:
                    self._take.line.click = click
            if input_latency is not None:
                self._input_latency = input_latency
            if output_latency is not None:
                self._output_latency = output_latency
            if self._take is not None:
                self._note_changed(self._take)

    def set_tempo(self, tempo: float) -> None:
        """Change the tempo from the end of what is queued."""
        with self._lock:
            if self._take is not None:
                beat = self._take.line.set_tempo(tempo)
                self._take.note(self._now(), records.TempoSet, beat=beat, tempo=tempo)
                self._tell_state(self._now())

    def beat(self, time: float) -> float | None:
        """Return the beat of the take that sounds at a time; ``None`` without a take."""
        with self._lock:
            take = self._take
            return None if take is None else take.line.beat(time - self._output_latency)

    def follow(self, master: Line, zero: float) -> None:
        """Bend the take so that what is heard of it falls with a master's beats.

        Parameters
        ----------
        master
            Where the master's beats fall.
        zero
            Its beat that is the take's beat 0.
        """
        with self._lock:
            if self._take is None:
                return
            line, latency = self._take.line, self._output_latency
            beat = line.follow(lambda time: master.beat_at(time + latency) - zero, master.tempo)
            if abs(master.tempo - line.tempo) > _TEMPO_NEWS:
                line.tempo = round(master.tempo, 1)
                self._take.note(self._now(), records.TempoSet, beat=beat, tempo=line.tempo)
                self._tell_state(self._now())

    def keep(self, tempo: float) -> Keep:
        """Return what both players have played last, also after the take has ended.

        ``tempo`` is that of the engine, for where no take is going on.

        Raises
        ------
        ValueError
            If nothing has been played yet.
        """
        with self._lock:
            return self._conversation.last.keep(time.time(), self.tempo or tempo, self._name)

    def note_kept(self, name: str) -> None:
        """Write to the take's journal that its last phrases were kept."""
        with self._lock:
            if self._take is not None:
                self._take.note(self._now(), records.Kept, name=name)

    def set_answerer(
        self, answerer: Send | None, bars: int | None = None, plays: Plays = "drums"
    ) -> None:
        """Ask this one for answers from now on; its phrases have that length and are of that."""
        with self._lock:
            self._answerer = answerer
            if bars is not None:
                self._offer = {"bars": bars, "plays": plays}
                before = self._rules.settings
                self._configure(before)
                if self._take is not None and self._rules.settings != before:
                    self._note_changed(self._take)
            self._tell_state(self._now())

    def _configure(self, settings: Settings) -> None:
        settings = settings.model_copy(update=self._offer)
        self._rules = self._rules.configured(settings)

    # --- what happens -----------------------------------------------------------------------------

    def hit(self, hit: Hit) -> None:
        """Take in a hit of the human's, and tell of it."""
        with self._lock:
            if self._take is None:
                self._tell(human_hit(hit))
                return
            self.wake()  # a hit may be the first thing of a turn
            beat = self._rules.counted_at(self._beat_of(self._take, hit.seconds))
            turn = self._rules.listening_turn(beat)
            if turn is not None:
                self._take.conversation.hear(turn, beat, hit.pitch, hit.velocity)
            self._take.note_hit(hit, beat, turn)
            self._tell(human_hit(hit, beat, turn))

    def key(self, key: Key) -> None:
        """Take in a key that the human presses or lets go, and tell of it."""
        with self._lock:
            take = self._take
            if take is None:
                self._tell(human_key(key))
                return
            self.wake()  # as for a hit
            beat = self._beat_of(take, key.seconds)
            if key.velocity:
                beat = self._rules.counted_at(beat)
            turn = self._rules.listening_turn(beat) if key.velocity else None
            if turn is not None:
                take.conversation.press(turn, beat, key.pitch, key.velocity)
            elif key.velocity == 0:
                take.conversation.release(beat, key.pitch)
            take.note_key(key, beat, turn)
            self._tell(human_key(key, beat, turn))

    def note_midi(
        self, seconds: float, direction: Direction, port: str, data: Sequence[int]
    ) -> None:
        """Write a MIDI message that came in or went out to the take's journal."""
        take = self._take
        if take is not None:
            take.note_midi(seconds, direction, port, data)

    def note_trouble(self, text: str) -> None:
        """Write what went wrong to the take's journal."""
        take = self._take
        if take is not None:
            take.note(self._now(), records.Trouble, text=text)

    def answer(self, answer: Answer) -> None:
        """Take in an answer of the model worker's."""
        with self._lock:
            take = self._take
            if take is None:
                return
            take.conversation.answer(answer)
            self._rules = self._rules.answer(answer.number)
            take.note(self._now(), records.Answered, answer=answer)
            news = human_heard(answer, self._rules)
            if news is not None:
                self._tell(news)
        self._kick()

    def wake(self) -> None:
        """Do what falls due; to be called every hundredth of a second, and at `next_due`."""
        with self._lock:
            take = self._take
            if take is None:
                return
            now = self._now()
            line = take.line
            ahead = QUEUE_SECONDS if self._rules.is_final_ready(line.beat(now)) else CHOICE_SECONDS
            heard = line.beat(now - self._latency)
            self._rules, actions = self._rules.advance(heard, line.beat(now + ahead))
            take.note_turns(now, self._rules)
            take.note_ticks(now)
            for action in actions:
                if isinstance(action, Ask):
                    self._ask(take, action)
                else:
                    self._play(take, action)
            self._sound(line.advance(now))
            self._pulse(line.take_pulses())
            self._tell_state(now)

    def next_due(self) -> float | None:
        """Return when `wake` has to be called at the latest, in seconds, beside its rhythm."""
        with self._lock:
            if self._take is None or not self._rules.turns:
                return None
            line, now = self._take.line, self._now()
            times = []
            for turn in self._rules.turns:
                times += [line.time(turn.start) - CHOICE_SECONDS]
                times += [line.time(turn.end) - CHOICE_SECONDS]
                times += [line.time(turn.end - HALF_STEP) + self._latency]
            return min((time for time in times if time > now), default=None)

    @property
    def _latency(self) -> float:
        """Seconds from the engine's playing something to its hearing who plays along."""
        return self._input_latency + self._output_latency

    # --- with the lock held -----------------------------------------------------------------------

    def _beat_of(self, take: Take, seconds: float) -> float:
        """Return the beat at which the human played: that of what was heard then."""
        return take.line.beat(seconds - self._latency)

    def _note_changed(self, take: Take) -> None:
        wanted = {"settings": self._rules.settings, "partner": self._partner}
        take.note(self._now(), records.Changed, **wanted)

    def _ask(self, take: Take, ask: Ask) -> None:
        settings = self._rules.settings
        request = take.conversation.request(ask, settings, take.line.tempo, self._partner)
        if ask.heard is not None and ask.is_final:
            self._tell(HumanPhrase(turn=ask.heard.number, phrase=request.phrase))
        if self._answerer is not None:
            start = self._rules.turns[0].start if ask.heard is None else ask.heard.end
            within = take.line.time(start) - CHOICE_SECONDS - self._now()
            self._answerer(request.model_copy(update={"within": max(0.0, within)}))
        take.note(
            self._now(),
            records.Asked,
            beat=self._rules.heard,
            turn=None if ask.heard is None else ask.heard.number,
            is_sent=self._answerer is not None,
            request=request,
        )

    def _play(self, take: Take, play: Play) -> None:
        take.note_played(self._now(), play)
        tempo = take.line.tempo
        played = take.conversation.play(play, tempo)
        if played is not None:
            take.line.play(played[1], play.turn.start)
        is_drums = self._rules.settings.plays == "drums"
        self._tell(machine_phrase(play, played, tempo, is_drums))

    def _tell_of_journal(self, problem: str | None) -> None:
        if problem is not None:
            text, _, remedy = problem.partition("; ")
            self._tell(JamProblem(text=text, remedy=remedy))

    def _tell_state(self, now: float) -> None:
        # What is shown is where the music is that is heard now.
        at = now - self._output_latency
        news = jam_state(self._take, self._rules, at, self._answerer is not None)
        news = news.model_copy(update={"time": news.time + self._output_latency})
        told = self._told
        if told is None or news != told.model_copy(update={"time": news.time}):
            self._told = news
            self._tell(news)
