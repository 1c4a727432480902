"""The window's end of the wire to the process that fits UMAP."""

from __future__ import annotations

import logging

from pydantic import ValidationError
from PySide6.QtCore import QObject, Signal

from app.services.child_process import ChildProcess
from fmvae_core.models.bundle import Bundle
from fmvae_core.projection.messages import FIT_EVENTS, Fitted, FitUmap, NotFitted

log = logging.getLogger(__name__)


class ProjectionClient(QObject):
    """Fits one bundle at a time, in a process that lives only for it. The result is in the cache.

    Signals
    -------
    progressed(Fitting)
        How far it is.
    fitted()
        `fmvae_core.projection.umap_file.read_umap` finds it now.
    failed(str)
        Why it could not be done, and what to do.
    """

    progressed = Signal(object)
    fitted = Signal()
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._child: ChildProcess | None = None

    @property
    def is_fitting(self) -> bool:
        """Whether a fit is running."""
        return self._child is not None

    @property
    def pid(self) -> int | None:
        """Number of the process that fits."""
        return self._child.pid if self._child is not None else None

    def fit(self, bundle: Bundle) -> None:
        """Begin to fit a bundle; a fit that is running is given up."""
        self.cancel()
        child = ChildProcess("fmvae_core.projection", "projection", self)
        child.said.connect(self._on_said)
        child.ended.connect(self._on_ended)
        self._child = child
        request = FitUmap(bundle=bundle.path.resolve(), sha256=bundle.sha256)
        child.start(None, **request.model_dump(mode="json"))

    def cancel(self) -> None:
        """Give up the fit that is running. It keeps nothing, so its process is killed at once."""
        child, self._child = self._child, None
        if child is not None:
            child.said.disconnect(self._on_said)
            child.ended.disconnect(self._on_ended)
            child.kill()
            child.wait_or_kill()
            child.deleteLater()

    def close(self) -> None:
        """End the process; blocks until it is gone."""
        self.cancel()

    def _on_said(self, line: bytes) -> None:
        try:
            event = FIT_EVENTS.validate_json(line)
        except ValidationError as error:
            log.error("the projection process said what nobody understands: %s", error)
            self._give_up("it said what nobody understands")
            return
        if isinstance(event, Fitted):
            self.cancel()  # that was its last word
            self.fitted.emit()
        elif isinstance(event, NotFitted):
            self.cancel()
            self.failed.emit(event.reason)
        else:
            self.progressed.emit(event)

    def _on_ended(self, how: str) -> None:
        self._give_up(how)

    def _give_up(self, how: str) -> None:
        log_file = self._child.log_file if self._child is not None else "the log folder"
        self.cancel()
        self.failed.emit(f"the process that fits it is gone: {how}. Its words are in {log_file}")
