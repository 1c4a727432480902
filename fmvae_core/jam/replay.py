"""A take again: what both players did, and what was so at any beat of it. Pure.

Beats are those of the take: beat 0 is where the count-in begins, and second 0 falls there too.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from fmvae_core.jam.journal import Journal
from fmvae_core.jam.messages import Answer, Cell, Point
from fmvae_core.jam.records import (
    Answered,
    Asked,
    End,
    HumanHit,
    HumanKey,
    Played,
    TempoSet,
    TurnSet,
)
from fmvae_core.jam.rules import How, State, Turn, on_the_downbeat
from fmvae_core.jam.window import Window
from fmvae_core.live.tempo_map import TempoMap
from fmvae_core.music.drums import DRUMS
from fmvae_core.music.phrase import BEATS_PER_BAR, Phrase


@dataclass(frozen=True)
class Passage:
    """A phrase that one of the players has played in a turn.

    Parameters
    ----------
    turn
        The turn.
    phrase
        What was played in it.
    known
        Beat from which on its point is known: the end of the human's turn, the start of the
        machine's.
    z
        Its latent point; none where no model has told it.
    bundle
        SHA-256 of the model whose point it is; empty where there is none.
    heard
        The hits that the model heard the human play, or that were heard of the phrase which the
        machine answers.
    how
        What the machine's answer is; none for the human's.
    answers
        Number of the turn whose phrase the machine answers, if it answers one.
    """

    turn: Turn
    phrase: Phrase
    known: float
    z: Point | None = None
    bundle: str = ""
    heard: tuple[Cell, ...] = ()
    how: How | None = None
    answers: int | None = None


@dataclass(frozen=True)
class Trajectories:
    """The points of both players up to a beat, the oldest first, in the space of one model.

    Parameters
    ----------
    human, machine
        Latent points.
    links
        Pairs of an index of ``human`` and one of ``machine``: the machine's answers.
    distances
        Between the points of each link.
    """

    human: tuple[Point, ...] = ()
    machine: tuple[Point, ...] = ()
    links: tuple[tuple[int, int], ...] = ()
    distances: tuple[float, ...] = ()


@dataclass(frozen=True)
class Moment:
    """What is so at a beat of a take.

    Parameters
    ----------
    state
        As it was shown large.
    bar, beat, bars
        Place in the turn or the count-in, from 1, and the length of the turn.
    tempo
        Beats a minute.
    human, machine
        What each plays now or has played last; none before the first.
    """

    state: State
    bar: int
    beat: int
    bars: int
    tempo: float
    human: Passage | None
    machine: Passage | None


class Replay:
    """A journal as something that can be looked at at any beat.

    Parameters
    ----------
    journal
        Of the take; one that is going on, or whose process has ended, is fine too.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.tempo_map = TempoMap(0.0, journal.head.tempo)
        """When each beat falls, in seconds from beat 0."""
        self._tempi = [(0.0, journal.head.tempo)]
        for record in journal.records:
            if isinstance(record, TempoSet):
                beat = max(record.beat, self._tempi[-1][0])
                self.tempo_map.change(beat, record.tempo)
                self._tempi.append((beat, record.tempo))
        self._answers = {
            each.answer.number: each.answer
            for each in journal.records
            if isinstance(each, Answered)
        }
        self.turns = tuple(_turn(each) for each in journal.records if isinstance(each, TurnSet))
        self.beats = self._end()
        """Length in beats."""
        # What was settled, but not reached any more before the take was stopped.
        self.turns = tuple(turn for turn in self.turns if turn.start < self.beats)
        self._starts = [turn.start for turn in self.turns]

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.time(self.beats)

    def time(self, beat: float) -> float:
        """Return when a beat falls, in seconds from beat 0."""
        return self.tempo_map.time(beat)

    def beat(self, seconds: float) -> float:
        """Return the beat at a time in seconds from beat 0."""
        return self.tempo_map.beat(seconds)

    @cached_property
    def human(self) -> tuple[Passage, ...]:
        """What the human has played, turn by turn; those without a hit are left out."""
        windows = {turn.number: Window(turn.start, turn.bars) for turn in self.turns}
        keys: set[int | None] = set()  # turns that were played on keys
        for record in self._journal.records:
            if isinstance(record, HumanHit) and record.turn in windows:
                drum = DRUMS[record.drum]
                windows[record.turn].add(record.beat, drum.pitch, record.velocity)
            elif isinstance(record, HumanKey):
                keys.add(record.turn)
                for window in windows.values():
                    window.release(record.beat, record.pitch)
                if record.turn in windows and record.velocity:
                    windows[record.turn].press(record.beat, record.pitch, record.velocity)
        answers = self._answers_by_turn()
        passages = []
        for turn in self.turns:
            phrase = windows[turn.number].phrase(
                self._tempo(turn.start), is_drums=turn.number not in keys
            )
            answer = answers.get(turn.number)
            if not phrase.notes:
                continue
            passage = Passage(turn, phrase, known=min(turn.end, self.beats))
            if answer is not None and answer.z_human is not None:
                passage = replace(
                    passage, z=answer.z_human, bundle=answer.bundle, heard=answer.heard
                )
            passages.append(passage)
        return tuple(passages)

    @cached_property
    def machine(self) -> tuple[Passage, ...]:
        """What the machine has played, turn by turn; those in which it was silent are left out."""
        turns = {turn.number: turn for turn in self.turns}
        answers = self._answers
        asked = {r.request.number: r.turn for r in self._journal.records if isinstance(r, Asked)}
        passages = []
        for record in self._journal.records:
            if not isinstance(record, Played) or record.turn not in turns:
                continue
            answer = None if record.number is None else answers.get(record.number)
            if answer is None or record.number is None:
                continue
            turn = turns[record.turn]
            passages.append(
                Passage(
                    turn,
                    on_the_downbeat(answer.phrase).at_tempo(self._tempo(turn.start)),
                    known=turn.start,
                    z=answer.z_machine,
                    bundle=answer.bundle,
                    heard=answer.heard,
                    how=record.how,
                    answers=asked.get(record.number),
                )
            )
        return tuple(passages)

    @cached_property
    def bundles(self) -> tuple[str, ...]:
        """SHA-256 of each model that has answered, in the order in which they came."""
        return tuple(dict.fromkeys(answer.bundle for answer in self._answers.values()))

    def at(self, beat: float) -> Moment:
        """Return what is so at a beat; before the first and after the last nobody plays."""
        index = bisect_right(self._starts, beat) - 1
        turn = self.turns[index] if index >= 0 else None
        state = State.COUNT_IN
        if not 0.0 <= beat < self.beats:
            state = State.IDLE
        elif turn is not None:
            state = State.ANSWERING if turn.answers else State.LISTENING
        into = int(max(0.0, beat - (turn.start if turn else 0.0)))
        return Moment(
            state=state,
            bar=into // BEATS_PER_BAR + 1,
            beat=into % BEATS_PER_BAR + 1,
            bars=turn.bars if turn else self._journal.head.settings.count_in_bars,
            tempo=self._tempo(beat),
            human=_latest(self.human, beat),
            machine=_latest(self.machine, beat),
        )

    def trajectories(self, beat: float, bundle: str) -> Trajectories:
        """Return the points that are known at a beat, of one model's space.

        What the machine plays once more, because it holds or no answer came, is no new point.
        """
        human = [p for p in self.human if p.known <= beat and p.z and p.bundle == bundle]
        machine = [
            p
            for p in self.machine
            if p.known <= beat and p.bundle == bundle and p.how in (How.FINAL, How.PREPARED)
        ]
        places = {passage.turn.number: index for index, passage in enumerate(human)}
        links = tuple(
            (places[passage.answers], index)
            for index, passage in enumerate(machine)
            if passage.answers in places
        )
        points = tuple(p.z for p in human if p.z), tuple(p.z for p in machine if p.z)
        distances = tuple(math.dist(points[0][a], points[1][b]) for a, b in links)
        return Trajectories(*points, links, distances)

    def _tempo(self, beat: float) -> float:
        return self._tempi[max(0, bisect_right(self._tempi, (beat, math.inf)) - 1)][1]

    def _end(self) -> float:
        """Return where the take ends: where it was stopped, else with what was played last."""
        ends = [0.0]
        played = {turn.number: turn.end for turn in self.turns}
        for record in self._journal.records:
            if isinstance(record, End):
                return record.beat
            if isinstance(record, (HumanHit, HumanKey)):
                ends.append(record.beat)
            elif isinstance(record, Played):
                ends.append(played.get(record.turn, record.start))
        return max(ends)

    def _answers_by_turn(self) -> dict[int, Answer]:
        """Return the best answer to each of the human's phrases: that to the whole, if it came."""
        found = {}
        for record in self._journal.records:
            if isinstance(record, Asked) and record.turn is not None:
                answer = self._answers.get(record.request.number)
                if answer is not None:
                    found[record.turn] = answer
        return found


def _turn(record: TurnSet) -> Turn:
    return Turn(
        record.turn, record.start, record.bars, record.listens, record.answers, record.holds
    )


def _latest(passages: Sequence[Passage], beat: float) -> Passage | None:
    index = bisect_right([passage.turn.start for passage in passages], beat) - 1
    return passages[index] if index >= 0 else None
