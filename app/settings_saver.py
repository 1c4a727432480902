"""Writes what is remembered from one start to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from PySide6.QtCore import QObject, QTimer

from app.state.jam import JamModel
from app.state.session import Session
from app.state.settings import SavedAnchor, SavedJourney, Settings, save_settings
from app.window import MainWindow

_SAVE_AFTER_MS = 2000


class SettingsSaver(QObject):
    """Saves the settings soon after a change, and at the end.

    Parameters
    ----------
    say
        Shows a banner: its key, what is wrong, and what to do.
    """

    def __init__(
        self,
        settings: Settings,
        session: Session,
        choices: JamModel,
        window: MainWindow,
        say: Callable[[str, str, str], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        self._session = session
        self._choices = choices
        self._window = window
        self._say = say
        self._has_tempo = False
        self._soon = QTimer(self, singleShot=True, interval=_SAVE_AFTER_MS)
        self._soon.timeout.connect(self.save)
        for signal in (session.changed, session.view_changed, choices.changed):
            signal.connect(self._soon.start)
        window.closing.connect(self.save)

    def take_tempo(self) -> None:
        """Save the tempo, too, from now on: it is that of a model, or the user's."""
        self._has_tempo = True

    def save(self) -> None:
        """Write the settings."""
        self._soon.stop()
        settings, state, bundle = self._settings, self._session.state, self._session.bundle
        settings.geometry = self._window.geometry_text()
        settings.splitters = {
            name: splitter.sizes() for name, splitter in self._window.splitters().items()
        }
        view = self._session.view
        settings.colour_by, settings.volume = view.colour_by, view.volume
        settings.loop, settings.metronome = state.loop, state.metronome
        settings.jam = self._choices.choices
        if self._has_tempo:
            settings.tempo = state.tempo
        if bundle is not None and state.a is not None and state.b is not None:
            journey = SavedJourney(
                a=SavedAnchor(**asdict(state.a)),
                b=SavedAnchor(**asdict(state.b)),
                position=state.position,
                instrument=state.instrument,
            )
            settings.remember_journey(bundle.sha256, journey)
        try:
            save_settings(settings)
        except OSError as error:
            self._say(
                "settings",
                f"The settings cannot be saved ({error.strerror or error}).",
                "They hold until you quit. Make room, or set FLATJAM_CONFIG to another folder.",
            )
