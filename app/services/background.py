"""Work that takes a while, on a thread of its own, with progress and a way to cancel it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
Work = Callable[[Progress], Any]


class _Cancelled(Exception):
    """The user wants no more of it."""


class BackgroundJob(QObject):
    """One piece of work. It gets a function to report progress with, which ends it when cancelled.

    Signals
    -------
    progressed(int, int)
        Done, and in all.
    finished(object)
        The work's result.
    failed(str)
        Why it could not be done, in words.
    cancelled()
    """

    progressed = Signal(int, int)
    finished = Signal(object)
    failed = Signal(str)
    cancelled = Signal()

    _done = Signal(object, object)

    def __init__(self, work: Work, expected: tuple[type[Exception], ...], parent: QObject) -> None:
        super().__init__(parent)
        self._work = work
        self._expected = expected
        self._stop = threading.Event()
        self._done.connect(self._tell, Qt.ConnectionType.QueuedConnection)
        self._thread = threading.Thread(target=self._run, name="background", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def cancel(self) -> None:
        """Ask it to end at its next report of progress."""
        self._stop.set()

    def close(self) -> None:
        """Cancel it and wait a little for its end."""
        self._stop.set()
        self._thread.join(timeout=2.0)

    def _report(self, done: int, total: int) -> None:
        if self._stop.is_set():
            raise _Cancelled
        self.progressed.emit(done, total)

    def _run(self) -> None:
        try:
            result = self._work(self._report)
        except _Cancelled as error:
            self._done.emit(None, error)
        except self._expected as error:
            self._done.emit(None, error)
        except Exception as error:
            log.exception("unexpected error in the background")
            self._done.emit(None, error)
        else:
            self._done.emit(result, None)

    def _tell(self, result: object, error: Exception | None) -> None:
        if isinstance(error, _Cancelled):
            self.cancelled.emit()
        elif error is not None:
            self.failed.emit(str(error) or type(error).__name__)
        else:
            self.finished.emit(result)
        self.deleteLater()
