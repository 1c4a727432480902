"""Writes the take that is shown to files, in the background."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog

from app.services.background import BackgroundJob
from app.services.engine_client import EngineClient
from app.takes import exports
from app.takes.replay_presenter import ReplayPresenter
from app.takes.takes_view import TakesWindow
from app.widgets.notices import Remedy
from fmvae_core.live.library import SoundError


class ExportPresenter(QObject):
    """Asks for a file, writes it, and tells how far that is.

    Signals
    -------
    changed()
        A file is being written, or no longer.
    """

    changed = Signal()

    def __init__(
        self, view: TakesWindow, replay: ReplayPresenter, engine: EngineClient, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._view = view
        self._replay = replay
        self._engine = engine
        self._job: BackgroundJob | None = None
        self._folder = str(Path.home())

    @property
    def is_busy(self) -> bool:
        """Whether a file is being written."""
        return self._job is not None

    def close(self) -> None:
        """End what goes on in the background."""
        if self._job is not None:
            self._job.close()

    def ask(self, kind: str) -> None:
        """Ask where to write the take that is shown, and write it: midi, wav or video."""
        take = self._replay.take
        if take is None or self.is_busy:
            return
        title, suffix, kinds = exports.KINDS[kind]
        chosen, _ = QFileDialog.getSaveFileName(
            self._view, title, str(Path(self._folder) / f"{take.path.stem}{suffix}"), kinds
        )
        if chosen:
            path = Path(chosen)
            self._folder = str(path.parent)
            self.export(kind, path if path.suffix else path.with_suffix(suffix))

    def export(self, kind: str, path: Path) -> None:
        """Write the take that is shown to a file: midi, wav or video."""
        assert self._replay.take is not None
        work = exports.work(
            kind, self._replay.take, path, self._engine.state, self._replay.projection
        )
        expected = (SoundError, ValueError, OSError)
        job = self._job = BackgroundJob(work, expected, self)
        job.progressed.connect(lambda done, total: self._show_progress(path, done, total))
        job.finished.connect(lambda _: self._saved(path))
        job.failed.connect(lambda why: self._failed(path, why))
        for ending in (job.finished, job.failed, job.cancelled):
            ending.connect(self._ended)
        self._show_progress(path, 0, 0)
        job.start()
        self.changed.emit()

    def _show_progress(self, path: Path, done: int, total: int) -> None:
        if self._job is not None:
            share = f"{100 * done / total:.0f} %" if total else "starting…"
            cancel = Remedy("Cancel", self._job.cancel)
            self._view.notices.show_notice(
                "export", f"Writing {path.name}:", share, "info", (cancel,)
            )

    def _ended(self) -> None:
        self._job = None
        self._view.notices.settle("export")
        self.changed.emit()

    def _failed(self, path: Path, why: str) -> None:
        self._view.notices.show_notice("takes", f"{path.name} could not be written.", why, "error")

    def _saved(self, path: Path) -> None:
        buttons = (
            Remedy("Open", lambda: open_path(path)),
            Remedy("Open folder", lambda: open_path(path.parent)),
        )
        self._view.notices.show_notice(
            "takes", f"Saved {path.name}.", str(path.parent), "info", buttons
        )


def open_path(path: Path) -> None:
    """Open a file or folder with the program that is meant for it."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
