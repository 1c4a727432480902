"""What human and machine have said to one another in a take: all that an answer depends on.

Pure, like the rules: the engine tells it what happens, and so does the replay of a journal.
"""

from __future__ import annotations

from collections import deque

from fmvae_core.jam.keeps import LastPhrases
from fmvae_core.jam.messages import MOST_RECENT, Answer, AnswerRequest, Partner, Point
from fmvae_core.jam.rules import Ask, How, Play, Settings, Turn, on_the_downbeat
from fmvae_core.jam.window import Window
from fmvae_core.music.phrase import Phrase

_MOST_SEEDS = 2**32
_REMEMBERED_WINDOWS = 4


class Conversation:
    """Takes in hits and answers, and makes the requests for the next ones.

    Parameters
    ----------
    seed
        Of the take.
    """

    def __init__(self, seed: int) -> None:
        self.last = LastPhrases()
        """What both have played last."""
        self._seed = seed
        self._windows: dict[int, Window] = {}  # by turn
        self._answers: dict[int, Answer] = {}  # by request
        self._recent: deque[Phrase] = deque(maxlen=MOST_RECENT)
        self._before: Point | None = None
        self._bundle = ""  # whose model answers

    def hear(self, turn: Turn, beat: float, pitch: int, velocity: int) -> None:
        """Take in a hit of the human's, at a beat of the take, in the turn it belongs to."""
        self._window(turn).add(beat, pitch, velocity)

    def press(self, turn: Turn, beat: float, pitch: int, velocity: int) -> None:
        """Take in a key that the human presses, in the turn it belongs to."""
        self._window(turn).press(beat, pitch, velocity)

    def release(self, beat: float, pitch: int) -> None:
        """Take in that the human lets a key go, whichever turn it was pressed in."""
        for window in self._windows.values():
            window.release(beat, pitch)

    def request(
        self, ask: Ask, settings: Settings, tempo: float, partner: Partner
    ) -> AnswerRequest:
        """Return the request for an answer to what has been heard so far.

        Parameters
        ----------
        ask
            What the rules ask for.
        settings
            Say how long the machine's phrase is where it begins, and what is played.
        tempo, partner
            As they are now.
        """
        is_drums = settings.plays == "drums"
        if ask.heard is None:
            phrase = Phrase((), settings.bars, tempo, is_drums)
        else:
            phrase = self._window(ask.heard).phrase(tempo, is_drums=is_drums)
            if ask.is_final and phrase.notes:
                self.last = self.last.heard(ask.number, phrase)
        return AnswerRequest(
            number=ask.number,
            phrase=phrase,
            is_final=ask.is_final,
            seed=self._seed_of(ask.turn),
            partner=partner,
            before=self._before,
            recent=tuple(self._recent),
        )

    def answer(self, answer: Answer) -> None:
        """Take in an answer that came."""
        if answer.bundle != self._bundle:  # where the last model was means nothing to this one
            self._bundle, self._before = answer.bundle, None
            self._recent.clear()
        self._answers[answer.number] = answer
        self.last = self.last.answered(answer)

    def play(self, play: Play, tempo: float) -> tuple[Answer, Phrase] | None:
        """Take note of what the machine begins to play, and return it; none where it is silent."""
        answer = None if play.number is None else self._answers.get(play.number)
        if answer is None:
            return None
        phrase = on_the_downbeat(answer.phrase.at_tempo(tempo))
        is_new = play.how in (How.FINAL, How.PREPARED)
        seed = self._seed_of(play.turn.number) if is_new else None
        self.last = self.last.played(answer, phrase, seed)
        self._answers = {
            number: kept for number, kept in self._answers.items() if number >= answer.number
        }
        if is_new and answer.bundle == self._bundle:
            self._recent.append(answer.phrase)
            self._before = answer.z_human or self._before
        return answer, phrase

    def _window(self, turn: Turn) -> Window:
        if turn.number not in self._windows:
            self._windows[turn.number] = Window(turn.start, turn.bars)
            oldest = turn.number - _REMEMBERED_WINDOWS
            for old in [number for number in self._windows if number < oldest]:
                del self._windows[old]
        return self._windows[turn.number]

    def _seed_of(self, turn: int) -> int:
        """Return the seed of all requests for a turn's answer; the next turn has another."""
        return (self._seed + 7919 * turn) % _MOST_SEEDS
