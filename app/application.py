"""Puts the parts together: session, services, window and the presenters between them."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices

from app.availability import Situation, why_not
from app.bundle_presenter import BundlePresenter
from app.explore.explore_presenter import ExplorePresenter
from app.explore.hints import Hints
from app.explore.journey_presenter import JourneyPresenter
from app.explore.map_presenter import MapPresenter
from app.explore.projection_presenter import ProjectionPresenter
from app.explore.projections import Projections
from app.file_presenter import FilePresenter
from app.logs import log_dir
from app.model_presenter import ModelPresenter
from app.models_menu import about, model_entries
from app.services.engine_client import EngineClient
from app.services.model_client import ModelClient
from app.settings_saver import SettingsSaver
from app.state.jam import JamModel
from app.state.session import Session
from app.state.settings import Settings
from app.tabs import Tabs
from app.takes.takes_presenter import Takes
from app.transport_presenter import TransportPresenter
from app.umap_fit import UmapFit
from app.widgets.dialogs import AboutBox
from app.widgets.notices import Remedy
from app.window import MainWindow
from fmvae_core import __version__

if TYPE_CHECKING:
    from app.train.train_tab import TrainTab

log = logging.getLogger(__name__)


class Application(QObject):
    """The whole of the window's process.

    Parameters
    ----------
    settings
        What is remembered from the last time.
    bundle
        Folder of the bundle to begin with.
    recordings
        The Groove archive or folder, whether or not it is there yet.

    Signals
    -------
    reached(str)
        A mark on the way of the start, in this order: ``window`` (it is on screen), ``map`` (its
        first frame is, and the controls can be used), ``model`` (the networks are loaded).
    """

    reached = Signal(str)
    _unexpected = Signal(str)

    def __init__(self, settings: Settings, bundle: Path, recordings: Path) -> None:
        super().__init__()
        self.settings = settings
        self._first_bundle = bundle
        self._recordings = recordings
        self._began = time.perf_counter()
        self._is_map_drawn = False
        self._marks: set[str] = set()
        self._situation: Situation | None = None
        self.session = Session(self)
        self.engine = EngineClient(self)
        self.model = ModelClient(self)
        self.window = MainWindow(self.session)
        window, actions = self.window, self.window.actions_table

        self.explore = ExplorePresenter(self.session, window.explore, self.model, self.engine, self)
        projections = Projections()
        self.map = MapPresenter(
            self.session, window.explore, actions, self.explore.hear_landmark, projections, self
        )
        self.umap = UmapFit(self.session, projections, window.notices, actions, self)
        self.umap.progressed.connect(window.explore.map_bar.show_fitting)
        self.projection = ProjectionPresenter(
            self.session, settings, window.notices, projections, self.umap, self
        )
        self.journey = JourneyPresenter(self.session, window.explore, self.model, self)
        self.transport = TransportPresenter(
            self.session, settings, window.transport, window.notices, actions, self.engine, window
        )
        self.files = FilePresenter(
            self.session,
            self.explore,
            self.journey,
            self.model,
            self.engine,
            window.notices,
            actions,
            window,
        )
        self.worker = ModelPresenter(
            self.model,
            self.engine,
            window.transport,
            window.notices,
            actions,
            recordings,
            self.explore.not_played,
            self,
        )
        self.bundles = BundlePresenter(
            self.session, settings, window, self.worker, self.projection, self
        )
        self.jam_choices = JamModel(settings.jam, self)
        self.tabs = Tabs(
            self.session,
            self.jam_choices,
            self.engine,
            self.model,
            projections,
            self.projection,
            self.umap,
            window,
            self._make_train,
            self,
        )
        self.takes = Takes(self.session, settings, self.engine, window)
        actions.bind("jam.takes", self.takes.open)
        self.hints = Hints(self.session, self.engine, window.explore.map_bar.hint, self)
        self.saver = SettingsSaver(settings, self.session, self.jam_choices, window, self.say, self)
        self._bind()
        self._connect()

    # --- start and end --------------------------------------------------------------------------

    def start(self) -> None:
        """Show the window; everything else is loaded once it is on screen."""
        settings = self.settings
        self.session.restore(
            {
                "loop": settings.loop,
                "metronome": settings.metronome,
                "tempo": settings.tempo or self.session.state.tempo,
            }
        )
        self.session.set_view(volume=settings.volume, colour_by=settings.colour_by)
        self.window.restore(settings.geometry, settings.splitters)
        # The events that the first painting has queued come before the heavy work.
        self.window.painted.connect(lambda: QTimer.singleShot(0, self._load))
        self.window.show()
        self._update_actions()

    def close(self) -> None:
        """Save what is to be kept and end the other processes."""
        self.save()
        self.files.close()
        self.takes.close()
        self.tabs.close()
        self.umap.close()
        self.model.close()
        self.engine.close()

    def say(self, key: str, text: str, remedy: str = "") -> None:
        """Show a banner."""
        self.window.notices.show_notice(key, text, remedy)

    def report_unexpected(self, what: str) -> None:
        """Show an error nobody expected; may be called on any thread."""
        self._unexpected.emit(what)

    def _load(self) -> None:
        self._mark("window")
        self.transport.start()
        self.open_bundle(self._first_bundle)
        self.map.install()
        self.bundles.show_map()
        self.explore.show_again()
        # Where the letter keys and the arrows are of use; nothing else lies in wait for Space.
        (self.window.explore.map or self.window).setFocus()
        self.saver.take_tempo()
        self._update_actions()

    def _on_drawn(self) -> None:
        self._is_map_drawn = True
        self._look_for_marks()

    def _look_for_marks(self) -> None:
        has_sound = self.engine.state is not None or self.transport.gave_up
        if self._is_map_drawn and has_sound:
            self._mark("map")
            if self.model.is_ready:
                self._mark("model")

    def _mark(self, name: str) -> None:
        if name not in self._marks:
            self._marks.add(name)
            log.info("start: %s after %.2f s", name, time.perf_counter() - self._began)
            self.reached.emit(name)

    # --- the bundle -----------------------------------------------------------------------------

    def open_bundle(self, path: Path) -> None:
        """Open a bundle; where it cannot be, what was open stays open."""
        self.bundles.open(path)

    def _make_train(self) -> TrainTab:
        # Imported here, not above: a start that is for playing does not wait for its plots.
        from app.train.train_tab import TrainTab

        def play(bundle: Path) -> None:
            self.window.notices.settle("bundle made")
            self.open_bundle(bundle)
            self.tabs.show("explore")

        def offer(bundle: Path) -> None:
            if self.tabs.name == "train" and not self.tabs.is_jamming:
                play(bundle)
                return
            self.window.notices.show_notice(
                "bundle made",
                f"The bundle {bundle.name} is made.",
                "",
                "info",
                (Remedy("Open it", lambda: play(bundle)),),
            )

        return TrainTab(
            self.window.notices,
            lambda: model_entries(self.settings.recent_bundles),
            self._recordings,
            offer,
            self,
            self.engine,
        )

    # --- commands -------------------------------------------------------------------------------

    def _bind(self) -> None:
        actions, session = self.window.actions_table, self.session
        for command, do in (
            ("edit.undo", session.undo.undo),
            ("edit.redo", session.undo.redo),
            ("edit.reset_asks", self.explore.reset_asks),
            ("explore.pin_a", lambda: self.map.pin("A")),
            ("explore.pin_b", lambda: self.map.pin("B")),
            ("explore.swap", self.explore.swap),
            ("explore.journey", self.explore.hear_journey),
            ("explore.back", lambda: self.journey.step(-1)),
            ("explore.forward", lambda: self.journey.step(1)),
            ("explore.random", self.explore.hear_random),
            ("explore.as_played", self.explore.toggle_played),
            ("view.reset_map", self.tabs.reset_map),
            ("help.logs", self._open_logs),
            ("help.about", self._about),
        ):
            actions.bind(command, do)
        self.transport.add_to(self.window.menus["play"])

    def _connect(self) -> None:
        for signal in (
            self.session.changed,
            self.session.bundle_changed,
            self.session.undo.canUndoChanged,
            self.session.undo.canRedoChanged,
            self.session.undo.undoTextChanged,
            self.explore.heard_changed,
            self.map.candidate_changed,
            self.journey.decoded,
            self.worker.changed,
            self.transport.changed,
            self.files.changed,
            self.tabs.changed,
        ):
            signal.connect(self._update_actions)
        self.engine.state_changed.connect(
            lambda state: None if state.playing else self.explore.stopped()
        )
        self.transport.changed.connect(self._look_for_marks)
        self.engine.lost.connect(lambda how: self.explore.stopped())
        self.map.failed.connect(self._on_map_failed)
        self.map.drawn.connect(self._on_drawn)
        self.worker.changed.connect(self._look_for_marks)
        self.window.midi_dropped.connect(lambda name, path: self.files.open_midi(name, Path(path)))
        self._unexpected.connect(self._show_unexpected)

    def _update_actions(self) -> None:
        session, actions = self.session, self.window.actions_table
        state, undo, bundle = session.state, session.undo, session.bundle
        now = Situation(
            has_bundle=bundle is not None,
            is_model_ready=self.model.is_ready,
            has_engine=self.engine.state is not None,
            is_engine_given_up=self.transport.gave_up,
            has_phrase=self.explore.phrase is not None,
            has_journey=state.has_journey,
            is_journey_decoded=bool(self.journey.frames),
            has_candidate=self.map.candidate is not None,
            has_landmark=state.landmark is not None,
            has_asks=bool(state.asks),
            is_of_groove=bundle is not None and bundle.is_of_groove,
            has_recordings=self._recordings.exists(),
            is_fetching=self.files.is_fetching,
            is_rendering=self.files.is_rendering,
            has_umap=self.umap.has_umap,
            is_fitting=self.umap.is_fitting,
            is_exploring=self.tabs.name == "explore",
            has_map=self.tabs.name != "train",
            is_on_stage=self.tabs.is_on_stage,
            is_jamming=self.tabs.is_jamming,
            has_jam_phrase=self.tabs.has_jam_phrase,
            can_undo=undo.canUndo(),
            can_redo=undo.canRedo(),
        )
        if now != self._situation:
            self._situation = now
            for command, reason in why_not(now).items():
                actions.set_disabled_because(command, reason)
        played = state.listening == "played" and state.landmark is not None
        actions.set_checked("explore.as_played", played)
        actions["edit.undo"].setText(f"Undo {undo.undoText()}".rstrip())
        actions["edit.redo"].setText(f"Redo {undo.redoText()}".rstrip())

    def _on_map_failed(self, why: str) -> None:
        self.say(
            "map",
            f"The map cannot be drawn: {why}.",
            "Everything else works: N plays a landmark, A and B pin it.",
        )

    def _about(self) -> None:
        bundle = self.session.bundle
        rows = [] if bundle is None else about(bundle)
        AboutBox([("Version", __version__), *rows], self.window).show()

    def _open_logs(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_dir())))

    def _show_unexpected(self, what: str) -> None:
        self.window.notices.show_notice(
            "unexpected",
            f"Something went wrong that should not have: {what}.",
            "Your work is kept. Details are in flatjam.log.",
            "error",
            (Remedy("Open log folder", self._open_logs),),
        )

    # --- settings -------------------------------------------------------------------------------

    def save(self) -> None:
        """Write the settings."""
        self.saver.save()
