"""Puts the Train tab together, once it is shown for the first time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject

from app.models_menu import ModelEntry
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
    """

    def __init__(
        self,
        notices: Notices,
        models: Callable[[], Sequence[ModelEntry]],
        recordings: Path,
        open_bundle: Callable[[Path], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self.view = TrainView()
        self.plan = PlanPresenter(self.view.form, models, recordings, self)
        self.runs = RunsPresenter(self.view, notices, open_bundle, self.plan.use, self)
        self.plan.started.connect(self.runs.start)

    def close(self) -> None:
        """Let go of everything; the runs go on."""
        self.plan.close()
        self.runs.close()
