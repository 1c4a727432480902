"""Ties the sliders of the partner to the choices, and the choices to the engine."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject

from app.explore.describe import short_label
from app.explore.scales import SCALES, scale_at
from app.jam.jam_view import JamView
from app.jam.partner_panel import PartnerPanel
from app.services.jam_client import JamClient
from app.services.model_client import ModelClient
from app.state.jam import JamModel
from app.state.session import Session
from fmvae_core.jam.anchors import STYLE, style_anchors
from fmvae_core.jam.messages import NamedAnchor, Partner, Point
from fmvae_core.models.bundle import Bundle

_LANDMARK = "landmark:"
_MOST_STYLES = 12
_FIRST_PULL = 0.5  # where a landmark is picked while nothing pulls yet


class PartnerPresenter(QObject):
    """Tells the engine how the machine is to answer, at each change."""

    def __init__(
        self,
        session: Session,
        choices: JamModel,
        panel: PartnerPanel,
        view: JamView,
        jam: JamClient,
        model: ModelClient,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._choices = choices
        self._panel = panel
        self._view = view
        self._jam = jam
        self._model = model
        self._sent: Partner | None = None
        self._sent_anchors: tuple[NamedAnchor, ...] | None = None
        panel.chosen.connect(lambda field, value: choices.choose(**{field: value}))
        panel.ask_chosen.connect(self._ask)
        choices.changed.connect(self._on_choices)
        session.changed.connect(self._on_session)
        session.bundle_changed.connect(self._on_bundle)
        model.adventure_measured.connect(lambda _: self._show())
        view.map.landmark_clicked.connect(self._pull_to_landmark)
        self._styles: tuple[NamedAnchor, ...] = ()
        self._find_styles()
        self._show_scales()
        self._show_targets()
        self._show()

    @property
    def _plays(self) -> str:
        bundle = self._session.bundle
        return "drums" if bundle is None else bundle.representation.name

    # --- what the user does ---------------------------------------------------------------------

    def _ask(self, name: str, value: float) -> None:
        asks = {**self._choices.choices.asks, name: value}
        # An ask of 0 would hold the attribute; what is left out goes its own way.
        self._choices.choose(asks={asked: change for asked, change in asks.items() if change})

    def _pull_to_landmark(self, index: int) -> None:
        choices = self._choices.choices
        self._choices.choose(pull_to=f"{_LANDMARK}{index}", pull=choices.pull or _FIRST_PULL)

    # --- what changes ---------------------------------------------------------------------------

    def _on_bundle(self) -> None:
        if self._choices.choices.pull_to.startswith(_LANDMARK):  # it was one of another map
            self._choices.choose(pull_to="A", pull=0.0)
        self._find_styles()
        self._show_scales()
        self._show_targets()
        self._show()

    def _find_styles(self) -> None:
        bundle = self._session.bundle
        self._styles = () if bundle is None else style_anchors(bundle.landmarks)[:_MOST_STYLES]

    def _on_choices(self, fields: frozenset[str]) -> None:
        if "pull_to" in fields:
            self._show_targets()
        self._show()

    def _on_session(self, fields: frozenset[str]) -> None:
        if "tempo" in fields:
            self._show_scales()
        if fields & {"a", "b"}:
            self._show_targets()
            self._show()

    # --- what is shown and sent -----------------------------------------------------------------

    def _show_scales(self) -> None:
        tempo = self._session.state.tempo
        scales = {name: scale_at(scale, tempo) for name, scale in SCALES[self._plays].items()}
        self._panel.show_scales(scales, "hits" if self._plays == "drums" else "notes")

    def _show_targets(self) -> None:
        state, bundle = self._session.state, self._session.bundle
        items = [("A", f"A: {state.a.label}" if state.a else "A of the Explore tab")]
        items += [("B", f"B: {state.b.label}" if state.b else "B of the Explore tab")]
        chosen = self._choices.choices.pull_to
        if bundle is not None:
            index = _number(chosen, len(bundle.landmarks))
            if index is not None:
                items.append((chosen, short_label(bundle, index)))
        items += [(each.name, f"Style: {each.name.removeprefix(STYLE)}") for each in self._styles]
        self._panel.pull_to.show_items(items)
        self._panel.pull_to.show_choice(chosen)

    def _show(self) -> None:
        choices, bundle = self._choices.choices, self._session.bundle
        anchor = None if bundle is None else self._target(bundle)
        self._panel.show_choices(choices)
        scale, note = self._model.adventure, ""
        if bundle is not None and scale is not None and scale.bundle == bundle.sha256:
            note = f"(σ {float(np.interp(choices.adventure, scale.hits, scale.sigmas)):.2f})"
        self._panel.adventure.show_note(note)
        self._panel.pull.set_disabled_because(
            None if anchor is not None else "pin A or B in the Explore tab, or click a point here"
        )
        partner = Partner(
            adventure=choices.adventure,
            anchor=anchor,
            pull=0.0 if anchor is None else choices.pull,
            # What was asked of drums means nothing to a melody.
            asks={name: ask for name, ask in choices.asks.items() if name in SCALES[self._plays]},
            momentum=choices.momentum,
            no_repeat=choices.no_repeat,
        )
        anchors = () if bundle is None else self._anchors(bundle)
        if anchors != self._sent_anchors:
            self._sent_anchors = anchors
            self._jam.set_jam(anchors=anchors)
        if partner != self._sent:
            self._sent = partner
            self._jam.set_jam(partner=partner)
        self._mark(bundle)

    def _target(self, bundle: Bundle) -> Point | None:
        """Return the point that the answers are pulled to, if there is one."""
        chosen = self._choices.choices.pull_to
        return next((each.z for each in self._anchors(bundle) if each.name == chosen), None)

    def _anchors(self, bundle: Bundle) -> tuple[NamedAnchor, ...]:
        """Return the points of the list that are there, by their keys in it."""
        state, marks = self._session.state, bundle.landmarks
        anchors = [
            NamedAnchor(name=name, z=anchor.z)
            for name, anchor in (("A", state.a), ("B", state.b))
            if anchor is not None
        ]
        chosen = self._choices.choices.pull_to
        index = _number(chosen, len(marks))
        if index is not None:
            z = tuple(marks.z[index].astype(float).tolist())
            anchors.append(NamedAnchor(name=chosen, z=z))
        return (*anchors, *self._styles)

    def _mark(self, bundle: Bundle | None) -> None:
        """Mark on the map the landmark that pulls."""
        if bundle is None or not self._view.map.total_count:
            return
        choices = self._choices.choices
        index = _number(choices.pull_to, len(bundle.landmarks))
        self._view.map.set_current(index if choices.pull else None)


def _number(chosen: str, count: int) -> int | None:
    """Return the landmark that a choice names, if there is such a one."""
    text = chosen.removeprefix(_LANDMARK)
    if not chosen.startswith(_LANDMARK) or not text.isdigit():
        return None
    return int(text) if int(text) < count else None
