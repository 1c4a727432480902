"""The window's end of the wire to a process that prepares or publishes a run."""

from __future__ import annotations

import logging

from pydantic import ValidationError
from PySide6.QtCore import QObject, Signal
from typing_extensions import override

from app.services.one_shot import OneShot
from fmvae_core.runs.messages import ANSWERS, Errand, Going

log = logging.getLogger(__name__)


class ErrandClient(OneShot):
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
        super().__init__("fmvae_core.training.errands", name, parent)

    def send(self, errand: Errand) -> None:
        """Begin an errand; the one before is given up."""
        self._begin(errand)

    @override
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

    @override
    def _on_ended(self, how: str) -> None:
        file = self.log_file
        self.cancel()
        self.failed.emit(f"The process that did it is gone: {how}. Its words are in {file}")
