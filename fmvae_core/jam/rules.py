"""The rules of a jam: whose turn it is, what is asked of the model when, and what is played.

Nothing here knows ports, clocks or models: the engine says how far time has got, in beats of the
take, and which answers have come, and is told what to do. Beat 0 is where the count-in begins.

A jam is a row of turns of one length. In each the machine listens, answers, or both; what it heard
in one turn is answered in the next, never later. An answer is kept ready from half-way through a
turn, and the one to the whole phrase takes its place if it comes in time, so that no answer is ever
late; once chosen it is played to its end, so that none is ever cut.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from fmvae_core.jam.window import HALF_STEP
from fmvae_core.music.phrase import BEATS_PER_BAR, Phrase

_REMEMBERED_TURNS = 4


Plays = Literal["drums", "melody"]
"""What is played in a jam."""


class Mode(StrEnum):
    """Who plays when.

    Trade: human and machine in turn, the human first (section 4.4). Machine first: the same, begun
    by the machine. Continuous: the human plays on while the machine answers the turn before. Hold:
    the machine plays its last answer over and over while the human plays along.
    """

    TRADE = "trade"
    MACHINE_FIRST = "machine_first"
    CONTINUOUS = "continuous"
    HOLD = "hold"


class State(StrEnum):
    """What is shown large. In continuous mode and in hold the machine listens while it answers."""

    IDLE = "idle"
    COUNT_IN = "count_in"
    LISTENING = "listening"
    ANSWERING = "answering"


class Settings(BaseModel):
    """How a jam goes; a change counts from the next turn on.

    Parameters
    ----------
    mode
        Who plays when.
    bars
        Length of a turn: that of the bundle's phrases.
    count_in_bars
        Bars of click before the first turn. The machine's first phrase is made in them.
    plays
        What the bundle plays, and so what the human does: drums, or a melody on keys.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Mode = Mode.TRADE
    bars: int = Field(default=2, ge=1)
    count_in_bars: int = Field(default=1, ge=1)
    plays: Plays = "drums"


@dataclass(frozen=True)
class Turn:
    """Some bars of a jam.

    Parameters
    ----------
    number
        From 0.
    start
        First beat.
    bars
        Length.
    listens, answers
        What the machine does in it.
    holds
        Whether it plays its last answer again instead of a new one.
    """

    number: int
    start: float
    bars: int
    listens: bool
    answers: bool
    holds: bool = False

    @property
    def end(self) -> float:
        """The beat at which the next turn starts."""
        return self.start + self.bars * BEATS_PER_BAR


class How(StrEnum):
    """What an answer is: to the whole phrase, to part of it, an earlier one, or none at all."""

    FINAL = "final"
    PREPARED = "prepared"
    HELD = "held"
    REPEATED = "repeated"
    SILENT = "silent"


@dataclass(frozen=True)
class Ask:
    """To do: request an answer.

    Parameters
    ----------
    number
        Of the request.
    heard
        Turn whose phrase is to be answered; none where the machine begins.
    turn
        Number of the turn in which the answer is played.
    is_final
        Whether the phrase is complete.
    """

    number: int
    heard: Turn | None
    turn: int
    is_final: bool


@dataclass(frozen=True)
class Play:
    """To do: play the answer to request ``number`` in a turn, or nothing if there never was one.

    An answer is repeated where none came for its turn.
    """

    turn: Turn
    number: int | None
    how: How


Action = Ask | Play


