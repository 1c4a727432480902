"""Lets a run be heard while it learns: an errand decodes its checkpoint, the engine plays it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QObject

from app.services.engine_client import AUDITION, EngineClient
from app.services.errand_client import ErrandClient
from app.train.listen_page import ListenPage
from app.widgets.miniature import miniatures
from fmvae_core.live.messages import Position
from fmvae_core.music.phrase import BEATS_PER_BAR, STEPS_PER_BEAT, Phrase
from fmvae_core.music.representation import Frames, representation
from fmvae_core.runs.messages import Answer, Going, ListenToRun, NotDone, RunHeard
from fmvae_core.runs.store import Run

_NOTHING = (
    "Hear what the model has learnt so far:\n"
    "two phrases that it does not learn from, as played and as it gives them back,\n"
    "and the way from one to the other."
)


@dataclass(frozen=True)
class _Part:
    """A phrase of those that are heard one after the other."""

    name: str
    title: str
    frames: Frames
    is_decoded: bool


class ListenPresenter(QObject):
    """Ties the page to the run that is looked at.

    Parameters
    ----------
    page
        The widgets.
    engine
        What plays; None where there is no sound.
    parent
        Owner.
    """

    def __init__(self, page: ListenPage, engine: EngineClient | None, parent: QObject) -> None:
        super().__init__(parent)
        self._page = page
        self._engine = engine
        self._run: Run | None = None
        self._heard: RunHeard | None = None
        self._mode = "first"
        self._seed = 0
        self._current = 0
        self._parts: list[_Part] = []
        self._is_playing = False
        self._was_heard = False  # the engine has told that it plays
        self._trouble = ""
        self._errand = ErrandClient("listen", self)
        self._errand.going.connect(self._on_going)
        self._errand.answered.connect(self._on_answered)
        self._errand.failed.connect(lambda how: self._on_answered(NotDone(reason=how)))
        page.decode_asked.connect(self._ask)
        page.others_asked.connect(self._take_others)
        page.mode_chosen.connect(self._choose_mode)
        page.steps_chosen.connect(lambda _steps: self._ask())
        page.play_toggled.connect(self.toggle)
        page.step_chosen.connect(self._choose_part)
        if engine is not None:
            engine.position.connect(self._on_position)
            engine.state_changed.connect(lambda _state: self._on_engine())
            engine.jam.state_changed.connect(lambda _state: self._on_engine())
            engine.lost.connect(lambda _how: self._on_engine())
        self._show_all()

    @property
    def is_busy(self) -> bool:
        """Whether a checkpoint is being decoded."""
        return self._errand.is_busy

    @property
    def is_playing(self) -> bool:
        """Whether the phrases are heard."""
        return self._is_playing

    def close(self) -> None:
        """End what goes on in the background."""
        self._errand.cancel()
        self.stop()

    def show_run(self, run: Run | None) -> None:
        """Take the run that is looked at; another one ends what was heard of the one before."""
        is_other = (run and run.folder) != (self._run and self._run.folder)
        self._run = run
        if is_other:
            self._errand.cancel()
            self.stop()
            self._heard, self._parts, self._trouble, self._seed = None, [], "", 0
            self._show_all()
        else:
            self._show_words()

    # --- what the user does ---------------------------------------------------------------------

    def toggle(self) -> None:
        """Play, or stop."""
        if self._is_playing:
            self.stop()
        elif self._why_not_play() is None:
            self._play()

    def stop(self) -> None:
        """Be silent, and give the engine back the phrase of the Explore tab."""
        if self._is_playing and self._engine is not None:
            self._is_playing = False
            self._engine.end_audition()
            self._page.show_playing(False)

    def _ask(self) -> None:
        if self._run is None:
            return
        self._trouble = ""
        wanted = ListenToRun(
            run=self._run.folder, seed=self._seed, steps=round(self._page.steps.value())
        )
        self._errand.send(wanted)
        self._on_going(Going(stage="loading torch"))

    def _take_others(self) -> None:
        self._seed += 1
        self._ask()

    def _choose_mode(self, mode: str) -> None:
        self._mode = mode
        self._page.show_mode(mode)
        self._show_parts()
        if self._is_playing:
            self._play()

    def _choose_part(self, index: int) -> None:
        if not self._is_playing:  # else what sounds is shown
            self._show_part(index)

    # --- what the errand says -------------------------------------------------------------------

    def _on_going(self, going: Going) -> None:
        share = f" {going.done:,} of {going.total:,}" if going.total else ""
        self._page.show_words(f"{going.stage.capitalize()}{share}…")

    def _on_answered(self, answer: Answer) -> None:
        if isinstance(answer, NotDone):
            self._trouble = answer.reason
        elif isinstance(answer, RunHeard):
            self._heard = answer
        self._show_all()
        if self._is_playing:
            self._play()

    # --- what is heard --------------------------------------------------------------------------

    def _play(self) -> None:
        assert self._engine is not None
        self._is_playing = True
        state = self._engine.state
        self._was_heard = state is not None and state.playing
        self._engine.audition(self._joined())
        self._page.show_playing(True)

    def _joined(self) -> Phrase:
        """Return all parts as one phrase."""
        heard = self._heard
        assert heard is not None
        music = representation(heard.representation, heard.bars)
        tempo = float(np.mean(heard.tempi)) if self._mode == "way" else heard.tempi[self._which()]
        notes = []
        phrases = [
            music.decode(part.frames, tempo, heard.thresholds if part.is_decoded else 0.5)
            for part in self._parts
        ]
        for index, phrase in enumerate(phrases):
            start = index * heard.bars * BEATS_PER_BAR
            notes += [replace(note, onset=note.onset + start) for note in phrase.notes]
        first = phrases[0]
        return Phrase(tuple(notes), heard.bars * len(phrases), first.tempo, first.is_drums)

    def _on_position(self, position: Position) -> None:
        heard = self._heard
        if not self._is_playing or heard is None or position.source != AUDITION:
            return
        beats = heard.bars * BEATS_PER_BAR
        # An early downbeat sounds before the beat that it belongs to.
        part, beat = divmod(max(0.0, position.beat), beats)
        if int(part) < len(self._parts):
            self._show_part(int(part))
            self._page.view.set_playhead(beat * STEPS_PER_BEAT)

    def _on_engine(self) -> None:
        state = None if self._engine is None else self._engine.state
        is_heard = state is not None and state.playing
        # The end of a phrase without loop, panic, or a jam.
        if self._is_playing and (
            (self._was_heard and not is_heard) or self._why_not_play() is not None
        ):
            self.stop()
        self._was_heard = self._was_heard or is_heard
        self._page.set_play_because(self._why_not_play())

    def _why_not_play(self) -> str | None:
        if self._heard is None:
            return "Decode a checkpoint first."
        if self._engine is None or self._engine.state is None:
            return "The sound engine is not there; it is being started."
        if self._engine.jam.is_running:
            return "A jam is going on, and has the sound."
        return None

    # --- what is shown --------------------------------------------------------------------------

    def _which(self) -> int:
        return 1 if self._mode == "second" else 0

    def _show_all(self) -> None:
        run, heard = self._run, self._heard
        self._page.set_decode_because(None if run is not None else "Choose a run first.")
        self._page.set_play_because(self._why_not_play())
        self._show_words()
        if heard is None:
            self._page.show_nothing(_NOTHING)
            return
        self._page.show_kind(heard.representation == "drums")
        self._page.show_mode(self._mode)
        self._show_parts()

    def _show_words(self) -> None:
        if self._errand.is_busy:
            return
        heard, run = self._heard, self._run
        text = self._trouble
        if not text and heard is not None and run is not None:
            text = f"Step {heard.step:,}"
            if run.state.is_active and run.state.step > heard.step:
                text += f"; the run is at {run.state.step:,} now"
            if not heard.is_unseen:
                text += ". It learns from these phrases: it has too few others"
        self._page.show_words(text, is_trouble=bool(self._trouble))

    def _show_parts(self) -> None:
        heard = self._heard
        if heard is None:
            return
        self._parts = list(_PARTS[self._mode](heard))
        music = representation(heard.representation, heard.bars)
        pictures = [
            picture
            for part in self._parts
            for picture in miniatures(
                [part.frames], music, heard.thresholds if part.is_decoded else 0.5
            )
        ]
        if heard.representation == "melody":  # on one range of pitches
            pictures = list(miniatures([part.frames for part in self._parts], music, 0.5))
        self._page.strip.show_pictures(pictures, [part.name for part in self._parts])
        self._current = -1
        self._show_part(0)

    def _show_part(self, index: int) -> None:
        if index == self._current or self._heard is None:
            return
        self._current = index
        part = self._parts[index]
        self._page.strip.show_current(index)
        thresholds = self._heard.thresholds if part.is_decoded else 0.5
        self._page.show_phrase(part.title, part.frames, thresholds)


def _twice(heard: RunHeard, which: int) -> list[_Part]:
    name = heard.names[which]
    return [
        _Part("as played", f"{name}, as played", _frames(heard.played[which]), False),
        _Part("the model's", f"{name}, the model's", _frames(heard.modelled[which]), True),
    ]


def _way(heard: RunHeard) -> list[_Part]:
    last = len(heard.way) - 1
    return [
        _Part(
            f"{100 * index // last} %",
            f"{100 * index // last} % of the way from {heard.names[0]} to {heard.names[1]}",
            _frames(frames),
            True,
        )
        for index, frames in enumerate(heard.way)
    ]


def _frames(frames: tuple[tuple[float, ...], ...]) -> Frames:
    return np.asarray(frames, np.float32)


_PARTS: dict[str, Callable[[RunHeard], list[_Part]]] = {
    "first": lambda heard: _twice(heard, 0),
    "second": lambda heard: _twice(heard, 1),
    "way": _way,
}
