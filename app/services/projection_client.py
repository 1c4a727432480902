"""The window's end of the wire to the process that fits UMAP."""

from __future__ import annotations

import logging

from pydantic import ValidationError
from PySide6.QtCore import QObject, Signal
from typing_extensions import override

from app.services.one_shot import OneShot
from fmvae_core.models.bundle import Bundle
from fmvae_core.projection.messages import FIT_EVENTS, Fitted, FitUmap, NotFitted

log = logging.getLogger(__name__)


class ProjectionClient(OneShot):
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
        super().__init__("fmvae_core.projection", "projection", parent)

    def fit(self, bundle: Bundle) -> None:
        """Begin to fit a bundle; a fit that is running is given up."""
        self._begin(FitUmap(bundle=bundle.path.resolve(), sha256=bundle.sha256))

    @override
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

    @override
    def _on_ended(self, how: str) -> None:
        self._give_up(how)

    def _give_up(self, how: str) -> None:
        log_file = self.log_file
        self.cancel()
        self.failed.emit(f"the process that fits it is gone: {how}. Its words are in {log_file}")
