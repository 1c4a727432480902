"""One quiet line that tells a newcomer what to do next."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QLabel

from app.services.engine_client import EngineClient
from app.state.session import Session
from fmvae_core.live.messages import EngineState


class Hints(QObject):
    """Follows what the user has found out already, and names the next thing.

    Parameters
    ----------
    session, engine
        What is watched.
    label
        Where the line is shown.
    """

    def __init__(
        self, session: Session, engine: EngineClient, label: QLabel, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._label = label
        self._has_played = False
        self._has_travelled = False
        self._has_clicked = False
        self._has_pinned = False
        session.changed.connect(self._on_changed)
        session.bundle_changed.connect(self._show)
        engine.state_changed.connect(self._on_engine)
        self._show()

    def _on_engine(self, state: EngineState) -> None:
        if state.playing and not self._has_played:
            self._has_played = True
            self._show()

    def _on_changed(self, fields: frozenset[str]) -> None:
        # What was restored from the last time has no entry to undo, and was not done by hand now.
        if not self._session.undo.count():
            return
        state = self._session.state
        self._has_travelled |= "position" in fields
        self._has_clicked |= "landmark" in fields and state.landmark is not None
        self._has_pinned |= bool(fields & {"a", "b"})
        self._show()

    def _show(self) -> None:
        if self._session.bundle is None:
            text = "Open a bundle to begin: Ctrl+O"
        elif not self._has_played:
            text = "Press Space to play"
        elif not self._has_travelled and self._session.state.has_journey:
            text = "Drag the diamond from A to B"
        elif not self._has_clicked:
            text = "Click a point to hear it"
        elif not self._has_pinned:
            text = "Point at a landmark and press A or B to pin it"
        else:
            text = "Click to hear · A and B pin · F1 shows all keys"
        self._label.setText(text)
