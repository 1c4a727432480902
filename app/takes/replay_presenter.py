"""Shows one take at the playhead, and lets it be heard: the engine plays it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, Signal

from app.explore.projections import Projections, Shown
from app.services.engine_client import EngineClient
from app.state.session import Anchor, ProjectionName, Session
from app.takes.moment import MomentDisplay
from app.takes.takes_view import TakesWindow
from app.widgets.colours import colours_for
from fmvae_core.jam.journal import Journal
from fmvae_core.jam.messages import Point
from fmvae_core.jam.replay import Replay, Trajectories
from fmvae_core.live.take_messages import TakePosition
from fmvae_core.models.bundle import Bundle

_PROJECTIONS: tuple[tuple[ProjectionName, str], ...] = (
    ("attributes", "Attributes"),
    ("pca", "PCA"),
    ("umap", "UMAP"),
)


@dataclass(frozen=True)
class OpenTake:
    """A take that has been read.

    Parameters
    ----------
    path
        Its file.
    title
        What to call it.
    journal, replay
        What is in it.
    bundle
        The model that answered in it first; none if it is not known here, or nobody answered.
    """

    path: Path
    title: str
    journal: Journal
    replay: Replay
    bundle: Bundle | None


class ReplayPresenter(QObject):
    """Ties the take that is shown to the engine.

    Signals
    -------
    changed()
        Something changed that buttons depend on.
    """

    changed = Signal()

    def __init__(
        self, view: TakesWindow, engine: EngineClient, session: Session, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._view = view
        self._engine = engine
        self._session = session
        self._projections = Projections()  # the bundle need not be the one that is open
        self._projection: ProjectionName = "attributes"
        self._shown: Shown | None = None
        self._drawn = Trajectories()
        self._moments = MomentDisplay(view.banner, view.human, view.machine)
        self._is_playing = False
        self._number = 0  # of the playing that is heard
        self.take: OpenTake | None = None
        view.play_toggled.connect(self.toggle)
        view.strip.sought.connect(self._show_moment)
        view.strip.settled.connect(self._settle)
        view.projection_chosen.connect(self._choose_projection)
        engine.take_position.connect(self._on_position)
        engine.lost.connect(lambda _how: self._show_playing(False))

    @property
    def projection(self) -> ProjectionName:
        """How the map is projected."""
        return self._projection

    @property
    def is_playing(self) -> bool:
        """Whether the take is heard."""
        return self._is_playing

    # --- what the user does ---------------------------------------------------------------------

    def show(self, take: OpenTake | None) -> None:
        """Show a take from its beginning, or none."""
        self.pause()
        self.take = take
        if take is None:
            return
        replay = take.replay
        self._view.strip.show_take(replay.beats, replay.human, replay.machine)
        self._show_map()
        self._moments.forget()
        self._show_moment(0.0)
        self.changed.emit()

    def toggle(self) -> None:
        """Play from the playhead on, from the beginning if it is at the end; or pause."""
        if self._is_playing:
            self.pause()
        elif self.take is not None and self._view.play.isEnabled():
            strip = self._view.strip
            if strip.beat >= self.take.replay.beats - 0.01:
                strip.show_beat(0.0)
            self._show_playing(True)
            self._number = self._engine.play_take(self.take.path, strip.beat)

    def pause(self) -> None:
        """Stop where it is."""
        if self._is_playing:
            self._show_playing(False)
            self._engine.stop_take()

    def pinned(self) -> tuple[Anchor, Anchor] | None:
        """Return what both play at the playhead as the ends of a journey of the open model."""
        bundle = self._session.bundle
        if self.take is None or bundle is None:
            return None
        moment = self.take.replay.at(self._view.strip.beat)
        ends = []
        for name, passage in (("you", moment.human), ("machine", moment.machine)):
            if passage is None or passage.z is None or passage.bundle != bundle.sha256:
                return None
            bar = int(passage.turn.start) // 4 + 1
            ends.append(Anchor(passage.z, f"{name}, {self.take.title}, bar {bar}"))
        return ends[0], ends[1]

    def _settle(self, beat: float) -> None:
        self._show_moment(beat)
        if self.take is not None and self._is_playing:
            self._number = self._engine.play_take(self.take.path, beat)
        self.changed.emit()

    def _choose_projection(self, name: ProjectionName) -> None:
        self._projection = name
        self._show_map()
        self._show_moment(self._view.strip.beat)

    # --- what the engine tells ------------------------------------------------------------------

    def _on_position(self, position: TakePosition) -> None:
        if position.number != self._number or not self._is_playing:
            return  # what was told before a pause, or before the playhead was moved
        if not position.is_playing:
            self._show_playing(False)
        if not self._view.strip.is_dragging:
            self._view.strip.show_beat(position.beat)
            self._show_moment(position.beat)

    def _show_playing(self, is_playing: bool) -> None:
        self._is_playing = is_playing
        self._view.show_playing(is_playing)
        self.changed.emit()

    # --- what is shown --------------------------------------------------------------------------

    def _show_moment(self, beat: float) -> None:
        take = self.take
        if take is None:
            return
        self._moments.show(take.replay, beat)
        self._view.time.setText(
            f"{_minutes(take.replay.time(beat))} / {_minutes(take.replay.seconds)}"
        )
        self._draw(beat)

    def _show_map(self) -> None:
        """Show the landmarks of the take's model, where it is known here."""
        self._shown, self._drawn = None, Trajectories()
        take = self.take
        if take is None:
            return
        bundle = take.bundle
        if bundle is None:
            names = take.replay.bundles
            self._view.show_map(
                f"The model of this take is not here (SHA-256 {names[0][:12]}…).\n"
                "Open its bundle once with Ctrl+O, and open the take again."
                if names
                else "No model has answered in this take: there is nothing on the map."
            )
            return
        offered = [
            (name, title)
            for name, title in _PROJECTIONS
            if name != "umap" or self._projections.get(bundle, "umap") is not None
        ]
        self._view.show_projections(offered, self._projection)
        shown = self._projections.get(bundle, self._projection)
        if shown is None:
            shown = self._projections.get(bundle, "attributes")
        assert shown is not None  # only UMAP has to be fitted
        self._shown = shown
        marks = bundle.landmarks
        styles = [marks.styles[index] for index in marks.style]
        self._view.map.set_axes(shown.axes, shown.directed)
        self._view.map.set_landmarks(shown.places, colours_for(styles, "style"))
        self._view.map.set_trajectories(_places(shown, ()), _places(shown, ()), ())
        self._view.map.reset_view()
        self._view.show_map(None)

    def _draw(self, beat: float) -> None:
        take, shown = self.take, self._shown
        if take is None or take.bundle is None or shown is None:
            self._view.distance.set_distances(())
            return
        way = take.replay.trajectories(beat, take.bundle.sha256)
        if way != self._drawn:
            self._drawn = way
            self._view.map.set_trajectories(
                _places(shown, way.human), _places(shown, way.machine), way.links
            )
            self.changed.emit()
        self._view.distance.set_distances(way.distances)


def _places(shown: Shown, points: tuple[Point, ...]) -> npt.NDArray[np.float32]:
    if not points:
        return np.zeros((0, 3), np.float32)
    return shown.projection.project(np.asarray(points, np.float32))


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    return f"{minutes}:{rest:02d}"
