"""Puts the parts together: session, services, window and the presenters between them."""

from __future__ import annotations

import logging
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog

from app.availability import Situation, why_not
from app.explore.describe import landmark_anchor, opening_landmarks
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
from app.state.jam import JamModel
from app.state.session import Anchor, Session
from app.state.settings import SavedAnchor, SavedJourney, Settings, save_settings
from app.tabs import Tabs
from app.takes.takes_presenter import Takes
from app.transport_presenter import TransportPresenter
from app.widgets.dialogs import AboutBox
from app.widgets.notices import Remedy
from app.window import MainWindow
from fmvae_core import __version__
from fmvae_core.models.bundle import Bundle, BundleError

if TYPE_CHECKING:
    from app.train.train_tab import TrainTab

log = logging.getLogger(__name__)

_SAVE_AFTER_MS = 2000


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
        self._is_loaded = False
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
        bar, notices = window.explore.map_bar, window.notices
        self.projection = ProjectionPresenter(
            self.session, settings, bar, notices, actions, projections, self
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
        self.jam_choices = JamModel(settings.jam, self)
        self.tabs = Tabs(
            self.session,
            self.jam_choices,
            self.engine,
            self.model,
            projections,
            window,
            self._make_train,
            self,
        )
        self.takes = Takes(self.session, settings, self.engine, window)
        actions.bind("jam.takes", self.takes.open)
        self.hints = Hints(self.session, self.engine, window.explore.map_bar.hint, self)
        self._save_soon = QTimer(self, singleShot=True, interval=_SAVE_AFTER_MS)
        self._save_soon.timeout.connect(self.save)
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
        self.projection.close()
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
        self._show_map()
        self.explore.show_again()
        # Where the letter keys and the arrows are of use; nothing else lies in wait for Space.
        (self.window.explore.map or self.window).setFocus()
        self._is_loaded = True
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
        notices, bar = self.window.notices, self.window.transport
        try:
            bundle = Bundle.open(path)
        except BundleError as error:
            notices.show_notice(
                "bundle",
                "The model cannot be opened.",
                str(error),
                "error",
                (Remedy("Open bundle…", self.window.actions_table["file.open_bundle"].trigger),),
            )
            if self.session.bundle is None:
                bar.worker.show_status("bad", "missing", str(error))
            return
        notices.settle("bundle")
        self.settings.remember_bundle(path)
        models = model_entries(self.settings.recent_bundles)
        here = path.resolve()
        bar.show_models(models, next((m for m in models if m.path.resolve() == here), None))
        self.session.open_bundle(bundle, self.projection.remembered(bundle))
        self.worker.load(path)
        self._begin_journey(bundle)
        self._show_map()

    def _show_map(self) -> None:
        if self.session.bundle is not None:
            self.window.explore.show_map()
        else:
            self.window.explore.show_instead_of_map(
                "There is no map yet, because no model is open.\n\nOpen a bundle with Ctrl+O."
            )

    def _begin_journey(self, bundle: Bundle) -> None:
        saved = self.settings.journeys.get(bundle.sha256)
        fits = saved is not None and all(
            len(end.z) == bundle.latent_dim
            and (end.landmark is None or end.landmark < len(bundle.landmarks))
            for end in (saved.a, saved.b)
        )
        if saved is not None and fits:
            a, b = (Anchor(end.z, end.label, end.landmark) for end in (saved.a, saved.b))
            instrument = bundle.instrument if saved.instrument is None else saved.instrument
            self.session.restore(
                {"a": a, "b": b, "position": saved.position, "instrument": instrument}
            )
            return
        first, last = opening_landmarks(bundle)
        a, b = landmark_anchor(bundle, first), landmark_anchor(bundle, last)
        fields: dict[str, object] = {
            "a": a,
            "b": b,
            "position": 0.0,
            "instrument": bundle.instrument,
        }
        if self.settings.tempo is None:
            tempi = bundle.landmarks.tempo
            fields["tempo"] = float(round((tempi[first] + tempi[last]) / 2))
        self.session.restore(fields)

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

    def _choose_bundle(self) -> None:
        bundle = self.session.bundle
        folder = str(bundle.path.parent if bundle else Path.home())
        chosen = QFileDialog.getExistingDirectory(
            self.window, "Open bundle: choose its folder", folder
        )
        if chosen:
            self.open_bundle(Path(chosen))

    # --- commands -------------------------------------------------------------------------------

    def _bind(self) -> None:
        actions, session = self.window.actions_table, self.session
        for command, do in (
            ("file.open_bundle", self._choose_bundle),
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
            self.projection.changed,
            self.tabs.changed,
        ):
            signal.connect(self._update_actions)
        self.session.changed.connect(self._save_soon.start)
        self.session.view_changed.connect(self._save_soon.start)
        self.jam_choices.changed.connect(self._save_soon.start)
        self.engine.state_changed.connect(
            lambda state: None if state.playing else self.explore.stopped()
        )
        self.transport.changed.connect(self._look_for_marks)
        self.engine.lost.connect(lambda how: self.explore.stopped())
        self.map.failed.connect(self._on_map_failed)
        self.map.drawn.connect(self._on_drawn)
        self.worker.changed.connect(self._look_for_marks)
        self.window.transport.bundle_chosen.connect(lambda path: self.open_bundle(Path(path)))
        self.window.midi_dropped.connect(lambda name, path: self.files.open_midi(name, Path(path)))
        self.window.closing.connect(self.save)
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
            has_umap=self.projection.has_umap,
            is_fitting=self.projection.is_fitting,
            is_exploring=self.tabs.name == "explore",
            is_on_stage=self.tabs.is_on_stage,
            plays_drums=bundle is not None and bundle.representation.name == "drums",
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
        self._save_soon.stop()
        settings, state, bundle = self.settings, self.session.state, self.session.bundle
        settings.geometry = self.window.geometry_text()
        settings.splitters = {
            name: splitter.sizes() for name, splitter in self.window.splitters().items()
        }
        view = self.session.view
        settings.colour_by, settings.volume = view.colour_by, view.volume
        settings.loop, settings.metronome = state.loop, state.metronome
        settings.jam = self.jam_choices.choices
        if self._is_loaded:
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
            self.say(
                "settings",
                f"The settings cannot be saved ({error.strerror or error}).",
                "They hold until you quit. Make room, or set FLATJAM_CONFIG to another folder.",
            )
