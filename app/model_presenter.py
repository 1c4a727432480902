"""Starts the model worker and tells how it fares."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.actions import Actions
from app.services.engine_client import EngineClient
from app.services.model_client import ModelClient
from app.widgets.notices import Notices, Remedy
from app.widgets.transport_bar import TransportBar
from fmvae_core.inference.messages import BundleReady, WorkerProblem


class ModelPresenter(QObject):
    """Ties the model worker to its light and to the banners.

    Parameters
    ----------
    recordings
        Where the Groove dataset is, or will be.
    on_not_played
        Called where a landmark could not be had as played.

    Signals
    -------
    changed()
        It is ready, or no longer.
    """

    changed = Signal()

    def __init__(
        self,
        model: ModelClient,
        engine: EngineClient,
        bar: TransportBar,
        notices: Notices,
        actions: Actions,
        recordings: Path,
        on_not_played: Callable[[], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._model = model
        self._engine = engine
        self._bar = bar
        self._notices = notices
        self._actions = actions
        self._recordings = recordings
        self._on_not_played = on_not_played
        self._bundle: Path | None = None
        model.ready.connect(self._on_ready)
        model.problem.connect(self._on_problem)
        model.landmark_played.connect(lambda _: notices.settle("model:play_landmark"))
        model.lost.connect(self._on_lost)
        model.recovered.connect(self._on_recovered)
        model.gave_up.connect(self._on_gave_up)

    def load(self, bundle: Path) -> None:
        """Let the worker load a bundle; it is started with the first one."""
        self._bar.worker.show_status("faint", "loading", "The model's networks are being loaded.")
        is_first, self._bundle = self._bundle is None, bundle
        if is_first:
            self._start()
        else:
            self._model.open_bundle(str(bundle))
        self.changed.emit()

    def _start(self) -> None:
        self._model.start(self._engine.endpoint, str(self._bundle), str(self._recordings))

    def _restart(self) -> None:
        self._notices.settle("worker-gone")
        self._start()

    def _on_ready(self, ready: BundleReady) -> None:
        self._bar.worker.show_status(
            "good", "on", f"The networks were loaded in {ready.seconds:.1f} s."
        )
        self._notices.settle("model:open_bundle")
        self.changed.emit()

    def _on_problem(self, problem: WorkerProblem) -> None:
        if problem.request == "encode_phrase":
            return  # whoever opened the file tells of it
        if problem.request == "play_landmark":
            self._on_not_played()
        if problem.request == "open_bundle":
            self._bar.worker.show_status("bad", "failed", problem.text)
        self._notices.show_notice(f"model:{problem.request}", problem.text, problem.remedy)

    def _on_lost(self, how: str) -> None:
        self._bar.worker.show_status("human", "restarting", f"The model worker stopped: {how}.")
        if not self._engine.jam.is_running:  # else the jam tells what becomes of it
            self._notices.show_notice(
                "worker-gone",
                f"The model stopped ({how}).",
                "The loop plays on. The model is being started again.",
            )
        self.changed.emit()

    def _on_recovered(self) -> None:
        self._notices.show_notice("worker-gone", "The model had stopped and is back.", "", "info")

    def _on_gave_up(self, how: str) -> None:
        self._bar.worker.show_status("bad", "stopped", how)
        self._notices.show_notice(
            "worker-gone",
            f"The model stops again and again ({how}).",
            "What it said is in model-worker.log in the log folder.",
            "error",
            (
                Remedy("Start the model again", self._restart),
                Remedy("Open log folder", self._actions["help.logs"].trigger),
            ),
        )
