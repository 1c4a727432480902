"""TensorBoard as a process of this window's, for this machine only."""

from __future__ import annotations

import importlib.util
import logging
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, Signal

log = logging.getLogger(__name__)

_ADDRESS = re.compile(rb"http://[^\s/]+:(\d+)/")
_HOST = "127.0.0.1"
_KILL_AFTER_MS = 3000
_TOLD = 400
_MISSING = (
    "it is not installed. Install it with 'pip install tensorboard' into Flatjam's environment and "
    "try again."
)


class TensorBoardClient(QObject):
    """Runs one TensorBoard at a time; it ends with the window.

    Signals
    -------
    ready(str)
        It listens; its address.
    failed(str)
        It cannot be shown; why, and what to do.
    """

    ready = Signal(str)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self._said = b""
        self._is_ready = False

    def show(self, runs: Mapping[str, Path]) -> None:
        """Show these runs, names and folders of events, in the place of those before."""
        self.close()
        if importlib.util.find_spec("tensorboard") is None:
            self.failed.emit(_MISSING)
            return
        folders = {name: folder for name, folder in runs.items() if folder.is_dir()}
        if not folders:
            self.failed.emit("there is nothing logged yet; it comes with the run's first steps.")
            return
        if len(folders) == 1:
            where = [f"--logdir={next(iter(folders.values()))}"]
        else:
            spec = ",".join(f"{name}:{folder}" for name, folder in folders.items())
            where = [f"--logdir_spec={spec}"]
        self._said, self._is_ready = b"", False
        process = QProcess(self)
        process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        process.readyReadStandardOutput.connect(self._read)
        process.finished.connect(self._ended)
        self._process = process
        # Port 0: one that is free.
        options = [f"--host={_HOST}", "--port=0", "--load_fast=false", *where]
        process.start(sys.executable, ["-m", "tensorboard.main", *options])

    def close(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is not None:
            process.blockSignals(True)
            process.kill()
            process.waitForFinished(_KILL_AFTER_MS)
            process.deleteLater()

    def _read(self) -> None:
        if self._process is None:
            return
        said = bytes(self._process.readAllStandardOutput().data())
        self._said = (self._said + said)[-10 * _TOLD :]
        found = _ADDRESS.search(self._said)
        if found and not self._is_ready:
            self._is_ready = True
            self.ready.emit(f"http://{_HOST}:{int(found[1])}/")

    def _ended(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.deleteLater()
        last = self._said.decode(errors="replace").strip().splitlines()[-1:]
        log.warning("tensorboard ended: %s", self._said.decode(errors="replace")[-_TOLD:])
        self.failed.emit(f"it has ended. {' '.join(last)}"[:_TOLD])
