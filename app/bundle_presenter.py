"""Opens bundles, and begins the journey over the map of each."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from app.explore.describe import landmark_anchor, opening_landmarks
from app.explore.projection_presenter import ProjectionPresenter
from app.model_presenter import ModelPresenter
from app.models_menu import model_entries
from app.state.session import Anchor, Session
from app.state.settings import Settings
from app.widgets.notices import Remedy
from app.window import MainWindow
from fmvae_core.models.bundle import Bundle, BundleError


class BundlePresenter(QObject):
    """Ties the bundle that is open to the session, the model worker and the map."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        window: MainWindow,
        worker: ModelPresenter,
        projection: ProjectionPresenter,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._window = window
        self._worker = worker
        self._projection = projection
        window.actions_table.bind("file.open_bundle", self.choose)
        window.transport.bundle_chosen.connect(lambda path: self.open(Path(path)))

    def open(self, path: Path) -> None:
        """Open a bundle; where it cannot be, what was open stays open."""
        notices, bar = self._window.notices, self._window.transport
        try:
            bundle = Bundle.open(path)
        except BundleError as error:
            notices.show_notice(
                "bundle",
                "The model cannot be opened.",
                str(error),
                "error",
                (Remedy("Open bundle…", self._window.actions_table["file.open_bundle"].trigger),),
            )
            if self._session.bundle is None:
                bar.worker.show_status("bad", "missing", str(error))
            return
        notices.settle("bundle")
        self._settings.remember_bundle(path)
        models = model_entries(self._settings.recent_bundles)
        here = path.resolve()
        bar.show_models(models, next((m for m in models if m.path.resolve() == here), None))
        self._session.open_bundle(bundle, self._projection.remembered(bundle))
        self._worker.load(path)
        self._begin_journey(bundle)
        self.show_map()

    def choose(self) -> None:
        """Ask for a bundle's folder, and open it."""
        bundle = self._session.bundle
        folder = str(bundle.path.parent if bundle else Path.home())
        chosen = QFileDialog.getExistingDirectory(
            self._window, "Open bundle: choose its folder", folder
        )
        if chosen:
            self.open(Path(chosen))

    def show_map(self) -> None:
        """Show the map, or why there is none."""
        if self._session.bundle is not None:
            self._window.explore.show_map()
        else:
            self._window.explore.show_instead_of_map(
                "There is no map yet, because no model is open.\n\nOpen a bundle with Ctrl+O."
            )

    def _begin_journey(self, bundle: Bundle) -> None:
        saved = self._settings.journeys.get(bundle.sha256)
        fits = saved is not None and all(
            len(end.z) == bundle.latent_dim
            and (end.landmark is None or end.landmark < len(bundle.landmarks))
            for end in (saved.a, saved.b)
        )
        if saved is not None and fits:
            a, b = (Anchor(end.z, end.label, end.landmark) for end in (saved.a, saved.b))
            instrument = bundle.instrument if saved.instrument is None else saved.instrument
            self._session.restore(
                {"a": a, "b": b, "position": saved.position, "instrument": instrument}
            )
            return
        first, last = opening_landmarks(bundle)
        a, b = landmark_anchor(bundle, first), landmark_anchor(bundle, last)
        fields: dict[str, object] = {
            "a": a,
            "b": b,
            "position": 0.0,
            "instrument": bundle.instrument,
        }
        if self._settings.tempo is None:
            tempi = bundle.landmarks.tempo
            fields["tempo"] = float(round((tempi[first] + tempi[last]) / 2))
        self._session.restore(fields)
