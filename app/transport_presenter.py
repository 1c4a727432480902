"""Ties the transport bar to the session and the engine."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from app.actions import Actions
from app.services.engine_client import EngineClient
from app.state.session import Session
from app.state.settings import Settings
from app.state.tap_tempo import TapTempo
from app.widgets.notices import Notices, Remedy
from app.widgets.transport_bar import TransportBar
from fmvae_core.files import soundfont_dirs
from fmvae_core.live.messages import EngineState, Position

log = logging.getLogger(__name__)

_VOLUME_STEP = 0.05
_PROBLEM = "engine:"
_WITH_SOUNDFONT = ("no_soundfont", "bad_soundfont")


class TransportPresenter(QObject):
    """Play, tempo, loop, metronome, volume, sound settings, and what is wrong with the sound.

    Signals
    -------
    changed()
        The engine's state is another one.
    """

    changed = Signal()

    def __init__(
        self,
        session: Session,
        settings: Settings,
        bar: TransportBar,
        notices: Notices,
        actions: Actions,
        engine: EngineClient,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._settings = settings
        self._bar = bar
        self._notices = notices
        self._actions = actions
        self._engine = engine
        self._window = window
        self._tap = TapTempo()
        self._driver_menu = QMenu("Audio output", window)
        self._driver_menu.setToolTipsVisible(True)
        self.gave_up = False

        bar.tempo_edited.connect(lambda tempo, gesture: self.set_tempo(tempo, gesture))
        bar.volume_edited.connect(lambda volume: session.set_view(volume=volume))
        session.changed.connect(self._on_changed)
        session.view_changed.connect(self._on_view)
        engine.state_changed.connect(self._on_state)
        engine.position.connect(self._on_position)
        # No entry to undo: nobody did it by hand here.
        engine.tempo_changed.connect(lambda tempo: session.restore({"tempo": tempo}))
        engine.lost.connect(self._on_lost)
        engine.recovered.connect(self._on_recovered)
        engine.gave_up.connect(self._on_gave_up)
        engine.attached.connect(self._on_attached)
        for command, do in (
            ("play.toggle", self.toggle),
            ("play.loop", self._toggle_loop),
            ("play.metronome", self._toggle_metronome),
            ("play.tap", self.tap),
            ("play.louder", lambda: self._turn(_VOLUME_STEP)),
            ("play.softer", lambda: self._turn(-_VOLUME_STEP)),
            ("play.panic", engine.panic),
            ("play.soundfont", self.choose_soundfont),
            ("play.restart_engine", self.restart),
        ):
            actions.bind(command, do)

    def add_to(self, menu: QMenu) -> None:
        """Put the choice of the audio output into a menu."""
        menu.addMenu(self._driver_menu)
        self._fill_drivers(None)

    def start(self) -> None:
        """Tell the engine what it should know and start it."""
        state, view = self._session.state, self._session.view
        self._engine.set_transport(
            tempo=state.tempo,
            loop=state.loop,
            metronome=state.metronome,
            volume=view.volume,
            metronome_level=self._settings.jam.click_level,
            instrument=state.instrument,
        )
        chosen = {"soundfont": self._settings.soundfont, "driver": self._settings.driver}
        # What the environment asks for (a test, a stage set-up) goes before what was chosen last.
        if os.environ.get("FLATJAM_AUDIO_DRIVER"):
            chosen["driver"] = None
        wanted = {name: value for name, value in chosen.items() if value}
        if wanted:
            self._engine.set_sound(**wanted)
        self._engine.start()
        self._show_all()

    def restart(self) -> None:
        """Start the engine once more, after it died too often."""
        self.gave_up = False
        self._notices.settle("engine-gone")
        self._bar.engine.show_status("faint", "starting", "The sound engine is being started.")
        self._engine.start()
        self.changed.emit()

    # --- what the user does ---------------------------------------------------------------------

    def toggle(self) -> None:
        """Play or stop."""
        state = self._engine.state
        if state is not None and state.playing:
            self._engine.stop()
        else:
            self._engine.play()
        self._bar.show_playing(state is not None and state.playing)

    def set_tempo(self, tempo: float, gesture: int | None = None) -> None:
        """Set the tempo, beats a minute."""
        self._session.edit("Set the tempo", gesture, tempo=round(tempo, 1))

    def tap(self) -> None:
        """Take a tap on the beat."""
        tempo = self._tap.tap()
        if tempo is not None:
            self.set_tempo(tempo, self._tap.gesture)

    def choose_soundfont(self) -> None:
        """Let the user choose the file the sounds come from."""
        current = self._engine.state.soundfont if self._engine.state else None
        folder = Path(current).parent if current else soundfont_dirs()[0]
        name, _ = QFileDialog.getOpenFileName(
            self._window, "Choose SoundFont", str(folder), "SoundFonts (*.sf2 *.sf3)"
        )
        if name:
            self._settings.soundfont = name
            self._engine.set_sound(soundfont=name)

    def _choose_driver(self, driver: str) -> None:
        self._settings.driver = driver or None
        self._engine.set_sound(driver=driver)

    def _toggle_loop(self) -> None:
        self._session.edit("Loop", loop=not self._session.state.loop)

    def _toggle_metronome(self) -> None:
        self._session.edit("Metronome", metronome=not self._session.state.metronome)

    def _turn(self, by: float) -> None:
        volume = min(1.0, max(0.0, round(self._session.view.volume + by, 2)))
        self._session.set_view(volume=volume)

    # --- from the state to the engine and the bar -----------------------------------------------

    def _on_changed(self, fields: frozenset[str]) -> None:
        state = self._session.state
        of_the_transport = fields & {"tempo", "loop", "metronome", "instrument"}
        changes = {name: getattr(state, name) for name in of_the_transport}
        if changes:
            self._engine.set_transport(**changes)
            self._show_all()

    def _on_view(self, fields: frozenset[str]) -> None:
        if "volume" in fields:
            self._engine.set_transport(volume=self._session.view.volume)
            self._show_all()

    def _show_all(self) -> None:
        state = self._session.state
        self._bar.show_tempo(state.tempo)
        self._bar.show_volume(self._session.view.volume)
        self._actions.set_checked("play.loop", state.loop)
        self._actions.set_checked("play.metronome", state.metronome)

    # --- from the engine ------------------------------------------------------------------------

    def _on_state(self, state: EngineState) -> None:
        self._bar.show_playing(state.playing)
        self._show_problems(state)
        self._fill_drivers(state)
        self.gave_up = False
        self.changed.emit()

    def _show_problems(self, state: EngineState) -> None:
        now = {f"{_PROBLEM}{problem.code}" for problem in state.problems}
        for key in [key for key in self._notices.shown if key.startswith(_PROBLEM)]:
            if key not in now:
                self._notices.settle(key)
        for problem in state.problems:
            buttons: tuple[Remedy, ...] = ()
            if problem.code in _WITH_SOUNDFONT:
                buttons = (Remedy("Choose SoundFont…", self.choose_soundfont),)
            elif problem.code in ("no_audio", "audio_lost"):
                buttons = (Remedy("Try again", lambda: self._engine.set_sound(driver="")),)
            self._notices.show_notice(
                f"{_PROBLEM}{problem.code}", problem.text, problem.remedy, "warning", buttons
            )
        if state.problems:
            self._bar.engine.show_status("human", "off", state.problems[0].text)
        else:
            font = Path(state.soundfont).name if state.soundfont else "none"
            self._bar.engine.show_status("good", "on", f"Output: {state.driver}\nSoundFont: {font}")

    def _fill_drivers(self, state: EngineState | None) -> None:
        menu = self._driver_menu
        menu.clear()
        menu.setEnabled(state is not None)
        if state is None:
            return
        for driver in ("", *state.drivers):
            entry = menu.addAction(driver or "Choose by itself")
            entry.setCheckable(True)
            chosen = self._settings.driver or ""
            entry.setChecked(driver == chosen)
            if driver and driver == state.driver:
                entry.setText(f"{driver}   (in use)")
            entry.triggered.connect(lambda _checked, driver=driver: self._choose_driver(driver))

    def _on_position(self, position: Position) -> None:
        state = self._engine.state
        if state is not None and state.playing:
            self._bar.show_place(position.beat)

    def _on_lost(self, how: str) -> None:
        self._bar.engine.show_status("human", "restarting", f"The sound engine stopped: {how}.")
        self._bar.show_playing(False)
        self._fill_drivers(None)
        self._notices.show_notice(
            "engine-gone",
            f"The sound engine stopped ({how}).",
            "It is being started again.",
            "warning",
        )
        self.changed.emit()

    def _on_recovered(self) -> None:
        self._notices.show_notice(
            "engine-gone", "The sound engine had stopped and is back.", "", "info"
        )

    def _on_attached(self) -> None:
        self._notices.show_notice(
            "engine-attached",
            "Flatjam ended unexpectedly last time; its sound played on.",
            "This window has taken over.",
            "info",
        )

    def _on_gave_up(self, how: str) -> None:
        self.gave_up = True
        self._bar.engine.show_status("bad", "stopped", how)
        self._bar.show_playing(False)
        self._notices.show_notice(
            "engine-gone",
            f"The sound engine stops again and again ({how}).",
            "What it said is in engine.log in the log folder.",
            "error",
            (
                Remedy("Start sound again", self.restart),
                Remedy("Open log folder", self._actions["help.logs"].trigger),
            ),
        )
        self.changed.emit()
