"""Ties the jam to its view: start and stop, whose turn it is, what both play, and the pads."""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from app.jam.jam_view import JamView, frames_of
from app.services.engine_client import EngineClient
from app.services.model_client import ModelClient
from app.state.jam import JamModel
from app.state.session import Session
from app.widgets.notices import Notices
from fmvae_core.inference.messages import WorkerProblem
from fmvae_core.jam.messages import Answer, Cell
from fmvae_core.jam.rules import How, Mode, Settings, State
from fmvae_core.jam.words import answer_words
from fmvae_core.live.jam_messages import (
    HumanHeard,
    HumanHit,
    HumanKey,
    HumanPhrase,
    JamProblem,
    JamState,
    MachinePhrase,
)
from fmvae_core.music.drums import DRUMS
from fmvae_core.music.phrase import BEATS_PER_BAR, STEPS_PER_BEAT, Note, Phrase
from fmvae_core.music.representation import representation

_FRAME_MS = 33
_LONGEST_BEAT = 1.5  # beats for which the playhead goes on by itself
_SEEDS = 2**31
_KEY_BEATS = 0.5  # for which a key is shown until it is known how long it was held


class JamPresenter(QObject):
    """Starts and stops the jam and shows it.

    Signals
    -------
    changed()
        Something changed that commands depend on.
    began()
        A take begins.
    """

    changed = Signal()
    began = Signal()

    def __init__(
        self,
        session: Session,
        choices: JamModel,
        view: JamView,
        engine: EngineClient,
        model: ModelClient,
        notices: Notices,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._choices = choices
        self._view = view
        self._jam = engine.jam
        self._model = model
        self._notices = notices
        self._is_measured = False  # the machine has answered once, and answers quickly from now on
        self._starts_when_ready = False
        self._has_failed = False  # to get ready; a notice says why
        self._was = State.IDLE
        self._turn: int | None = None  # whose hits the human's grid shows
        self._bars = 2  # of that turn
        self._hits: list[Note] = []
        self._is_complete = False
        self._has_phrase = False
        self._take = ""
        self._playhead = QTimer(self, interval=_FRAME_MS)
        self._playhead.timeout.connect(self._move_playheads)
        jam = self._jam
        jam.state_changed.connect(self._on_state)
        jam.human_hit.connect(self._on_hit)
        jam.human_heard.connect(self._on_heard)
        jam.human_phrase.connect(self._on_human)
        jam.machine_phrase.connect(self._on_machine)
        jam.problem.connect(self._on_problem)
        jam.gone.connect(self._on_gone)
        model.ready.connect(lambda _: self._get_ready())
        model.jam_ready.connect(self._on_measured)
        model.problem.connect(self._on_worker_problem)
        model.lost.connect(lambda _: self._forget_machine())
        session.bundle_changed.connect(self._on_bundle)
        session.changed.connect(self._on_session)
        choices.changed.connect(self._on_choices)
        view.pads.hit.connect(self._jam.hit)
        view.keys.moved.connect(self._jam.move_key)
        jam.human_key.connect(self._on_key)
        model.recovered.connect(lambda: notices.settle("jam"))
        self._tell_settings()
        self._arm()
        self._view.show_kind(is_drums=self._plays_drums())
        self._show_tempo()
        self._get_ready()
        self._show_state()

    @property
    def has_phrase(self) -> bool:
        """Whether something has been played that could be kept."""
        return self._has_phrase

    # --- what the user does ---------------------------------------------------------------------

    def toggle(self) -> None:
        """Start the jam, as soon as the machine can answer, or stop it."""
        if self._jam.is_running:
            self._jam.stop()
        elif self._starts_when_ready:
            self._starts_when_ready = False
            self._show_state()
        elif self._is_measured:
            self._start()
        else:
            self._starts_when_ready = True
            if self._has_failed:
                self._get_ready()
            self._show_state()

    def keep(self) -> None:
        """Save the last phrases of both players."""
        self._jam.keep()

    def _start(self) -> None:
        self._notices.settle("jam")
        self._jam.start(secrets.randbelow(_SEEDS))

    def _arm(self) -> None:
        self._jam.arm(secrets.randbelow(_SEEDS))

    # --- the machine ----------------------------------------------------------------------------

    def _get_ready(self) -> None:
        bundle = self._session.bundle
        self._is_measured = self._has_failed = False
        self._notices.settle("model:answer_request")
        if bundle is not None and self._model.is_ready:
            self._model.get_ready_to_jam(bundle.bars, is_drums=self._plays_drums())
        self._show_state()

    def _on_measured(self, answer: Answer) -> None:
        bundle = self._session.bundle
        if bundle is None or answer.bundle != bundle.sha256:
            return
        self._is_measured, self._has_failed = True, False
        self._show_state()
        if self._starts_when_ready:
            self._starts_when_ready = False
            self._start()

    def _on_worker_problem(self, problem: WorkerProblem) -> None:
        if problem.request == "answer_request" and not self._is_measured:
            self._has_failed, self._starts_when_ready = True, False
            self._show_state()

    def _forget_machine(self) -> None:
        self._is_measured = self._has_failed = False
        self._show_state()

    def _plays_drums(self) -> bool:
        bundle = self._session.bundle
        return bundle is None or bundle.representation.name == "drums"

    @property
    def _onsets(self) -> str:
        return "hits" if self._plays_drums() else "notes"

    # --- what it is told ------------------------------------------------------------------------

    def _on_bundle(self) -> None:
        self._forget_machine()
        self._starts_when_ready = False
        self._view.show_kind(is_drums=self._plays_drums())
        self._show_tempo()
        self._clear()
        self._tell_settings()

    def _on_choices(self, fields: frozenset[str]) -> None:
        if fields & {"mode", "count_in_bars", "click"}:
            self._tell_settings()

    def _on_session(self, fields: frozenset[str]) -> None:
        if "tempo" in fields:
            self._show_tempo()
            self._show_state()

    def _tell_settings(self) -> None:
        choices, bundle = self._choices.choices, self._session.bundle
        settings = Settings(
            mode=choices.mode,
            bars=2 if bundle is None else bundle.bars,
            count_in_bars=choices.count_in_bars,
        )
        self._jam.set_jam(settings=settings, click=choices.click)

    # --- what is shown --------------------------------------------------------------------------

    def _on_state(self, state: JamState) -> None:
        before, self._was = self._was, state.state
        if before is State.IDLE and state.state is not State.IDLE:
            self._take = "" if state.take is None else state.take.stem
            self._clear()
            self.began.emit()
        if before is not State.LISTENING and state.state is State.LISTENING and self._is_complete:
            self._show_hits(None)
        if before is not State.IDLE and state.state is State.IDLE:
            self._show_end()
            self._arm()
        self._show_state()
        if state.state is not State.IDLE:
            self._show_counts(state)
        if state.state is State.IDLE:
            self._playhead.stop()
        elif not self._playhead.isActive():
            self._playhead.start()
        self._move_playheads()
        if before is not state.state:
            self.changed.emit()

    def _show_state(self) -> None:
        state, banner = self._jam.state, self._view.banner
        if state is not None and state.state is not State.IDLE:
            bars = state.bars
            if state.state is State.COUNT_IN:
                bars = self._choices.choices.count_in_bars
            banner.show_state(state.state, state.bar, bars, state.beat, state.tempo)
        elif self._session.bundle is None:
            banner.show_getting_ready("Open a bundle to begin: Ctrl+O")
        elif self._has_failed:
            banner.show_getting_ready("The machine could not get ready; Space tries again")
        elif not self._is_measured:
            then = " and begins then" if self._starts_when_ready else ""
            banner.show_getting_ready(f"The machine learns its own reach{then}…")
        else:
            banner.show_state(State.IDLE, 1, 2, 1, self._session.state.tempo)

    def _show_counts(self, state: JamState) -> None:
        counts = (
            (state.finals, "to whole phrases"),
            (state.prepared, "prepared"),
            (state.held, "held"),
            (state.repeated, "repeated"),
            (state.silent, "silent"),
        )
        told = [f"{count} {what}" for count, what in counts if count]
        self._view.hint.setText("Answers: " + ", ".join(told) if told else "")

    def _show_end(self) -> None:
        if self._take:
            self._view.hint.setText(f"Take: {self._take}.  {self._view.hint.text()}")

    def _show_tempo(self) -> None:
        for player in (self._view.human, self._view.machine):
            player.grid.set_tempo(self._session.state.tempo)

    def _clear(self) -> None:
        self._turn, self._hits, self._is_complete, self._has_phrase = None, [], False, False
        for player in (self._view.human, self._view.machine):
            player.show_phrase(None)
            player.set_heard(None)
            player.note.setText("")
        bundle = self._session.bundle
        if bundle is not None:
            for player in (self._view.human, self._view.machine):
                player.grid.show_steps(bundle.bars * BEATS_PER_BAR * STEPS_PER_BEAT)

    # --- the human ------------------------------------------------------------------------------

    def _on_hit(self, hit: HumanHit) -> None:
        self._view.pads.flash(hit.drum, hit.velocity)
        if hit.turn is None or hit.onset is None or hit.bars is None:
            return
        note = Note(hit.onset, DRUMS[hit.drum].pitch, hit.velocity)
        self._add(note, hit.turn, hit.bars, is_drums=True)

    def _on_key(self, key: HumanKey) -> None:
        self._view.keys.flash(key.pitch, key.velocity)
        if key.turn is None or key.onset is None or key.bars is None:
            return
        # How long it is held is known at the end of the turn.
        note = Note(key.onset, key.pitch, key.velocity, _KEY_BEATS)
        self._add(note, key.turn, key.bars, is_drums=False)

    def _add(self, note: Note, turn: int, bars: int, *, is_drums: bool) -> None:
        if turn != self._turn:
            self._turn, self._hits, self._is_complete = turn, [], False
            self._bars = bars
            self._view.human.set_heard(None)
            self._view.human.note.setText("")
        self._hits.append(note)
        self._show_hits(Phrase(tuple(self._hits), self._bars, is_drums=is_drums))

    def _show_hits(self, phrase: Phrase | None) -> None:
        """Show what the human plays; None before the first hit of a turn."""
        self._view.human.show_phrase(phrase)
        if phrase is None:
            self._turn, self._hits, self._is_complete = None, [], False
            self._view.human.set_heard(None)
            self._view.human.note.setText("")

    def _on_heard(self, heard: HumanHeard) -> None:
        if heard.turn != self._turn or not heard.is_final:
            return  # the next turn is shown already; or there are hits it does not know yet
        self._view.human.set_heard(heard.heard)
        is_drums = self._plays_drums()
        known, played = count_heard(
            Phrase(tuple(self._hits), self._bars, is_drums=is_drums), heard.heard
        )
        self._view.human.note.setText(f"the model hears {known} of {played} {self._onsets}")

    def _on_human(self, message: HumanPhrase) -> None:
        self._turn, self._hits = message.turn, list(message.phrase.notes)
        self._bars = message.phrase.bars
        self._is_complete = True
        self._has_phrase |= bool(self._hits)
        self._show_hits(message.phrase)
        if not self._hits:
            self._view.human.note.setText("nothing was played")
        self.changed.emit()

    # --- the machine's turn ---------------------------------------------------------------------

    def _on_machine(self, message: MachinePhrase) -> None:
        self._has_phrase |= bool(message.phrase.notes)
        self._view.machine.show_phrase(message.phrase)
        words = answer_words(message.how, message.heard)
        if message.how in (How.FINAL, How.PREPARED) and message.changed_hits is not None:
            words += f" · {message.changed_hits} {self._onsets} changed"
        if message.broker:
            words += " · by the broker"
        self._view.machine.note.setText(words)
        self.changed.emit()

    def _on_problem(self, problem: JamProblem) -> None:
        self._notices.show_notice("jam", problem.text, problem.remedy)

    def _on_gone(self) -> None:
        self._was = State.IDLE
        self._playhead.stop()
        self._move_playheads()
        self._show_state()
        self.changed.emit()

    # --- playheads ------------------------------------------------------------------------------

    def _move_playheads(self) -> None:
        state = self._jam.state
        human: float | None = None
        machine: float | None = None
        if state is not None and state.state in (State.LISTENING, State.ANSWERING):
            since = (time.monotonic() - state.time) * state.tempo / 60.0
            beat = (state.bar - 1) * BEATS_PER_BAR + state.beat - 1
            step = (beat + float(np.clip(since, 0.0, _LONGEST_BEAT))) * STEPS_PER_BEAT
            step = min(step, state.bars * BEATS_PER_BAR * STEPS_PER_BEAT - 0.01)
            both = self._choices.choices.mode in (Mode.CONTINUOUS, Mode.HOLD)
            if state.state is State.LISTENING or both:
                human = step
            if state.state is State.ANSWERING:
                machine = step
        self._view.human.grid.set_playhead(human)
        self._view.machine.grid.set_playhead(machine)


def count_heard(phrase: Phrase, heard: Collection[Cell]) -> tuple[int, int]:
    """Return how many onsets of a phrase the model has heard, and how many there are."""
    music = representation("drums" if phrase.is_drums else "melody", phrase.bars)
    played = music.onsets(frames_of(phrase))
    known = sum(
        bool(played[step, voice])
        for step, voice in heard
        if step < len(played) and voice < music.voices
    )
    return known, int(played.sum())
