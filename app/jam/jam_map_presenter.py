"""Draws both players' ways over the map, and how far apart they are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, Signal

from app.explore.describe import hover_text
from app.explore.projections import Projections, Shown
from app.explore.scales import SCALES
from app.jam.jam_view import JamView
from app.services.jam_client import JamClient
from app.state.jam import JamModel
from app.state.session import ProjectionName, Session
from app.umap_fit import UmapFit
from app.widgets.colours import colours_for
from fmvae_core.jam.messages import Point
from fmvae_core.jam.rules import How
from fmvae_core.live.jam_messages import HumanHeard, MachinePhrase
from fmvae_core.models.bundle import Bundle

_SHOWN = 500  # points of each player


class JamMapPresenter(QObject):
    """Keeps where both players have been in this take, and shows it in the chosen projection.

    Signals
    -------
    changed()
        Another projection is shown, or was chosen and is fitted first.
    """

    changed = Signal()

    def __init__(
        self,
        session: Session,
        choices: JamModel,
        view: JamView,
        jam: JamClient,
        projections: Projections,
        umap: UmapFit,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._choices = choices
        self._view = view
        self._projections = projections
        self._umap = umap
        self._human: dict[int, Point] = {}  # by turn
        self._machine: dict[int, Point] = {}
        session.bundle_changed.connect(self._on_bundle)
        session.view_changed.connect(self._on_view)
        choices.changed.connect(self._on_choices)
        jam.human_heard.connect(self._on_heard)
        jam.machine_phrase.connect(self._on_machine)
        umap.progressed.connect(view.show_fitting)
        umap.fitted.connect(self._on_fitted)
        self._on_bundle()

    def begin(self) -> None:
        """Forget where the players were: another take begins."""
        self._human, self._machine = {}, {}
        self._draw()

    @property
    def shown(self) -> ProjectionName:
        """What is shown: the projection that is chosen, or one in its place until it is fitted."""
        bundle = self._session.bundle
        name = self._choices.choices.projection
        return name if bundle is None else self._shown(bundle)[0]

    def choose(self, name: ProjectionName) -> None:
        """Show a projection, or begin to fit it and show it then, unless another is chosen first.

        The jam goes on meanwhile: the fit is a process of low priority.
        """
        bundle = self._session.bundle
        if bundle is None:
            return
        if self._projections.get(bundle, name) is None:
            self._umap.begin(self, lambda: self.choose(name))
        else:
            self._umap.forget(self)
            self._choices.choose(projection=name)
        self.changed.emit()

    # --- what happens ---------------------------------------------------------------------------

    def _on_heard(self, heard: HumanHeard) -> None:
        if self._fits(heard.z):
            self._human[heard.turn] = heard.z
            self._draw()

    def _on_machine(self, message: MachinePhrase) -> None:
        is_new = message.how in (How.FINAL, How.PREPARED)
        if is_new and message.z_machine is not None and self._fits(message.z_machine):
            self._machine[message.turn] = message.z_machine
            self._draw()

    def _fits(self, z: Point) -> bool:
        bundle = self._session.bundle
        return bundle is not None and len(z) == bundle.latent_dim

    def _on_bundle(self) -> None:
        self._human, self._machine = {}, {}
        bundle = self._session.bundle
        if bundle is not None:
            self._view.map.hover_text = lambda index: hover_text(bundle, index)
        self._project()

    def _on_view(self, fields: frozenset[str]) -> None:
        bundle = self._session.bundle
        if "colour_by" in fields and bundle is not None and self._view.map.total_count:
            self._view.map.set_colours(self._colours(bundle))

    def _on_choices(self, fields: frozenset[str]) -> None:
        if "projection" in fields:
            self._project()

    def _on_fitted(self) -> None:
        if self._choices.choices.projection == "umap":  # chosen long ago; `choose` comes after this
            self._project()
            self.changed.emit()

    # --- what is drawn --------------------------------------------------------------------------

    def _project(self) -> None:
        bundle = self._session.bundle
        if bundle is None:
            return
        _, shown = self._shown(bundle)
        self._view.switch.show_note(shown.note, shown.about)
        self._view.map.set_axes(shown.axes, shown.directed)
        self._view.map.set_landmarks(shown.places, self._colours(bundle))
        self._view.map.reset_view()
        self._draw()

    def _shown(self, bundle: Bundle) -> tuple[ProjectionName, Shown]:
        name = self._choices.choices.projection
        shown = self._projections.get(bundle, name)
        if shown is None:
            name, shown = "attributes", self._projections.get(bundle, "attributes")
        assert shown is not None  # only UMAP has to be fitted
        return name, shown

    def _colours(self, bundle: Bundle) -> npt.NDArray[np.float32]:
        """Return the colours that the map of the Explore tab has, too."""
        marks, scheme = bundle.landmarks, self._session.view.colour_by
        names = bundle.representation.attribute_names
        if scheme == "style" or scheme not in names:
            return colours_for([marks.styles[index] for index in marks.style], "style")
        values = marks.attributes[:, names.index(scheme)].astype(float)
        return colours_for(values * SCALES[bundle.representation.name][scheme].factor, scheme)

    def _draw(self) -> None:
        bundle = self._session.bundle
        if bundle is None:
            return
        human, machine = list(self._human)[-_SHOWN:], list(self._machine)[-_SHOWN:]
        answers = [
            (human.index(turn - 1), at) for at, turn in enumerate(machine) if turn - 1 in human
        ]
        _, shown = self._shown(bundle)
        places = [
            shown.projection.project(np.asarray([way[turn] for turn in turns], np.float32))
            if turns
            else np.zeros((0, 3), np.float32)
            for way, turns in ((self._human, human), (self._machine, machine))
        ]
        self._view.map.set_trajectories(places[0], places[1], answers)
        self._view.map.set_quiet(bool(human or machine))
        self._view.distance.set_distances(
            [
                float(np.linalg.norm(np.subtract(self._human[human[i]], self._machine[machine[k]])))
                for i, k in answers
            ]
        )
