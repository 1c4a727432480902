"""The tabs of the window, and the stage view of the Jam tab."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Literal, get_args

from PySide6.QtCore import QObject, Signal

from app.actions import icon
from app.explore.projection_presenter import ProjectionPresenter
from app.explore.projections import Projections
from app.services.engine_client import EngineClient
from app.services.model_client import ModelClient
from app.state.jam import JamModel
from app.state.session import ProjectionName, Session
from app.umap_fit import UmapFit
from app.window import MainWindow

if TYPE_CHECKING:
    from app.jam.jam_tab import JamTab
    from app.train.train_tab import TrainTab

_PROJECTIONS: tuple[ProjectionName, ...] = get_args(ProjectionName)

TabName = Literal["explore", "jam", "train"]


class Tabs(QObject):
    """Shows one tab at a time. The others are made when they are first asked for.

    Signals
    -------
    changed()
        Another tab is shown, or something in one changed that commands depend on.
    """

    changed = Signal()

    def __init__(
        self,
        session: Session,
        choices: JamModel,
        engine: EngineClient,
        model: ModelClient,
        projections: Projections,
        projection: ProjectionPresenter,
        umap: UmapFit,
        window: MainWindow,
        make_train: Callable[[], TrainTab],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._choices = choices
        self._engine = engine
        self._model = model
        self._projections = projections
        self._projection = projection
        self._umap = umap
        self._window = window
        self._make_train = make_train
        self.name: TabName = "explore"
        self.jam: JamTab | None = None
        self.train: TrainTab | None = None
        self.is_on_stage = False
        for command, do in (
            ("view.explore", lambda: self.show("explore")),
            ("view.jam", lambda: self.show("jam")),
            ("view.train", lambda: self.show("train")),
            ("view.next_tab", self._show_next),
            ("jam.start_stop", self._start_stop),
            ("jam.keep", lambda: self._jam_tab().jam.keep()),
            ("jam.stage", lambda: self.show_stage(not self.is_on_stage)),
        ):
            window.actions_table.bind(command, do)
        for projected in _PROJECTIONS:
            window.actions_table.bind(f"view.{projected}", partial(self._project, projected))
        projection.changed.connect(self._show_projection)
        session.view_changed.connect(lambda _: self._show_projection())
        session.bundle_changed.connect(self._show_projection)
        umap.changed.connect(self._show_projection)
        umap.changed.connect(self.changed)
        self._show_buttons()

    @property
    def is_jamming(self) -> bool:
        """Whether a take is going on."""
        return self._engine.jam.is_running

    @property
    def has_jam_phrase(self) -> bool:
        """Whether something has been played in a jam that could be kept."""
        return self.jam is not None and self.jam.jam.has_phrase

    def show(self, name: TabName) -> None:
        """Show a tab."""
        if name == "jam":
            tab = self._jam_tab()
            self._window.show_tab(tab.view)
            tab.view.setFocus()
        elif name == "train":
            self.show_stage(False)
            if self.train is None:
                self.train = self._make_train()
                self._window.add_tab(self.train.view, {"train": self.train.view.right})
            self._window.show_tab(self.train.view)
            self.train.view.setFocus()
        else:
            self.show_stage(False)
            self._window.show_tab(self._window.explore)
            (self._window.explore.map or self._window).setFocus()
        self.name = name
        self._show_buttons()
        self._show_projection()
        self.changed.emit()

    def show_stage(self, is_on: bool) -> None:
        """Fill the screen with map, state and both grids, or show the window again."""
        if is_on == self.is_on_stage:
            return
        if is_on:
            self.show("jam")
        self.is_on_stage = is_on
        self._jam_tab().view.show_stage(is_on)
        self._window.show_stage(is_on)
        self._show_buttons()
        self.changed.emit()

    def reset_map(self) -> None:
        """Turn and zoom the map that is shown back to where it began."""
        shown = self.jam.view.map if self.name == "jam" and self.jam else self._window.explore.map
        if shown is not None:
            shown.reset_view()

    def _project(self, name: ProjectionName) -> None:
        """Project the map that is shown in another way."""
        if self.name == "jam":
            self._jam_tab().map.choose(name)
        else:
            self._projection.choose(name)

    def _show_projection(self) -> None:
        # A click checks the button of what is not there yet, or unchecks that of what is shown.
        is_jam = self.name == "jam" and self.jam is not None
        shown = self.jam.map.shown if is_jam and self.jam else self._projection.shown
        for name in _PROJECTIONS:
            self._window.actions_table.set_checked(f"view.{name}", name == shown)

    def _show_next(self) -> None:
        names = get_args(TabName)
        self.show(names[(names.index(self.name) + 1) % len(names)])

    def close(self) -> None:
        """Let go of what tabs hold in the background; trainings go on."""
        if self.train is not None:
            self.train.close()

    def _start_stop(self) -> None:
        if self.name != "jam":
            self.show("jam")
        self._jam_tab().jam.toggle()

    def _jam_tab(self) -> JamTab:
        if self.jam is None:
            # Imported here, not above: a start that is for exploring does not wait for it.
            from app.jam.jam_tab import JamTab

            self.jam = JamTab(
                self._session,
                self._choices,
                self._engine,
                self._model,
                self._projections,
                self._umap,
                self._window.transport,
                self._window.notices,
                self._window.actions_table,
                self,
            )
            self.jam.changed.connect(self._on_jam)
            self.jam.map.changed.connect(self._show_projection)
            self.jam.view.left_stage.connect(lambda: self.show_stage(False))
            view = self.jam.view
            self._window.add_tab(view, {"jam whole": view.whole, "jam left": view.left})
        return self.jam

    def _on_jam(self) -> None:
        action = self._window.actions_table["jam.start_stop"]
        action.setText("Stop the jam" if self.is_jamming else "Start the jam")
        action.setIcon(icon("mdi6.stop" if self.is_jamming else "mdi6.play"))
        self.changed.emit()

    def _show_buttons(self) -> None:
        actions = self._window.actions_table
        actions.set_checked("view.explore", self.name == "explore")
        actions.set_checked("view.jam", self.name == "jam")
        actions.set_checked("view.train", self.name == "train")
        actions.set_checked("jam.stage", self.is_on_stage)
