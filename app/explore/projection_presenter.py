"""Ties the choice of the map's projection to the session, and fits UMAP when it is asked for."""

from __future__ import annotations

import importlib.util
from functools import partial

from PySide6.QtCore import QObject, Signal

from app.actions import Actions
from app.explore.map_bar import MapBar
from app.explore.projections import Projections
from app.services.projection_client import ProjectionClient
from app.state.session import ProjectionName, Session
from app.state.settings import Settings
from app.widgets.notices import Notices, Remedy
from fmvae_core.models.bundle import Bundle
from fmvae_core.projection.messages import Fitting

_NAMES: tuple[ProjectionName, ...] = ("pca", "attributes", "umap")
_WORDS = {
    "starting": "Starting UMAP…",
    "neighbours": "Looking for neighbours…",
    "preparing": "Preparing UMAP…",
}


class ProjectionPresenter(QObject):
    """Shows the projection that is chosen, at once where it is there and else once it is fitted.

    Signals
    -------
    changed()
        Whether UMAP can be had, or is being fitted, has changed.
    """

    changed = Signal()

    def __init__(
        self,
        session: Session,
        settings: Settings,
        bar: MapBar,
        notices: Notices,
        actions: Actions,
        projections: Projections,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._bar = bar
        self._notices = notices
        self._actions = actions
        self._projections = projections
        self._is_awaited = False
        self._is_installed = importlib.util.find_spec("umap") is not None  # found, not loaded
        self.client = ProjectionClient(self)
        self.client.progressed.connect(self._on_progress)
        self.client.fitted.connect(self._on_fitted)
        self.client.failed.connect(self._on_failed)
        session.bundle_changed.connect(self._on_bundle)
        session.view_changed.connect(lambda fields: self._show())
        for name in _NAMES:
            actions.bind(f"view.{name}", partial(self.choose, name))
        actions.bind("view.cancel_umap", self.cancel)

    @property
    def has_umap(self) -> bool:
        """Whether UMAP of the open bundle can be shown or fitted."""
        bundle = self._session.bundle
        return self._is_installed or (
            bundle is not None and self._projections.get(bundle, "umap") is not None
        )

    @property
    def is_fitting(self) -> bool:
        """Whether UMAP is being fitted."""
        return self.client.is_busy

    def remembered(self, bundle: Bundle) -> ProjectionName:
        """Return how a bundle's map was last shown; PCA where that would have to be fitted anew."""
        name = self._settings.projections.get(bundle.sha256, "pca")
        return name if self._projections.get(bundle, name) is not None else "pca"

    def choose(self, name: ProjectionName) -> None:
        """Show a projection, or begin to fit it and show it then, unless another is chosen first.

        A fit goes on while another projection is looked at.
        """
        bundle = self._session.bundle
        if bundle is None:
            return
        self._notices.settle("umap")
        self._is_awaited = False
        if self._projections.get(bundle, name) is not None:
            self._settings.remember_projection(bundle.sha256, name)
            self._session.set_view(projection=name)
        else:
            self._is_awaited = True
            if not self.client.is_busy:
                self.client.fit(bundle)
                self._on_progress(Fitting(stage="starting"))
        # A click checks the button of what is not there yet, or unchecks that of what is shown.
        self._show()
        self.changed.emit()

    def cancel(self) -> None:
        """Give up the fit; the map stays as it is."""
        self.client.cancel()
        self._end()

    def close(self) -> None:
        """End the fit's process."""
        self.client.cancel()

    def _on_bundle(self) -> None:
        self.cancel()  # it was of another bundle
        self._notices.settle("umap")
        self._show()

    def _on_progress(self, fitting: Fitting) -> None:
        text = _WORDS.get(fitting.stage, f"Epoch {fitting.done} of {fitting.total}")
        self._bar.show_fitting(text, fitting.done, fitting.total)

    def _on_fitted(self) -> None:
        was_awaited = self._is_awaited
        self._end()
        bundle = self._session.bundle
        if bundle is None:
            return
        if self._projections.get(bundle, "umap") is None:
            self._on_failed("what was fitted cannot be read; see flatjam.log")
        elif was_awaited:
            self.choose("umap")

    def _on_failed(self, why: str) -> None:
        self._end()
        self._notices.show_notice(
            "umap",
            f"UMAP cannot be shown: {why}.",
            "The other projections work.",
            "warning",
            (Remedy("Try again", lambda: self.choose("umap")),),
        )

    def _end(self) -> None:
        self._is_awaited = False
        self._bar.show_fitting("")
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        for name in _NAMES:
            self._actions.set_checked(f"view.{name}", name == self._session.view.projection)
