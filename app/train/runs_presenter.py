"""Ties the right side of the Train tab to the runs on disk and their processes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QFile, QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices

from app.services.errand_client import ErrandClient
from app.services.run_watcher import RunWatcher
from app.services.tensorboard_client import TensorBoardClient
from app.train.plots import CURVES, RUN_COLOURS, Shown
from app.train.train_view import TrainView
from app.widgets.notices import Notices, Remedy
from fmvae_core.files import data_dir, is_held
from fmvae_core.runs.files import BOARD_FOLDER
from fmvae_core.runs.messages import Answer, BundleMade, Going, MakeBundle, NotDone
from fmvae_core.runs.orders import Order, write_order
from fmvae_core.runs.record import RunError, RunRecord
from fmvae_core.runs.store import Run, create_run, describe_run, runs_dir
from fmvae_core.runs.supervisor import start_run


class RunsPresenter(QObject):
    """Starts, pauses, stops, compares, publishes and deletes runs.

    Parameters
    ----------
    view
        The tab.
    notices
        The window's banners.
    open_bundle
        Opens a bundle and shows it.
    use_settings
        Takes up the settings of a run for a new one.
    parent
        Owner.

    Signals
    -------
    run_changed()
        Another run is looked at, or it stands otherwise.
    space_changed(Path, SpaceSeen)
        See `RunWatcher`.
    """

    run_changed = Signal()
    space_changed = Signal(object, object)

    def __init__(
        self,
        view: TrainView,
        notices: Notices,
        open_bundle: Callable[[Path], None],
        use_settings: Callable[[RunRecord], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._view = view
        self._notices = notices
        self._open_bundle = open_bundle
        self._use_settings = use_settings
        self.runs: dict[Path, Run] = {}
        self._chosen: list[Path] = []
        self._awaited: Path | None = None  # made, and not yet seen by the watcher
        self._making: tuple[Path, str] | None = None
        self._errand = ErrandClient("bundle", self)
        self._errand.going.connect(self._on_going)
        self._errand.answered.connect(self._on_made)
        self._errand.failed.connect(lambda how: self._on_made(NotDone(reason=how)))
        self._watcher = RunWatcher(runs_dir(), CURVES, self)
        self._watcher.runs_changed.connect(self._on_runs)
        self._watcher.course_changed.connect(view.plots.show_course)
        self._watcher.space_changed.connect(self.space_changed)
        self._board = TensorBoardClient(self)
        self._board.ready.connect(self._on_board)
        self._board.failed.connect(self._on_no_board)
        head, table = view.head, view.table
        head.pause_asked.connect(lambda: self._order("pause"))
        head.resume_asked.connect(self._resume)
        head.stop_asked.connect(lambda: self._order("stop"))
        head.bundle_asked.connect(self._make_bundle)
        table.chosen.connect(self._on_chosen)
        table.renamed.connect(self._rename)
        table.tagged.connect(self._tag)
        table.open_asked.connect(self._open_folder)
        table.board_asked.connect(self._open_board)
        table.clone_asked.connect(self._clone)
        table.delete_asked.connect(self._delete)
        self._watcher.start()

    @property
    def processes(self) -> tuple[subprocess.Popen[bytes], ...]:
        """The processes that this window has started and that may still be there."""
        return self._watcher.processes

    @property
    def run(self) -> Run | None:
        """The run that is looked at."""
        return self._run()

    def follow_space(self, run: Path | None) -> None:
        """Read the snapshots of a run, and those that come."""
        self._watcher.follow_space(run)

    def close(self) -> None:
        """Look no more; the runs go on."""
        self._watcher.close()
        self._errand.cancel()
        self._board.close()

    def start(self, record: RunRecord) -> Path | None:
        """Make a run and start it; return its folder."""
        try:
            folder = create_run(record)
            self._awaited = folder
            self._begin(folder)
        except (OSError, RunError) as error:
            self._say(f"The run cannot be started: {error}.")
            return None
        return folder

    # --- what the disk says ---------------------------------------------------------------------

    def _on_runs(self, runs: list[Run]) -> None:
        before, self.runs = self.runs, {run.folder: run for run in runs}
        self._chosen = [folder for folder in self._chosen if folder in self.runs]
        if self._awaited in self.runs:
            self._chosen, self._awaited = [self._awaited], None
        if not self._chosen and runs:
            active = [run.folder for run in runs if run.state.is_active]
            self._chosen = (active or [runs[0].folder])[:1]
        self._view.show_course(bool(runs))
        for run in runs:
            earlier = before.get(run.folder)
            if earlier is not None and earlier.state.is_active and not run.state.is_active:
                self._tell_end(run)
        self._show()

    def _tell_end(self, run: Run) -> None:
        if run.state.state == "finished":
            self._notices.show_notice(
                "run",
                f"The run '{run.record.name}' is finished.",
                "Make it a bundle to play it.",
                "info",
            )
        elif run.state.state in ("failed", "lost") and not self._is_seen(run):
            self._say(f"The run '{run.record.name}' has ended: {run.state.reason}")

    def _is_seen(self, run: Run) -> bool:
        """Whether what is to be said of a run stands on the screen already."""
        chosen = self._run()
        return self._view.isVisible() and chosen is not None and chosen.folder == run.folder

    def _on_chosen(self, folders: list[Path]) -> None:
        if folders and folders != self._chosen:
            self._chosen = folders
            self._show()

    def _show(self) -> None:
        run = self._run()
        making = self._making[1] if run and self._making and self._making[0] == run.folder else ""
        self._view.head.show_run(run, making)
        self._view.table.set_usable(run is not None, run is not None and not run.state.is_active)
        colours = self._colours()
        self._view.table.show_runs(list(self.runs.values()), colours, self._chosen)
        shown = [
            Shown(folder, self.runs[folder].record.name, shade) for folder, shade in colours.items()
        ]
        self._view.plots.show_runs(shown)
        self._watcher.follow(frozenset(colours))
        self.run_changed.emit()

    def _colours(self) -> dict[Path, str]:
        chosen = [folder for folder in self._chosen if folder in self.runs]
        return dict(zip(chosen, RUN_COLOURS, strict=False))

    def _run(self) -> Run | None:
        return self.runs.get(self._chosen[0]) if self._chosen else None

    # --- what the user wants --------------------------------------------------------------------

    def _begin(self, folder: Path) -> None:
        self._watcher.reap(start_run(folder))
        self._watcher.look()

    def _order(self, order: Order) -> None:
        run = self._run()
        if run is None:
            return
        try:
            write_order(run.folder, order)
        except OSError as error:
            self._say(f"The run cannot be told to {order}: {error}.")
        self._watcher.look()

    def _resume(self) -> None:
        run = self._run()
        if run is None:
            return
        try:
            if run.state.is_active:
                write_order(run.folder, "run")
                self._watcher.look()
            else:
                self._begin(run.folder)
        except (OSError, RunError) as error:
            self._say(f"The run cannot go on: {error}.")

    def _make_bundle(self) -> None:
        run = self._run()
        if run is None or self._errand.is_busy:
            return
        self._making = (run.folder, "loading torch")
        out = data_dir() / "models" / run.folder.name
        self._errand.send(MakeBundle(run=run.folder, out=out, name=run.record.name))
        self._show()

    def _on_going(self, going: Going) -> None:
        if self._making is not None:
            self._making = (self._making[0], going.stage)
            self._show()

    def _on_made(self, answer: Answer) -> None:
        self._making = None
        self._show()
        if isinstance(answer, BundleMade):
            self._notices.settle("run")
            self._open_bundle(answer.path)
        elif isinstance(answer, NotDone):
            self._say(f"No bundle could be made: {answer.reason}")

    def _rename(self, folder: Path, name: str) -> None:
        if name:
            self._describe(folder, name=name)

    def _tag(self, folder: Path, text: str) -> None:
        tags = tuple(filter(None, (tag.strip() for tag in text.split(","))))
        self._describe(folder, tags=tags)

    def _describe(
        self, folder: Path, *, name: str | None = None, tags: tuple[str, ...] | None = None
    ) -> None:
        try:
            describe_run(folder, name=name, tags=tags)
        except (OSError, RunError) as error:
            self._say(f"The run cannot be named: {error}.")
            self._show()
        self._watcher.look()

    def _open_folder(self) -> None:
        run = self._run()
        if run is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(run.folder)))

    def _open_board(self) -> None:
        runs = [self.runs[folder] for folder in self._chosen if folder in self.runs]
        if runs:
            self._notices.show_notice("board", "TensorBoard is being started…", "", "info")
            self._board.show({run.folder.name: run.folder / BOARD_FOLDER for run in runs})

    def _on_board(self, address: str) -> None:
        self._notices.show_notice(
            "board",
            f"TensorBoard is at {address}, on this machine only.",
            "It ends with this window.",
            "info",
        )
        QDesktopServices.openUrl(QUrl(address))

    def _on_no_board(self, why: str) -> None:
        self._notices.settle("board")
        self._say(f"TensorBoard cannot be shown: {why}")

    def _clone(self) -> None:
        run = self._run()
        if run is not None:
            self._use_settings(run.record)

    def _delete(self) -> None:
        run = self._run()
        if run is None:
            return
        if is_held(run.folder):
            self._say(f"The run '{run.record.name}' is still going on; stop it first.")
        elif QFile(str(run.folder)).moveToTrash():
            self._notices.show_notice(
                "run deleted",
                f"The run '{run.record.name}' is in the trash.",
                "Bring it back from there.",
                "info",
            )
        else:
            self._notices.show_notice(
                "run deleted",
                f"The run '{run.record.name}' could not be put into the trash.",
                "Delete its folder.",
                "error",
                (Remedy("Open folder", self._open_folder),),
            )
        self._watcher.look()

    def _say(self, text: str) -> None:
        self._notices.show_notice("run", text, "", "error")
