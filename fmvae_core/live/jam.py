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
from fmvae_core.jam.journal import JournalWriter
from fmvae_core.jam.keeps import Keep, LastPhrases
from fmvae_core.jam.messages import Answer, AnswerRequest, Partner
from fmvae_core.jam.pads import Hit
from fmvae_core.jam.rules import Ask, How, Play, Settings, State
from fmvae_core.jam.window import HALF_STEP, Window
from fmvae_core.live.jam_line import JamLine
from fmvae_core.live.jam_messages import (
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
        self._last = LastPhrases()
        self._name = ""  # of the last take's journal

    @property
    def is_running(self) -> bool:
        """Whether a take is going on."""
        return self._take is not None

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
            self._take = Take(line, wanted.seed, journal=journal)
            self._last = LastPhrases()
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
                wanted = {"settings": self._rules.settings, "partner": self._partner}
                self._take.note(self._now(), records.Changed, **wanted)

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
            return self._last.keep(time.time(), self.tempo or tempo, self._name)

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
                self._configure(self._rules.settings)
            self._tell_state(self._now())

    def _configure(self, settings: Settings) -> None:
        if self._bars is not None:
            settings = settings.model_copy(update={"bars": self._bars})
        self._rules = self._rules.configured(settings)

    # --- what happens -----------------------------------------------------------------------------

    def hit(self, hit: Hit) -> None:
        """Take in a hit of the human's."""
        with self._lock:
            if self._take is None:
                return
            self.wake()  # a hit may be the first thing of a turn
            beat = self._take.line.beat(hit.seconds - self._latency)
            turn = self._rules.listening_turn(beat)
            if turn is not None:
                self._window(turn).add(beat, hit.pitch, hit.velocity)
            self._take.note(
                hit.seconds,
                records.HumanHit,
                beat=beat,
                drum=hit.drum,
                velocity=hit.velocity,
                turn=None if turn is None else turn.number,
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
            if answer.bundle != take.bundle:  # where the last model was means nothing to this one
                take.bundle, take.before = answer.bundle, None
                take.recent.clear()
            take.answers[answer.number] = answer
            self._rules = self._rules.answer(answer.number)
            self._last = self._last.answered(answer)
            take.note(self._now(), records.Answered, answer=answer)
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

    def _window(self, turn: rules.Turn) -> Window:
        assert self._take is not None
        windows = self._take.windows
        if turn.number not in windows:
            windows[turn.number] = Window(turn.start, turn.bars)
            for old in [number for number in windows if number < turn.number - 4]:
                del windows[old]
        return windows[turn.number]

    def _ask(self, take: Take, ask: Ask) -> None:
        tempo = take.line.tempo
        if ask.heard is None:
            phrase = Phrase((), self._rules.settings.bars, tempo)
        else:
            phrase = self._window(ask.heard).phrase(tempo)
            if ask.is_final:
                self._tell(HumanPhrase(turn=ask.heard.number, phrase=phrase))
                take.note(
                    self._now(),
                    records.Heard,
                    turn=ask.heard.number,
                    start=ask.heard.start,
                    bars=ask.heard.bars,
                    number=None if self._answerer is None else ask.number,
                )
                if phrase.notes:
                    self._last = self._last.heard(ask.number, phrase)
        if self._answerer is None:
            return
        request = AnswerRequest(
            number=ask.number,
            phrase=phrase,
            is_final=ask.is_final,
            seed=take.seed_of(ask.turn),
            partner=self._partner,
            before=take.before,
            recent=tuple(take.recent),
        )
        self._answerer(request)
        take.note(self._now(), records.Asked, request=request)

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
        answer = take.answers.get(play.number) if play.number is not None else None
        if answer is None:
            empty = Phrase((), play.turn.bars, take.line.tempo)
            self._tell(MachinePhrase(turn=play.turn.number, phrase=empty, how=play.how))
            return
        phrase = rules.on_the_downbeat(answer.phrase.at_tempo(take.line.tempo))
        take.line.play(phrase, play.turn.start)
        is_new = play.how in (How.FINAL, How.PREPARED)
        seed = take.seed_of(play.turn.number) if is_new else None
        self._last = self._last.played(answer, phrase, seed)
        take.answers = {
            number: kept for number, kept in take.answers.items() if number >= answer.number
        }
        if is_new and answer.bundle == take.bundle:
            take.recent.append(answer.phrase)
            take.before = answer.z_human or take.before
        self._tell(
            MachinePhrase(
                turn=play.turn.number,
                phrase=phrase,
                how=play.how,
                z_human=answer.z_human,
                z_machine=answer.z_machine,
                heard=answer.heard,
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
        )
        told = self._told
        if told is None or news != told.model_copy(update={"time": news.time}):
            self._told = news
            self._tell(news)
