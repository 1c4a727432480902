"""Ties the choice of the map's projection to the session."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.explore.projections import Projections
from app.state.session import ProjectionName, Session
from app.state.settings import Settings
from app.umap_fit import UmapFit
from app.widgets.notices import Notices
from fmvae_core.models.bundle import Bundle


class ProjectionPresenter(QObject):
    """Shows the projection that is chosen, at once where it is there and else once it is fitted.

    Signals
    -------
    changed()
        Something was chosen, whether or not it is shown yet.
    """

    changed = Signal()

    def __init__(
        self,
        session: Session,
        settings: Settings,
        notices: Notices,
        projections: Projections,
        umap: UmapFit,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._notices = notices
        self._projections = projections
        self._umap = umap

    @property
    def shown(self) -> ProjectionName:
        """What is shown."""
        return self._session.view.projection

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
        if self._projections.get(bundle, name) is None:
            self._umap.begin(self, lambda: self.choose(name))
        else:
            self._umap.forget(self)
            self._settings.remember_projection(bundle.sha256, name)
            self._session.set_view(projection=name)
        self.changed.emit()
