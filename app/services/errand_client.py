"""The window's end of the wire to a process that prepares or publishes a run."""

from __future__ import annotations

import logging

from pydantic import ValidationError
from PySide6.QtCore import QObject, Signal

from app.services.child_process import ChildProcess
from fmvae_core.runs.messages import ANSWERS, Errand, Going

log = logging.getLogger(__name__)

_MODULE = "fmvae_core.training.errands"


class ErrandClient(QObject):
    """Sends one errand at a time to a process that lives only for it; a newer one replaces it.

    Parameters
    ----------
    name
        Of the log file.

    Signals
    -------
    going(Going)
        What is being done.
    answered(Answer)
        The last word: what was asked for, or `NotDone`.
    failed(str)
        The process is gone without an answer.
    """

    going = Signal(object)
    answered = Signal(object)
    failed = Signal(str)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._child: ChildProcess | None = None

    @property
    def is_busy(self) -> bool:
        """Whether an errand is under way."""
        return self._child is not None

    def send(self, errand: Errand) -> None:
        """Begin an errand; the one before is given up."""
        self.cancel()
        child = ChildProcess(_MODULE, self._name, self)
        child.said.connect(self._on_said)
        child.ended.connect(self._on_ended)
        self._child = child
        child.start(None, **errand.model_dump(mode="json"))

    def cancel(self) -> None:
        """Give up the errand; blocks until its process is gone."""
        child, self._child = self._child, None
        if child is not None:
            child.said.disconnect(self._on_said)
            child.ended.disconnect(self._on_ended)
            child.kill()
            child.wait_or_kill()
            child.deleteLater()

    def _on_said(self, line: bytes) -> None:
        try:
            answer = ANSWERS.validate_json(line)
        except ValidationError as error:
            log.error("the process of an errand said what nobody understands: %s", error)
            return
        if isinstance(answer, Going):
            self.going.emit(answer)
        else:
            self.cancel()  # that was its last word
            self.answered.emit(answer)

    def _on_ended(self, how: str) -> None:
        file = self._child.log_file if self._child is not None else "the log folder"
        self.cancel()
        self.failed.emit(f"The process that did it is gone: {how}. Its words are in {file}")
