"""Ties the journey's slider, thumbnails and labels to the session and the model worker."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.explore.explore_view import ExploreView
from app.explore.scales import SCALES
from app.services.model_client import ModelClient
from app.state.session import Session
from app.widgets.journey_slider import POINTS, STEPS
from app.widgets.miniature import Miniature, miniatures
from fmvae_core.inference.messages import JourneyDecoded
from fmvae_core.music.representation import Frames

_NOT_YET = "pin two landmarks first: point at one and press A, at another and press B"


class JourneyPresenter(QObject):
    """Shows the way from A to B, and moves along it.

    Signals
    -------
    decoded()
        Other phrases lie along the way, or none.
    """

    decoded = Signal()

    def __init__(
        self, session: Session, view: ExploreView, model: ModelClient, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._panel = view.journey
        self._model = model
        self._revision = 0
        self.frames: tuple[Frames, ...] = ()

        panel = self._panel
        panel.slider.moved.connect(lambda value, gesture: self.move(value / STEPS, gesture))
        panel.slider.reset_asked.connect(lambda gesture: self.move(0.0, gesture))
        panel.thumbnails.chosen.connect(lambda index: self.move(index / (POINTS - 1)))
        panel.percent.valueChanged.connect(lambda value: self.move(value / 100.0))
        panel.percent.editingFinished.connect(self._show_position)
        panel.method.activated.connect(
            lambda index: session.edit("Choose the way", method=panel.method.itemData(index))
        )
        model.journey_decoded.connect(self._on_decoded)
        session.changed.connect(self._on_changed)
        session.bundle_changed.connect(lambda: self._take(()))
        self._on_changed(frozenset({"a", "b", "position", "method", "landmark"}))

    def move(self, position: float, gesture: int | None = None) -> None:
        """Go somewhere along the journey, 0 (A) to 1 (B), and hear it."""
        self._session.edit(
            "Move along the journey",
            gesture,
            position=position,
            landmark=None,
        )

    def step(self, steps: int) -> None:
        """Go to the next or previous thumbnail's place."""
        at = self._session.state.position * (POINTS - 1)
        near = np.floor(at + 1e-6) if steps > 0 else np.ceil(at - 1e-6)
        self.move(float(near + steps) / (POINTS - 1))

    def _on_changed(self, fields: frozenset[str]) -> None:
        state, panel = self._session.state, self._panel
        if fields & {"a", "b"}:
            for label, anchor in ((panel.a, state.a), (panel.b, state.b)):
                label.setText(anchor.label if anchor else "not pinned")
            ready = state.has_journey
            for widget in (panel.slider, panel.percent, panel.method):
                widget.setEnabled(ready)
            panel.slider.setToolTip(
                "Drag from A to B and hear one phrase turn into the other."
                if ready
                else f"Not now: {_NOT_YET}"
            )
        if fields & {"a", "b", "method"}:
            self._ask()
        if "method" in fields:
            panel.method.setCurrentIndex(panel.method.findData(state.method))
        if fields & {"position", "landmark", "a", "b"}:
            self._show_position()

    def _show_position(self) -> None:
        state, panel = self._session.state, self._panel
        panel.slider.show_value(round(state.position * STEPS))
        panel.percent.show_number(100.0 * state.position)
        on_the_way = state.has_journey and state.landmark is None
        panel.thumbnails.set_position(state.position if on_the_way else None)

    def _ask(self) -> None:
        state = self._session.state
        if state.a is None or state.b is None:
            self._revision = 0
            self._take(())
            return
        self._revision = self._model.decode_journey(state.a.z, state.b.z, POINTS, state.method)

    def _on_decoded(self, answer: JourneyDecoded) -> None:
        if answer.revision == self._revision:
            frames = tuple(np.asarray(rows, np.float32) for rows in answer.frames)
            self._take(frames, answer.changes)

    def _take(self, frames: tuple[Frames, ...], changes: tuple[int, ...] = ()) -> None:
        bundle = self._session.bundle
        self.frames = frames
        pictures: tuple[Miniature, ...] = ()
        what = "hits"
        if bundle is not None:
            pictures = miniatures(frames, bundle.representation, bundle.thresholds)
            what = SCALES[bundle.representation.name]["density"].unit
        self._panel.thumbnails.set_pictures(pictures)
        self._panel.strip.set_changes(changes, what)
        self.decoded.emit()