@dataclass(frozen=True)
class Jam:
    """Where a jam has got to. Immutable: each method returns the next state.

    Parameters
    ----------
    settings
        As wanted now.
    turns
        The last few turns, the newest at the end; none while idle.
    asks
        What has been asked for these turns.
    answered
        Numbers of the requests among them that have been answered.
    heard
        Beat up to which hits have been taken in.
    chosen
        Number of the newest turn whose answer has been chosen, -1 at first.
    last_played
        Request that was played last.
    next_number
        Of the next request.
    """

    settings: Settings = field(default_factory=Settings)
    turns: tuple[Turn, ...] = ()
    asks: tuple[Ask, ...] = ()
    answered: frozenset[int] = frozenset()
    heard: float = 0.0
    chosen: int = -1
    last_played: int | None = None
    next_number: int = 1

    def begin(self) -> Jam:
        """Return a jam whose count-in begins at beat 0. Numbers of requests go on growing."""
        mode = self.settings.mode
        first = Turn(
            number=0,
            start=float(self.settings.count_in_bars * BEATS_PER_BAR),
            bars=self.settings.bars,
            listens=mode is not Mode.MACHINE_FIRST,
            answers=mode is Mode.MACHINE_FIRST,
        )
        return Jam(self.settings, (first,), next_number=self.next_number)

    def stop(self) -> Jam:
        """Return an idle jam."""
        return Jam(self.settings, next_number=self.next_number)

    def configured(self, settings: Settings) -> Jam:
        """Return the jam with other settings, which count from the next turn on."""
        return replace(self, settings=settings)

    def answer(self, number: int) -> Jam:
        """Take note that a request has been answered. Unknown or forgotten ones change nothing."""
        if all(ask.number != number for ask in self.asks):
            return self
        return replace(self, answered=self.answered | {number})

    def advance(self, heard: float, queued: float) -> tuple[Jam, tuple[Action, ...]]:
        """Let time go on, and return what is to be done now, in that order.

        Parameters
        ----------
        heard
            Beat up to which all hits have been taken in: now less the latency of the input.
        queued
            Beat up to which the machine's notes must be settled: now and what is queued ahead. The
            later it is, the more often the final answer is in time. At least ``heard``.
        """
        if not self.turns:
            return self, ()
        heard = max(heard, self.heard)
        queued = max(queued, heard)
        jam = self
        while queued >= jam.turns[-1].end - HALF_STEP:
            jam = jam._with_next_turn()
        jam, asks = jam._ask(heard)
        jam, plays = jam._choose(queued)
        return jam._forgetting(), (*asks, *plays)

    def listening_turn(self, beat: float) -> Turn | None:
        """Return the turn that a hit at a beat belongs to, after `advance` has got there.

        None in a turn in which the machine only answers, and for the human's landing before it. In
        continuous mode the landing belongs to the next turn, as its first step.
        """
        for turn in self.turns:
            if turn.listens and turn.start - HALF_STEP <= beat < turn.end - HALF_STEP:
                return turn
        return None

    def counted_at(self, beat: float) -> float:
        """Return at which beat a hit counts that was played at a beat and is taken in now.

        A message takes its time: where the window that it belongs to has been closed meanwhile, and
        asked for an answer, it counts at the close, if that is the beginning of another window.
        """
        counted = beat
        for turn in self.turns:
            close = turn.end - HALF_STEP
            if turn.listens and turn.start - HALF_STEP <= counted < close <= self.heard:
                counted = close
        return beat if self.listening_turn(counted) is None else counted

    def is_final_ready(self, beat: float) -> bool:
        """Return whether nothing better can come for the turn after a beat."""
        following = next((turn for turn in self.turns if turn.start > beat), None)
        return following is not None and any(
            ask.is_final and ask.turn == following.number and ask.number in self.answered
            for ask in self.asks
        )

    def state(self, beat: float) -> State:
        """Return what to show at a beat."""
        turn = self.turn(beat)
        if not self.turns:
            return State.IDLE
        if turn is None:
            return State.COUNT_IN
        return State.ANSWERING if turn.answers else State.LISTENING

    def turn(self, beat: float) -> Turn | None:
        """Return the turn at a beat; none in the count-in and where `advance` has not been."""
        return next((turn for turn in self.turns if turn.start <= beat < turn.end), None)

    def bar_and_beat(self, beat: float) -> tuple[int, int]:
        """Return bar and beat of the turn or the count-in, both from 1."""
        turn = self.turn(beat)
        into = int(max(0.0, beat - (turn.start if turn else 0.0)))
        return into // BEATS_PER_BAR + 1, into % BEATS_PER_BAR + 1

    def _with_next_turn(self) -> Jam:
        mode, bars, last = self.settings.mode, self.settings.bars, self.turns[-1]
        # What was played or heard in another length fits no more: listen first.
        last_played = self.last_played if bars == last.bars else None
        holds = mode is Mode.HOLD and last_played is not None
        answers = holds or (last.listens and bars == last.bars)
        alternates = mode in (Mode.TRADE, Mode.MACHINE_FIRST)
        listens = not (alternates and answers)
        turn = Turn(last.number + 1, last.end, bars, listens, answers, holds)
        return replace(self, turns=(*self.turns, turn), last_played=last_played)

    def _ask(self, heard: float) -> tuple[Jam, tuple[Ask, ...]]:
        asks: list[Ask] = []
        number = self.next_number
        first = self.turns[0]
        if first.number == 0 and first.answers and not self.asks and self.chosen < 0:
            asks.append(Ask(number, None, 0, is_final=True))
        for turn in self.turns:
            # Only the newest of what is due: the others would ask with the same hits.
            due = [beat for beat in _ask_beats(turn) if self.heard < beat <= heard]
            if due:
                is_final = due[-1] == turn.end - HALF_STEP
                asks.append(Ask(number + len(asks), turn, turn.number + 1, is_final))
        jam = replace(self, asks=(*self.asks, *asks), heard=heard, next_number=number + len(asks))
        return jam, tuple(asks)

    def _choose(self, queued: float) -> tuple[Jam, tuple[Play, ...]]:
        jam = self
        plays: list[Play] = []
        for turn in self.turns:
            if turn.number <= jam.chosen or queued < turn.start:
                continue
            jam = replace(jam, chosen=turn.number)
            if turn.answers:
                plays.append(jam._answer_for(turn))
                jam = replace(jam, last_played=plays[-1].number)
        return jam, tuple(plays)

    def _answer_for(self, turn: Turn) -> Play:
        ready = [a for a in self.asks if a.turn == turn.number and a.number in self.answered]
        if turn.holds:
            return Play(turn, self.last_played, How.HELD)
        if ready:
            return Play(turn, ready[-1].number, How.FINAL if ready[-1].is_final else How.PREPARED)
        if self.last_played is not None:
            return Play(turn, self.last_played, How.REPEATED)
        return Play(turn, None, How.SILENT)

    def _forgetting(self) -> Jam:
        turns = self.turns[-_REMEMBERED_TURNS:]
        asks = tuple(ask for ask in self.asks if ask.turn >= turns[0].number)
        answered = self.answered & {ask.number for ask in asks}
        return replace(self, turns=turns, asks=asks, answered=answered)


def on_the_downbeat(phrase: Phrase) -> Phrase:
    """Return a phrase whose early first hits come on the beat: none sounds before its turn."""
    notes = tuple(replace(note, onset=max(0.0, note.onset)) for note in phrase.notes)
    return replace(phrase, notes=notes)


def _ask_beats(turn: Turn) -> tuple[float, ...]:
    """Return the beats at which an answer to a turn's phrase is asked for; the last is the final.

    In hold nothing new will be played, but the map goes on showing where the human is.
    """
    if not turn.listens:
        return ()
    close = turn.end - HALF_STEP
    if turn.holds:
        return (close,)
    beats = turn.bars * BEATS_PER_BAR
    return (*(turn.start + beat for beat in range(beats // 2, beats)), close)
