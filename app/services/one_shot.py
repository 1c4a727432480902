"""Processes that live only for one thing that they are asked to do."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel
from PySide6.QtCore import QObject

from app.services.child_process import ChildProcess


class OneShot(QObject):
    """Runs one process at a time; a newer request replaces the one under way.

    Parameters
    ----------
    module
        What the process runs.
    name
        Of its log file.
    """

    def __init__(self, module: str, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._module = module
        self._name = name
        self._child: ChildProcess | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a request is under way."""
        return self._child is not None

    @property
    def pid(self) -> int | None:
        """Number of the process that is at work."""
        return self._child.pid if self._child is not None else None

    @property
    def log_file(self) -> Path | str:
        """Where the words of the process that is at work are."""
        return self._child.log_file if self._child is not None else "the log folder"

    def cancel(self) -> None:
        """Give up what is under way. It keeps nothing; blocks until its process is gone."""
        child, self._child = self._child, None
        if child is not None:
            child.said.disconnect(self._on_said)
            child.ended.disconnect(self._on_ended)
            child.kill()
            child.wait_or_kill()
            child.deleteLater()

    def _begin(self, request: BaseModel) -> None:
        """Start a process for a request; the one before is given up."""
        self.cancel()
        child = ChildProcess(self._module, self._name, self)
        child.said.connect(self._on_said)
        child.ended.connect(self._on_ended)
        self._child = child
        child.start(None, **request.model_dump(mode="json"))

    def _on_said(self, line: bytes) -> None:
        """Take in a line that the process printed."""
        raise NotImplementedError

    def _on_ended(self, how: str) -> None:
        """Take note that the process is gone, without having been given up."""
        raise NotImplementedError
