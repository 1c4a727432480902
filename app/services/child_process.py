"""Starting processes of our own: engine, model worker, the fit of a projection."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal

from app.logs import log_dir
from fmvae_core.ipc import Endpoint

log = logging.getLogger(__name__)

_MAX_LOG_BYTES = 1_000_000
_KILL_AFTER_MS = 3000


class ChildProcess(QObject):
    """A Python module run as a process: it gets one line of JSON and prints ``ready``.

    Its error output goes to a file of its own in the log folder.

    Signals
    -------
    ready()
        It listens at its endpoint.
    said(bytes)
        Another line that it printed.
    ended(str)
        It is gone; how, in words.
    """

    ready = Signal()
    said = Signal(bytes)
    ended = Signal(str)

    def __init__(self, module: str, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._module = module
        self._name = name
        self._process: QProcess | None = None

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None

    @property
    def pid(self) -> int | None:
        """Its process number."""
        return int(self._process.processId()) if self._process else None

    @property
    def log_file(self) -> Path:
        """Where its error output goes."""
        return log_dir() / f"{self._name}.log"

    def start(self, endpoint: Endpoint | None, **config: Any) -> None:
        """Start it, at an endpoint where it listens, with what else it needs to know."""
        process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        # Threads of torch that spin while they wait take the processor from everybody else.
        environment.insert("OMP_WAIT_POLICY", "PASSIVE")
        # So that the module is found when the window runs from a checkout that is not installed.
        paths = [str(Path(__file__).resolve().parents[2]), environment.value("PYTHONPATH")]
        environment.insert("PYTHONPATH", os.pathsep.join(filter(None, paths)))
        process.setProcessEnvironment(environment)
        if sys.platform != "win32":
            # Ctrl-C in the terminal is the window's business; it asks its children to end.
            parameters = QProcess.UnixProcessParameters()
            parameters.flags = QProcess.UnixProcessFlag.CreateNewSession
            process.setUnixProcessParameters(parameters)
        file = self.log_file
        if file.exists() and file.stat().st_size > _MAX_LOG_BYTES:
            file.unlink()
        process.setStandardErrorFile(str(file), QProcess.OpenModeFlag.Append)
        process.readyReadStandardOutput.connect(self._read)
        process.finished.connect(self._finished)
        process.errorOccurred.connect(self._failed)
        self._process = process
        process.start(sys.executable, ["-m", self._module])
        where = {} if endpoint is None else {"address": endpoint.address, "key": endpoint.key}
        line: Mapping[str, Any] = {**where, **config}
        process.write(json.dumps(line).encode() + b"\n")
        process.closeWriteChannel()

    def wait_or_kill(self) -> None:
        """Wait for the process, which was asked to end, and kill it if it does not."""
        process = self._process
        if process is None:
            return
        process.blockSignals(True)
        if not process.waitForFinished(_KILL_AFTER_MS):
            log.warning("%s did not end by itself and is killed", self._name)
            process.kill()
            process.waitForFinished(_KILL_AFTER_MS)
        self._process = None

    def kill(self) -> None:
        """Kill it; `ended` tells when it is gone."""
        if self._process is not None:
            self._process.kill()

    def _read(self) -> None:
        assert self._process is not None
        process = self._process
        # Whoever hears a line may end the process.
        while process is self._process and process.canReadLine():
            line = bytes(process.readLine().data()).strip()
            if line == b"ready":
                self.ready.emit()
            else:
                self.said.emit(line)

    def _finished(self, code: int, status: QProcess.ExitStatus) -> None:
        crashed = status == QProcess.ExitStatus.CrashExit
        self._gone(f"it was stopped by signal {code}" if crashed else f"it ended with code {code}")

    def _failed(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and self._process is not None:
            self._gone(f"it could not be started ({self._process.errorString()})")

    def _gone(self, how: str) -> None:
        log.warning("%s: %s; see %s", self._name, how, self.log_file)
        if self._process is not None:
            self._process.deleteLater()
            self._process = None
        self.ended.emit(how)
