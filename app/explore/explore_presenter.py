"""Ties what is heard to the session: asks the model worker, shows its answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.explore.describe import short_label
from app.explore.explore_view import ExploreView
from app.explore.route import heard_point
from app.explore.scales import scale_at, scales_of
from app.services.engine_client import EngineClient
from app.services.model_client import ModelClient
from app.state.session import NO_ASKS, Session
from fmvae_core.inference.messages import LandmarkPlayed, Realised
from fmvae_core.live.messages import Position
from fmvae_core.music.drum_representation import DrumRepresentation
from fmvae_core.music.phrase import STEPS_PER_BEAT, Phrase
from fmvae_core.music.representation import Frames

_PLAYED = "this is the recording itself; press P to hear the model and shape it"
_NOTHING = "nothing is heard yet; click a point of the map"


class ExplorePresenter(QObject):
    """Decides which phrase is heard, and shows it.

    Signals
    -------
    heard_changed()
        Another phrase is shown, or none.
    """

    heard_changed = Signal()

    def __init__(
        self,
        session: Session,
        view: ExploreView,
        model: ModelClient,
        engine: EngineClient,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._view = view
        self._model = model
        self._engine = engine
        self._asked_for: tuple[Any, ...] | None = None
        self._shown: tuple[Frames | None, Frames | None] = (None, None)
        self._phrase: Phrase | None = None
        self._play_when_heard = False
        self._modelled: tuple[int, Frames] | None = None  # a landmark as the model hears it
        session.changed.connect(self._on_changed)
        session.bundle_changed.connect(self._on_bundle)
        model.realised.connect(self._on_realised)
        model.landmark_played.connect(self._on_played)
        engine.position.connect(self._on_position)
        box = view.grid_panel.instrument
        box.activated.connect(
            lambda index: session.edit("Choose the instrument", instrument=box.itemData(index))
        )
        self._on_bundle()

    @property
    def phrase(self) -> Phrase | None:
        """What is heard, at the session's tempo."""
        return None if self._phrase is None else self._phrase.at_tempo(self._session.state.tempo)

    # --- what the user does ---------------------------------------------------------------------

    def hear_landmark(self, index: int) -> None:
        """Hear a landmark, and start to play if nothing plays."""
        bundle = self._session.bundle
        if bundle is None:
            return
        self._play_when_heard = True
        if self._session.state.landmark == index:
            self._start()
            return
        self._session.edit(
            f"Hear {short_label(bundle, index).split(' · ')[0]}", landmark=index, asks=NO_ASKS
        )

    def hear_journey(self) -> None:
        """Leave the landmark for the journey's point."""
        self._session.edit("Hear the journey", landmark=None)

    def hear_random(self) -> None:
        """Hear some landmark."""
        bundle = self._session.bundle
        if bundle is not None:
            self.hear_landmark(int(np.random.default_rng().integers(len(bundle.landmarks))))

    def toggle_played(self) -> None:
        """Hear the landmark as played, or as the model hears it again."""
        listening = self._session.state.listening
        self._session.edit(
            "Hear as played" if listening == "model" else "Hear the model",
            listening="played" if listening == "model" else "model",
        )

    def not_played(self) -> None:
        """Go back to the model where a recording could not be had."""
        self._session.restore({"listening": "model"})

    def reset_asks(self) -> None:
        """Ask for no change."""
        self._session.edit("Reset what is asked", asks=NO_ASKS)

    def swap(self) -> None:
        """Turn the journey round; the point that is heard stays."""
        state = self._session.state
        self._session.edit("Swap A and B", a=state.b, b=state.a, position=1.0 - state.position)

    def _asker(self, name: str) -> Callable[[float, int], None]:
        def ask(value: float, gesture: int) -> None:
            asks = {**self._session.state.asks, name: value}
            asks = {asked: change for asked, change in asks.items() if change}
            self._session.edit(f"Ask for {name}", gesture, asks=asks)

        return ask

    # --- what is heard --------------------------------------------------------------------------

    def _on_bundle(self) -> None:
        self._asked_for = None
        self._modelled = None
        bundle = self._session.bundle
        plays = DrumRepresentation(2) if bundle is None else bundle.representation
        self._view.grid_panel.show_kind(plays.name == "drums")
        self._view.show_attributes(scales_of(plays, self._session.state.tempo))
        for name, slider in self._view.attributes.items():
            slider.asked.connect(self._asker(name))
        self._take(None, None)
        self._show_instrument()
        self._show_asks()
        self._show_heard()

    def _on_changed(self, fields: frozenset[str]) -> None:
        if "tempo" in fields:
            for slider in self._view.attributes.values():
                slider.set_scale(scale_at(slider.scale, self._session.state.tempo))
            if self._view.grid_panel.grid is not None:
                self._view.grid_panel.grid.set_tempo(self._session.state.tempo)
        if fields & {"asks", "landmark", "listening"}:
            self._show_asks()
        if "instrument" in fields:
            self._show_instrument()
        if fields - {"tempo", "loop", "metronome", "instrument"}:
            self._ask()
            self._show_heard()

    def _ask(self) -> None:
        """Ask the model worker for what the session says, unless that is what it was asked for."""
        state, bundle = self._session.state, self._session.bundle
        z = None if bundle is None else heard_point(state, bundle)
        if z is None:
            return
        if self._is_played():
            if self._asked_for != ("played", state.landmark):
                self._asked_for = ("played", state.landmark)
                assert state.landmark is not None
                self._model.play_landmark(state.landmark, state.tempo)
            return
        assert bundle is not None
        names = bundle.representation.attribute_names
        asks = {name: state.asks[name] for name in names if name in state.asks}
        wanted = ("model", z.tobytes(), tuple(asks.items()))
        if wanted != self._asked_for:
            self._asked_for = wanted
            self._model.realise(z, asks, state.tempo)

    def _is_played(self) -> bool:
        state = self._session.state
        return state.landmark is not None and state.listening == "played"

    def _on_realised(self, answer: Realised) -> None:
        if self._is_played():
            return  # asked for before the switch
        frames = np.asarray(answer.frames, np.float32)
        state = self._session.state
        if state.landmark is not None and not state.asks:
            self._modelled = (state.landmark, frames)
        for name, slider in self._view.attributes.items():
            slider.show_answer(answer.base[name], answer.achieved[name], answer.reach.get(name))
        self._heard(answer.phrase, frames, answer.revision)

    def _on_played(self, answer: LandmarkPlayed) -> None:
        if not self._is_played() or answer.landmark != self._session.state.landmark:
            return
        frames: Frames = np.asarray(answer.frames, np.float32)
        bundle = self._session.bundle
        assert bundle is not None
        values = bundle.representation.attributes(frames).tolist()
        for slider, value in zip(self._view.attributes.values(), values, strict=True):
            slider.show_answer(value, value, None)
        if self._modelled is not None and self._modelled[0] == answer.landmark:
            # Both are shown: what the model heard, and where the recording differs from it.
            self._heard(answer.phrase, self._modelled[1], answer.revision, played=frames)
        else:
            self._heard(answer.phrase, frames, answer.revision)

    def _heard(
        self, phrase: Phrase, frames: Frames, revision: int, played: Frames | None = None
    ) -> None:
        self._engine.note_phrase(phrase, revision)
        self._take(phrase, frames, played)
        if self._play_when_heard:
            self._start()

    def _start(self) -> None:
        self._play_when_heard = False
        if self._engine.state is None or not self._engine.state.playing:
            self._engine.play()

    # --- what is shown --------------------------------------------------------------------------

    def _take(
        self, phrase: Phrase | None, frames: Frames | None, played: Frames | None = None
    ) -> None:
        self._phrase = phrase
        panel, bundle = self._view.grid_panel, self._session.bundle
        self._shown = (frames, played)
        panel.show_frames(frames, played, 0.5 if bundle is None else bundle.thresholds)
        if panel.grid is not None:
            panel.grid.set_tempo(self._session.state.tempo)
        self.heard_changed.emit()

    def show_again(self) -> None:
        """Show the phrase in a grid that has just been made."""
        frames, played = self._shown
        self._take(self._phrase, frames, played)

    def _on_position(self, position: Position) -> None:
        grid = self._view.grid_panel.grid
        if grid is not None and self._engine.state is not None:
            playing = self._engine.state.playing
            grid.set_playhead(position.beat * STEPS_PER_BEAT if playing else None)

    def stopped(self) -> None:
        """Take the playhead away."""
        grid = self._view.grid_panel.grid
        if grid is not None:
            grid.set_playhead(None)

    def _show_asks(self) -> None:
        state = self._session.state
        reason = None
        if self._session.bundle is None:
            reason = _NOTHING
        elif self._is_played():
            reason = _PLAYED
        for name, slider in self._view.attributes.items():
            slider.set_disabled_because(reason)
            slider.show_ask(state.asks.get(name, 0.0))

    def _show_instrument(self) -> None:
        box = self._view.grid_panel.instrument
        program = self._session.state.instrument
        if box.findData(program) < 0:  # one that settings of another version know
            box.addItem(f"Program {program + 1}", program)
        box.setCurrentIndex(box.findData(program))

    def _show_heard(self) -> None:
        state, bundle = self._session.state, self._session.bundle
        if bundle is None:
            text = "No model is open"
        elif state.landmark is not None:
            how = "as played" if self._is_played() else "as the model hears it"
            text = f"Landmark: {short_label(bundle, state.landmark)}, {how}"
        elif state.has_journey:
            text = f"Journey: {100 * state.position:.0f} % of the way from A to B"
        elif state.a or state.b:
            text = f"Anchor {'A' if state.a else 'B'}"
        else:
            text = "Click a point of the map to hear it"
        self._view.grid_panel.heard.setText(text)
