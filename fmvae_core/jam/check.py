"""Plays a journal once more and tells where something else comes out. Pure.

The hits, the answers and the changes that were recorded go through the rules again, in the order
in which they came; the turns, the requests and what the machine played have to be those recorded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from fmvae_core.jam import records, rules
from fmvae_core.jam.conversation import Conversation
from fmvae_core.jam.journal import Journal
from fmvae_core.jam.messages import Answer, AnswerRequest
from fmvae_core.jam.rules import Action, Ask, Play, Turn
from fmvae_core.jam.window import HALF_STEP
from fmvae_core.music.drums import DRUMS
from fmvae_core.music.phrase import STEPS_PER_BEAT, Phrase

_Z_APART = 1e-3
_BEATS_APART = 1e-3


def differences(journal: Journal) -> Iterator[str]:
    """Play a take through the rules again and tell each thing that differs from the journal."""
    rehearsal = _Rehearsal(journal)
    for number, record in enumerate(journal.records, start=2):
        for difference in rehearsal.take(record):
            yield f"line {number}: {difference}"
    for missing in rehearsal.left() if _is_whole(journal) else ():
        yield f"{missing} is not in the journal"


def answer_differences(
    journal: Journal, bundle: str, answer: Callable[[AnswerRequest], Answer]
) -> Iterator[str | None]:
    """Have the answers of one model given again, and tell of each how it differs, or None.

    Parameters
    ----------
    journal
        Of the take.
    bundle
        SHA-256 of the model; answers of others are left out.
    answer
        The model.
    """
    requests = {
        record.request.number: record.request
        for record in journal.records
        if isinstance(record, records.Asked)
    }
    for record in journal.records:
        if isinstance(record, records.Answered) and record.answer.bundle == bundle:
            was, request = record.answer, requests.get(record.answer.number)
            if request is None:
                yield f"answer {was.number}: nobody has asked for it"
            else:
                yield _difference(was, answer(request))


class _Rehearsal:
    """The rules and the conversation, told of a take record by record."""

    def __init__(self, journal: Journal) -> None:
        head = journal.head
        self._rules = rules.Jam(head.settings).begin()
        self._conversation = Conversation(head.seed)
        self._partner = head.partner
        self._tempo = head.tempo
        self._expected: deque[Turn] = deque(self._rules.turns)
        self._pending: deque[Action] = deque()

    def take(self, record: records.Record) -> Iterator[str]:
        match record:
            case records.TempoSet():
                self._tempo = record.tempo
            case records.Changed():
                self._partner = record.partner
                self._rules = self._rules.configured(record.settings)
            case records.HumanHit():
                yield from self._hit(record)
            case records.HumanKey():
                yield from self._key(record)
            case records.TurnSet():
                yield from self._set_turn(record)
            case records.Asked():
                yield from self._ask(record)
            case records.Answered():
                self._conversation.answer(record.answer)
                self._rules = self._rules.answer(record.answer.number)
            case records.Played():
                yield from self._play(record)

    def left(self) -> Iterator[str]:
        """Tell what should have been recorded by now, and has not been."""
        for action in self._pending:
            if isinstance(action, Ask):
                yield f"request {action.number}"
            else:
                yield f"what is played in turn {action.turn.number}"

    def _advance(self, heard: float, queued: float) -> None:
        known = {turn.number for turn in self._rules.turns}
        self._rules, actions = self._rules.advance(heard, queued)
        self._expected.extend(turn for turn in self._rules.turns if turn.number not in known)
        self._pending.extend(actions)

    def _hit(self, record: records.HumanHit) -> Iterator[str]:
        turn = self._rules.listening_turn(record.beat)
        if record.turn != (None if turn is None else turn.number):
            yield f"the hit belongs to turn {turn and turn.number}, not to {record.turn}"
        if turn is not None:
            pitch = DRUMS[record.drum].pitch
            self._conversation.hear(turn, record.beat, pitch, record.velocity)

    def _key(self, record: records.HumanKey) -> Iterator[str]:
        if record.velocity == 0:
            self._conversation.release(record.beat, record.pitch)
            return
        turn = self._rules.listening_turn(record.beat)
        if record.turn != (None if turn is None else turn.number):
            yield f"the key belongs to turn {turn and turn.number}, not to {record.turn}"
        if turn is not None:
            self._conversation.press(turn, record.beat, record.pitch, record.velocity)

    def _set_turn(self, record: records.TurnSet) -> Iterator[str]:
        if not self._expected:
            self._advance(self._rules.heard, self._rules.turns[-1].end - HALF_STEP)
        turn = self._expected.popleft()
        told = Turn(
            record.turn, record.start, record.bars, record.listens, record.answers, record.holds
        )
        if turn != told:
            yield f"the turn is {turn}, not {told}"

    def _ask(self, record: records.Asked) -> Iterator[str]:
        if not any(isinstance(action, Ask) for action in self._pending):
            self._advance(record.beat, record.beat)
        ask = next((action for action in self._pending if isinstance(action, Ask)), None)
        if ask is None:
            yield f"nothing is asked for, but request {record.request.number} was"
            return
        self._pending.remove(ask)
        request = self._conversation.request(ask, self._rules.settings, self._tempo, self._partner)
        if request != record.request:
            fields = [
                name
                for name in AnswerRequest.model_fields
                if getattr(request, name) != getattr(record.request, name)
            ]
            yield f"request {record.request.number} differs in {', '.join(fields)}"

    def _play(self, record: records.Played) -> Iterator[str]:
        if not any(isinstance(action, Play) for action in self._pending):
            self._advance(self._rules.heard, record.start)
        play = next((action for action in self._pending if isinstance(action, Play)), None)
        if play is None:
            yield f"nothing is played in turn {record.turn}"
            return
        self._pending.remove(play)
        self._conversation.play(play, self._tempo)
        told = record.turn, record.start, record.number, record.how
        if (play.turn.number, play.turn.start, play.number, play.how) != told:
            yield (
                f"turn {play.turn.number} plays answer {play.number} ({play.how}), "
                f"not {record.number} ({record.how}) in turn {record.turn}"
            )


def _is_whole(journal: Journal) -> bool:
    return any(isinstance(record, records.End) for record in journal.records)


def _difference(was: Answer, now: Answer) -> str | None:
    """Tell how an answer differs from one given before.

    Another computer adds up in another order, so that points may differ in their last figures.
    """
    if _hits(was.phrase) != _hits(now.phrase):
        return f"answer {was.number}: the hits are others"
    for name in ("z_human", "z_machine"):
        one, two = getattr(was, name), getattr(now, name)
        if (one is None) != (two is None) or (
            one is not None and max(abs(a - b) for a, b in zip(one, two, strict=True)) > _Z_APART
        ):
            return f"answer {was.number}: {name} is another point"
    for a, b in zip(was.phrase.notes, now.phrase.notes, strict=True):
        if abs(a.onset - b.onset) > _BEATS_APART or abs(a.velocity - b.velocity) > 1:
            return f"answer {was.number}: a hit is played otherwise"
    if was.heard != now.heard:
        return f"answer {was.number}: other hits are heard"
    return None


def _hits(phrase: Phrase) -> list[tuple[int, int]]:
    return [(round(note.onset * STEPS_PER_BEAT), note.pitch) for note in phrase.notes]
