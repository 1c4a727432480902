"""Fits UMAP of the bundle that is open, whichever tab asks for it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from app.actions import Actions
from app.explore.projections import Projections
from app.services.projection_client import ProjectionClient
from app.state.session import Session
from app.widgets.notices import Notices, Remedy
from fmvae_core.projection.messages import Fitting

_WORDS = {
    "starting": "Starting UMAP…",
    "neighbours": "Looking for neighbours…",
    "preparing": "Preparing UMAP…",
}


class UmapFit(QObject):
    """One fit at a time, which goes on while something else is looked at.

    Signals
    -------
    progressed(str, int, int)
        How far it is: in words, and how many epochs of how many; no words once it has ended.
    fitted()
        UMAP of the open bundle is there now, and shown to those who wait for it.
    changed()
        Whether UMAP can be had, or is being fitted, has changed.
    """

    progressed = Signal(str, int, int)
    fitted = Signal()
    changed = Signal()

    def __init__(
        self,
        session: Session,
        projections: Projections,
        notices: Notices,
        actions: Actions,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._projections = projections
        self._notices = notices
        self._waiting: dict[QObject, Callable[[], object]] = {}
        self._last: Callable[[], object] = self.cancel
        self._is_installed = importlib.util.find_spec("umap") is not None  # found, not loaded
        self.client = ProjectionClient(self)
        self.client.progressed.connect(self._on_progress)
        self.client.fitted.connect(self._on_fitted)
        self.client.failed.connect(self._on_failed)
        session.bundle_changed.connect(self._on_bundle)
        actions.bind("view.cancel_umap", self.cancel)

    @property
    def has_umap(self) -> bool:
        """Whether UMAP of the open bundle can be shown or fitted."""
        return self._is_installed or self._is_there

    @property
    def is_fitting(self) -> bool:
        """Whether UMAP is being fitted."""
        return self.client.is_busy

    @property
    def _is_there(self) -> bool:
        bundle = self._session.bundle
        return bundle is not None and self._projections.get(bundle, "umap") is not None

    def begin(self, who: QObject, show: Callable[[], object]) -> None:
        """Begin to fit, unless that goes on already.

        Parameters
        ----------
        who
            Waits for it.
        show
            Called once it is fitted, or where it fails and the user wants it tried once more.
        """
        self._notices.settle("umap")
        self._waiting[who] = self._last = show
        bundle = self._session.bundle
        if bundle is not None and not self.client.is_busy:
            self.client.fit(bundle)
            self._on_progress(Fitting(stage="starting"))
        self.changed.emit()

    def forget(self, who: QObject) -> None:
        """Take note that somebody waits no more; the fit goes on."""
        self._waiting.pop(who, None)

    def cancel(self) -> None:
        """Give up the fit."""
        self.client.cancel()
        self._end()

    def close(self) -> None:
        """End the fit's process."""
        self.client.cancel()

    def _on_bundle(self) -> None:
        self.cancel()  # it was of another bundle
        self._notices.settle("umap")

    def _on_progress(self, fitting: Fitting) -> None:
        text = _WORDS.get(fitting.stage, f"Epoch {fitting.done} of {fitting.total}")
        self.progressed.emit(text, fitting.done, fitting.total)

    def _on_fitted(self) -> None:
        if self._is_there:
            shows = list(self._waiting.values())
            self._end()
            self.fitted.emit()  # first: who chose it long ago has it when others choose it
            for show in shows:
                show()
        elif self._session.bundle is not None:
            self._on_failed("what was fitted cannot be read; see flatjam.log")
        else:
            self._end()

    def _on_failed(self, why: str) -> None:
        shows = list(self._waiting.values()) or [self._last]
        self._end()
        self._notices.show_notice(
            "umap",
            f"UMAP cannot be shown: {why}.",
            "The other projections work.",
            "warning",
            (Remedy("Try again", lambda: [show() for show in shows]),),
        )

    def _end(self) -> None:
        self._waiting.clear()
        self.progressed.emit("", 0, 0)
        self.changed.emit()
