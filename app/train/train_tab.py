"""Puts the Train tab together, once it is shown for the first time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject

from app.models_menu import ModelEntry
from app.services.engine_client import EngineClient
from app.train.listen_presenter import ListenPresenter
from app.train.map_presenter import MapPresenter
from app.train.plan_presenter import PlanPresenter
from app.train.runs_presenter import RunsPresenter
from app.train.train_view import TrainView
from app.widgets.notices import Notices


class TrainTab(QObject):
    """The view and the presenters of the tab.

    Parameters
    ----------
    notices
        The window's banners.
    models
        Returns the bundles that could be fine-tuned.
    recordings
        The Groove archive or folder, whether or not it is there.
    open_bundle
        Opens a bundle and shows it.
    parent
        Owner.
    engine
        What plays; None where nothing can be heard.
    """

    def __init__(
        self,
        notices: Notices,
        models: Callable[[], Sequence[ModelEntry]],
        recordings: Path,
        open_bundle: Callable[[Path], None],
        parent: QObject,
        engine: EngineClient | None = None,
    ) -> None:
        super().__init__(parent)
        self._engine = engine
        self.view = TrainView()
        self.plan = PlanPresenter(self.view.form, models, recordings, self)
        self.runs = RunsPresenter(self.view, notices, open_bundle, self.plan.use, self)
        self.plan.started.connect(self.runs.start)
        self.map = MapPresenter(self)
        self.listen: ListenPresenter | None = None
        self.runs.run_changed.connect(self._show_run)
        self.runs.space_changed.connect(self.map.take)
        self.view.page_made.connect(self._install)
        self.view.page_shown.connect(lambda _page: self._show_run())

    def close(self) -> None:
        """Let go of everything; the runs go on."""
        self.plan.close()
        self.runs.close()
        self.map.close()
        if self.listen is not None:
            self.listen.close()

    def _install(self, page: str) -> None:
        if page == "map" and self.view.map is not None:
            self.map.install(self.view.map)
        elif page == "listen" and self.view.listen is not None:
            self.listen = ListenPresenter(self.view.listen, self._engine, self)
            self.view.left.connect(self.listen.stop)

    def _show_run(self) -> None:
        run = self.runs.run
        folder = None if run is None else run.folder
        self.map.show_run(folder)
        # What nobody looks at is not read; what has been read stays.
        if self.view.page == "map":
            self.runs.follow_space(folder)
        if self.listen is not None:
            self.listen.show_run(run)
