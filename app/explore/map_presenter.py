"""Ties the map to the session."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtWidgets import QMenu

from app.actions import Actions
from app.explore.colouring import coloured, schemes_of
from app.explore.describe import hover_text, landmark_anchor
from app.explore.explore_view import ExploreView
from app.explore.projections import Projections, Shown
from app.explore.route import drawn_anchor, drawn_line, drawn_position
from app.state.session import AnchorName, Session, new_gesture
from app.widgets.legend import Legend

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from app.widgets.latent_map import LatentMap
    from fmvae_core.models.bundle import Bundle


class MapPresenter(QObject):
    """Draws bundle, anchors and journey on the map, and turns clicks and drags into changes.

    Signals
    -------
    candidate_changed()
        Another landmark is under the pointer, or none.
    failed(str)
        The map cannot be drawn, why.
    drawn()
        Its first frame is on screen, or will never be.
    """

    candidate_changed = Signal()
    failed = Signal(str)
    drawn = Signal()

    def __init__(
        self,
        session: Session,
        view: ExploreView,
        actions: Actions,
        hear: Callable[[int], None],
        projections: Projections,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._view = view
        self._actions = actions
        self._hear = hear
        self._projections = projections
        self._map: LatentMap | None = None
        self._legend: Legend | None = None
        self._hovered = -1
        self._gesture = 0
        session.changed.connect(self._on_changed)
        session.view_changed.connect(self._on_view)
        session.bundle_changed.connect(self._on_bundle)
        box = view.map_bar.colour_by
        box.activated.connect(lambda index: session.set_view(colour_by=box.itemData(index)))

    @property
    def candidate(self) -> int | None:
        """The landmark that A and B would pin: the one under the pointer, else the one heard."""
        return self._hovered if self._hovered >= 0 else self._session.state.landmark

    def install(self) -> None:
        """Make the map and show on it what there is."""
        latent_map = self._view.install()
        self._map = latent_map
        self._legend = Legend()
        latent_map.add_overlay(self._legend, Qt.Corner.BottomLeftCorner)
        latent_map.landmark_clicked.connect(self._hear)
        latent_map.landmark_menu.connect(self._menu)
        latent_map.hovered.connect(self._on_hovered)
        latent_map.pin_requested.connect(lambda name, index: self.pin(name, index))
        latent_map.anchor_dropped.connect(lambda name, index: self.pin(name, index))
        latent_map.moving_drag_started.connect(self._start_drag)
        latent_map.moving_dragged.connect(self._drag)
        latent_map.gl_failed.connect(self.failed)
        self._on_bundle()
        if latent_map.canvas is not None and self._session.bundle is not None:
            latent_map.canvas.events.draw.connect(self._on_first_frame, position="last")
        else:
            QTimer.singleShot(0, self.drawn.emit)

    def pin(self, name: AnchorName, landmark: int | None = None) -> None:
        """Pin a landmark (by default the candidate) as an end of the journey."""
        bundle = self._session.bundle
        index = self.candidate if landmark is None or landmark < 0 else landmark
        if bundle is not None and index is not None:
            self._session.edit(f"Pin {name}", **{name.lower(): landmark_anchor(bundle, index)})

    def reset_view(self) -> None:
        """Turn and zoom the map back to where it began."""
        if self._map is not None:
            self._map.reset_view()

    def _on_first_frame(self, _event: object) -> None:
        if self._map is not None and self._map.canvas is not None:
            self._map.canvas.events.draw.disconnect(self._on_first_frame)
        self.drawn.emit()

    # --- from the map ---------------------------------------------------------------------------

    def _on_hovered(self, index: int) -> None:
        self._hovered = index
        self.candidate_changed.emit()

    def _menu(self, index: int, place: QPoint) -> None:
        menu = QMenu(self._map)
        menu.addAction("Hear it", lambda: self._hear(index))
        menu.addSeparator()
        menu.addAction("Pin as A", lambda: self.pin("A", index))
        menu.addAction("Pin as B", lambda: self.pin("B", index))
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(place)

    def _start_drag(self) -> None:
        self._gesture = new_gesture()

    def _drag(self, position: float) -> None:
        self._session.edit(
            "Move along the journey", self._gesture, position=position, landmark=None
        )

    # --- to the map -----------------------------------------------------------------------------

    def _on_bundle(self) -> None:
        bundle, latent_map = self._session.bundle, self._map
        self._hovered = -1
        if bundle is not None:
            music = bundle.representation
            self._view.map_bar.show_schemes(schemes_of(music.name, music.attribute_names))
        if latent_map is None or bundle is None:
            return
        latent_map.hover_text = lambda index: hover_text(bundle, index)
        self._project()

    def _on_view(self, fields: frozenset[str]) -> None:
        if "projection" in fields:
            self._project()
        elif "colour_by" in fields:
            self._colour()

    def _project(self) -> None:
        """Put everything where it lies in the projection that is shown, and say what that is."""
        bundle, latent_map = self._session.bundle, self._map
        if bundle is None or latent_map is None:
            return
        shown = self._shown(bundle)
        latent_map.set_axes(shown.axes, shown.directed)
        self._colour(shown.places)
        self._draw(frozenset({"a", "b", "landmark"}))
        latent_map.reset_view()
        self._view.map_bar.switch.show_note(shown.note, shown.about)

    def _shown(self, bundle: Bundle) -> Shown:
        name = self._session.view.projection
        shown = self._projections.get(bundle, name) or self._projections.get(bundle, "pca")
        assert shown is not None  # a bundle holds its principal components
        return shown

    def _on_changed(self, fields: frozenset[str]) -> None:
        self._draw(fields)

    def _draw(self, fields: frozenset[str]) -> None:
        state, bundle, latent_map = self._session.state, self._session.bundle, self._map
        if latent_map is None or bundle is None:
            return
        projection = self._shown(bundle).projection
        if fields & {"a", "b", "method"}:
            latent_map.set_anchor("A", drawn_anchor(state.a, projection))
            latent_map.set_anchor("B", drawn_anchor(state.b, projection))
            latent_map.set_line(drawn_line(state, projection))
        if fields & {"a", "b", "method", "position"}:
            latent_map.set_moving(drawn_position(state, projection))
        if "landmark" in fields:
            latent_map.set_current(state.landmark)
            self.candidate_changed.emit()

    def _colour(self, places: npt.NDArray[np.float32] | None = None) -> None:
        """Colour the landmarks, at new places where these are given."""
        bundle, latent_map, legend = self._session.bundle, self._map, self._legend
        box = self._view.map_bar.colour_by
        # What the last bundle was coloured by, this one may not have.
        box.setCurrentIndex(max(0, box.findData(self._session.view.colour_by)))
        scheme = box.currentData()
        if bundle is None or latent_map is None or legend is None:
            return
        marks, music = bundle.landmarks, bundle.representation
        styles = [marks.styles[index] for index in marks.style]
        names = music.attribute_names
        colours = coloured(scheme, music.name, names, marks.attributes, styles, legend)
        if places is not None:
            latent_map.set_landmarks(places, colours)
        else:
            latent_map.set_colours(colours)
