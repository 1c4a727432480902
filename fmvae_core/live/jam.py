"""A jam in time: hits in, requests to the model out, answers played on the beat.

The rules are those of `fmvae_core.jam.rules`; this is where they meet the clock, the synth and the
model worker. An answer is chosen as late as the queue to the synth allows, so that the final one is
mostly in time; it is never played late, and never cut.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from fmvae_core.ipc import Message
from fmvae_core.jam import records, rules
from fmvae_core.jam.conversation import Conversation
from fmvae_core.jam.journal import JournalWriter
from fmvae_core.jam.keeps import Keep
from fmvae_core.jam.messages import Answer, Partner
from fmvae_core.jam.pads import Hit
from fmvae_core.jam.rules import Ask, How, Play, Settings, State
from fmvae_core.jam.window import HALF_STEP
from fmvae_core.live.jam_line import JamLine
from fmvae_core.live.jam_messages import (
    HumanHeard,
    HumanHit,
    HumanPhrase,
    JamProblem,
    JamState,
    MachinePhrase,
    StartJam,
)
from fmvae_core.live.scheduler import QUEUE_SECONDS
from fmvae_core.live.take import Take
from fmvae_core.live.voices import SoundEvent
from fmvae_core.music.phrase import BEATS_PER_BAR, Phrase

log = logging.getLogger(__name__)

CHOICE_SECONDS = 0.015
"""How long before its first beat an answer is chosen where the final one has not come."""

_LEAD = 0.050  # seconds from start to the first click: time for it to reach the synth

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
    """

    def __init__(
        self,
        now: Callable[[], float],
        sound: Callable[[list[SoundEvent]], None],
        release: Callable[[], None],
        tell: Send,
        kick: Callable[[], None],
    ) -> None:
        self._now = now
        self._sound = sound
        self._release = release
        self._tell = tell
        self._kick = kick
        self._lock = threading.RLock()
        self._rules = rules.Jam()
        self._partner = Partner()
        self._click = True
        self._latency = 0.0
        self._take: Take | None = None
        self._answerer: Send | None = None
        self._bars: int | None = None
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

    # --- commands ---------------------------------------------------------------------------------

    def start(self, wanted: StartJam, tempo: float) -> None:
        """Begin a take; one that is going on ends.

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
            line = JamLine(self._now() + _LEAD, tempo, beats)
            line.click = self._click
            self._conversation = Conversation(wanted.seed)
            self._take = Take(line, self._conversation, journal)
            self._note_turns(self._take)
            self._name = "" if wanted.journal is None else wanted.journal.stem
            log.info("a jam begins at %g bpm", tempo)
        self._kick()

    def stop(self) -> None:
        """End the take; what sounds ends by itself."""
        with self._lock:
            take, self._take = self._take, None
            self._rules = self._rules.stop()
            if take is not None:
                now = self._now()
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
                self._latency = input_latency
            if self._take is not None:
                self._note_changed(self._take)

    def set_tempo(self, tempo: float) -> None:
        """Change the tempo from the end of what is queued."""
        with self._lock:
            if self._take is not None:
                beat = self._take.line.set_tempo(tempo)
                self._take.note(self._now(), records.TempoSet, beat=beat, tempo=tempo)
                self._tell_state(self._now())

    def keep(self, tempo: float) -> Keep:
        """Return what both players have played last, also after the take has ended.

        Parameters
        ----------
        tempo
            Beats a minute where no take is going on.

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

    def set_answerer(self, answerer: Send | None, bars: int | None = None) -> None:
        """Ask this one for answers from now on; ``bars`` is the length of its phrases."""
        with self._lock:
            self._answerer = answerer
            if bars is not None:
                self._bars = bars
                before = self._rules.settings
                self._configure(before)
                if self._take is not None and self._rules.settings != before:
                    self._note_changed(self._take)
            self._tell_state(self._now())

    def _configure(self, settings: Settings) -> None:
        if self._bars is not None:
            settings = settings.model_copy(update={"bars": self._bars})
        self._rules = self._rules.configured(settings)

    # --- what happens -----------------------------------------------------------------------------

    def hit(self, hit: Hit) -> None:
        """Take in a hit of the human's, and tell of it."""
        with self._lock:
            if self._take is None:
                self._tell(HumanHit(drum=hit.drum, velocity=hit.velocity))
                return
            self.wake()  # a hit may be the first thing of a turn
            beat = self._take.line.beat(hit.seconds - self._latency)
            turn = self._rules.listening_turn(beat)
            if turn is not None:
                self._take.conversation.hear(turn, beat, hit.pitch, hit.velocity)
            self._take.note(
                hit.seconds,
                records.HumanHit,
                beat=beat,
                drum=hit.drum,
                velocity=hit.velocity,
                turn=None if turn is None else turn.number,
            )
            self._tell(
                HumanHit(
                    drum=hit.drum,
                    velocity=hit.velocity,
                    turn=None if turn is None else turn.number,
                    onset=None if turn is None else beat - turn.start,
                )
            )

    def note_midi(self, seconds: float, **fields: Any) -> None:
        """Write a MIDI message that came in or went out to the take's journal."""
        take = self._take
        if take is not None:
            take.note(seconds, records.MidiEvent, **fields)

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
            ask = next((ask for ask in self._rules.asks if ask.number == answer.number), None)
            if ask is not None and ask.heard is not None and answer.z_human is not None:
                self._tell(
                    HumanHeard(
                        turn=ask.heard.number,
                        z=answer.z_human,
                        heard=answer.heard,
                        is_final=ask.is_final,
                    )
                )
        self._kick()

    def wake(self) -> None:
        """Do what falls due; to be called every hundredth of a second, and at `next_due`."""
        with self._lock:
            take = self._take
            if take is None:
                return
            now = self._now()
            line = take.line
            ahead = QUEUE_SECONDS if self._is_final_ready(line.beat(now)) else CHOICE_SECONDS
            heard = line.beat(now - self._latency)
            self._rules, actions = self._rules.advance(heard, line.beat(now + ahead))
            self._note_turns(take)
            for action in actions:
                if isinstance(action, Ask):
                    self._ask(take, action)
                else:
                    self._play(take, action)
            self._sound(line.advance(now))
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

    # --- with the lock held -----------------------------------------------------------------------

    def _is_final_ready(self, beat: float) -> bool:
        """Return whether nothing better can come for the next turn."""
        following = next((turn for turn in self._rules.turns if turn.start > beat), None)
        return following is not None and any(
            ask.is_final and ask.turn == following.number and ask.number in self._rules.answered
            for ask in self._rules.asks
        )

    def _note_changed(self, take: Take) -> None:
        wanted = {"settings": self._rules.settings, "partner": self._partner}
        take.note(self._now(), records.Changed, **wanted)

    def _note_turns(self, take: Take) -> None:
        for turn in self._rules.turns:
            if turn.number >= take.turns:
                take.turns = turn.number + 1
                take.note(
                    self._now(),
                    records.TurnSet,
                    turn=turn.number,
                    start=turn.start,
                    bars=turn.bars,
                    listens=turn.listens,
                    answers=turn.answers,
                    holds=turn.holds,
                )

    def _ask(self, take: Take, ask: Ask) -> None:
        bars = self._rules.settings.bars
        request = take.conversation.request(ask, bars, take.line.tempo, self._partner)
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
        take.counts[play.how] += 1
        take.note(
            self._now(),
            records.Played,
            turn=play.turn.number,
            start=play.turn.start,
            bars=play.turn.bars,
            number=play.number,
            how=play.how,
        )
        tempo = take.line.tempo
        played = take.conversation.play(play, tempo)
        if played is None:
            empty = Phrase((), play.turn.bars, tempo)
            self._tell(MachinePhrase(turn=play.turn.number, phrase=empty, how=play.how))
            return
        answer, phrase = played
        take.line.play(phrase, play.turn.start)
        self._tell(
            MachinePhrase(
                turn=play.turn.number,
                phrase=phrase,
                how=play.how,
                z_human=answer.z_human,
                z_machine=answer.z_machine,
                heard=answer.heard,
                sigma=answer.sigma,
                changed_hits=answer.changed_hits,
                broker=answer.broker,
            )
        )

    def _tell_of_journal(self, problem: str | None) -> None:
        if problem is not None:
            text, _, remedy = problem.partition("; ")
            self._tell(JamProblem(text=text, remedy=remedy))

    def _tell_state(self, now: float) -> None:
        take = self._take
        state, bar, beat, fell, tempo = State.IDLE, 1, 1, now, 0.0
        if take is not None:
            at = max(0.0, take.line.beat(now))
            state = self._rules.state(at)
            bar, beat = self._rules.bar_and_beat(at)
            fell, tempo = take.line.time(float(int(at))), take.line.tempo
        counts = take.counts if take is not None else Counter[How]()
        news = JamState(
            state=state,
            bar=bar,
            beat=beat,
            bars=self._rules.settings.bars,
            tempo=tempo,
            time=fell,
            can_answer=self._answerer is not None,
            finals=counts[How.FINAL],
            prepared=counts[How.PREPARED],
            held=counts[How.HELD],
            repeated=counts[How.REPEATED],
            silent=counts[How.SILENT],
            take=None if take is None or take.journal is None else take.journal.path,
        )
        told = self._told
        if told is None or news != told.model_copy(update={"time": news.time}):
            self._told = news
            self._tell(news)
