"""What the engine holds of a jam from start to stop, and what clients are told of it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from fmvae_core.jam import records
from fmvae_core.jam.conversation import Conversation
from fmvae_core.jam.journal import JournalWriter
from fmvae_core.jam.messages import Answer
from fmvae_core.jam.pads import Hit, Key
from fmvae_core.jam.rules import How, Play, State, Turn
from fmvae_core.jam.rules import Jam as Rules
from fmvae_core.live.jam_line import JamLine
from fmvae_core.live.jam_messages import HumanHeard, HumanHit, HumanKey, JamState, MachinePhrase
from fmvae_core.live.midi_clock import TICK, TICKS_PER_BEAT
from fmvae_core.music.phrase import Phrase

Direction = Literal["in", "out"]

_TICKS_SECONDS = 0.8  # after which ticks are written: a crash loses at most a second


class TickBook:
    """Gathers the ticks of clocks, a beat of them into one record. Locks itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ticks: dict[tuple[Direction, str], list[float]] = {}

    def add(self, seconds: float, direction: Direction, port: str) -> None:
        """Take a tick of a port's."""
        with self._lock:
            self._ticks.setdefault((direction, port), []).append(seconds)

    def take(self, now: float) -> list[tuple[float, dict[str, Any]]]:
        """Return what is to be written by now, times and fields of `records.Ticks`."""
        with self._lock:
            ready = [
                key
                for key, times in self._ticks.items()
                if len(times) >= TICKS_PER_BEAT or now - times[0] >= _TICKS_SECONDS
            ]
            return [_ticks(*key, self._ticks.pop(key)) for key in ready]


def _ticks(direction: Direction, port: str, times: Sequence[float]) -> tuple[float, dict[str, Any]]:
    # Rounded before they are taken from one another, so that rounding does not add up.
    micros = [round(1e6 * (time - times[0])) for time in times]
    gaps = tuple(after - before for before, after in pairwise(micros))
    return times[0], {"direction": direction, "port": port, "gaps": gaps}


@dataclass
class Take:
    """A jam from start to stop."""

    line: JamLine
    conversation: Conversation
    journal: JournalWriter | None = None
    counts: Counter[How] = field(default_factory=Counter)
    turns: int = 0
    """How many turns have been written to the journal."""
    ticks: TickBook = field(default_factory=TickBook)
    """Of clocks, that wait to be written."""

    def note(self, seconds: float, record: type[records.Record], **fields: Any) -> None:
        """Write a record of what happened at a time to the journal, if there is one."""
        if self.journal is not None:
            self.journal.write(record(time=seconds, wall=time.time(), **fields))

    def note_midi(
        self, seconds: float, direction: Direction, port: str, data: Sequence[int]
    ) -> None:
        """Write a MIDI message; a clock's tick only once a beat's are together."""
        if data[0] == TICK:
            self.ticks.add(seconds, direction, port)
        else:
            fields = {"direction": direction, "port": port, "data": tuple(data)}
            self.note(seconds, records.MidiEvent, **fields)

    def note_ticks(self, now: float) -> None:
        """Write the ticks that are to be written by now."""
        for seconds, fields in self.ticks.take(now):
            self.note(seconds, records.Ticks, **fields)

    def note_hit(self, hit: Hit, beat: float, turn: Turn | None) -> None:
        """Write a hit of the human's, and which turn it belongs to."""
        number = None if turn is None else turn.number
        drum = {"drum": hit.drum, "velocity": hit.velocity}
        self.note(hit.seconds, records.HumanHit, beat=beat, turn=number, **drum)

    def note_key(self, key: Key, beat: float, turn: Turn | None) -> None:
        """Write a key of the human's, and which turn it belongs to."""
        number = None if turn is None else turn.number
        what = {"pitch": key.pitch, "velocity": key.velocity}
        self.note(key.seconds, records.HumanKey, beat=beat, turn=number, **what)

    def note_played(self, now: float, play: Play) -> None:
        """Count what the machine begins to play, and write it."""
        self.counts[play.how] += 1
        self.note(
            now,
            records.Played,
            turn=play.turn.number,
            start=play.turn.start,
            bars=play.turn.bars,
            number=play.number,
            how=play.how,
        )

    def note_turns(self, now: float, rules: Rules) -> None:
        """Write the turns that have not been written yet."""
        for turn in rules.turns:
            if turn.number >= self.turns:
                self.turns = turn.number + 1
                self.note(
                    now,
                    records.TurnSet,
                    turn=turn.number,
                    start=turn.start,
                    bars=turn.bars,
                    listens=turn.listens,
                    answers=turn.answers,
                    holds=turn.holds,
                )


def human_hit(hit: Hit, beat: float = 0.0, turn: Turn | None = None) -> HumanHit:
    """Return what clients are told of a hit at a beat of the take."""
    if turn is None:
        return HumanHit(drum=hit.drum, velocity=hit.velocity)
    onset = beat - turn.start
    return HumanHit(
        drum=hit.drum, velocity=hit.velocity, turn=turn.number, onset=onset, bars=turn.bars
    )


def human_key(key: Key, beat: float = 0.0, turn: Turn | None = None) -> HumanKey:
    """Return what clients are told of a key at a beat of the take."""
    if turn is None:
        return HumanKey(pitch=key.pitch, velocity=key.velocity)
    onset = beat - turn.start
    return HumanKey(
        pitch=key.pitch, velocity=key.velocity, turn=turn.number, onset=onset, bars=turn.bars
    )


def human_heard(answer: Answer, rules: Rules) -> HumanHeard | None:
    """Return what clients are told of what the model has heard; none where it was to begin."""
    ask = next((ask for ask in rules.asks if ask.number == answer.number), None)
    if ask is None or ask.heard is None or answer.z_human is None:
        return None
    z, heard = answer.z_human, answer.heard
    return HumanHeard(turn=ask.heard.number, z=z, heard=heard, is_final=ask.is_final)


def machine_phrase(
    play: Play, played: tuple[Answer, Phrase] | None, tempo: float, is_drums: bool
) -> MachinePhrase:
    """Return what clients are told of what the machine begins to play; none where it is silent."""
    if played is None:
        empty = Phrase((), play.turn.bars, tempo, is_drums)
        return MachinePhrase(turn=play.turn.number, phrase=empty, how=play.how)
    answer, phrase = played
    return MachinePhrase(
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


def jam_state(take: Take | None, rules: Rules, now: float, can_answer: bool) -> JamState:
    """Return what clients are told of where a jam is at a time; without a take it is idle."""
    state, bar, beat, fell, tempo = State.IDLE, 1, 1, now, 0.0
    bars = rules.settings.bars
    if take is not None:
        at = max(0.0, take.line.beat(now))
        state = rules.state(at)
        bar, beat = rules.bar_and_beat(at)
        turn = rules.turn(at)
        bars = bars if turn is None else turn.bars
        fell, tempo = take.line.time(float(int(at))), take.line.tempo
    counts = take.counts if take is not None else Counter[How]()
    return JamState(
        state=state,
        bar=bar,
        beat=beat,
        bars=bars,
        tempo=tempo,
        time=fell,
        can_answer=can_answer,
        finals=counts[How.FINAL],
        prepared=counts[How.PREPARED],
        held=counts[How.HELD],
        repeated=counts[How.REPEATED],
        silent=counts[How.SILENT],
        take=None if take is None or take.journal is None else take.journal.path,
    )
