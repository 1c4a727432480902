"""Puts the Jam tab together, once it is shown for the first time."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.actions import Actions
from app.explore.projections import Projections
from app.jam.jam_map_presenter import JamMapPresenter
from app.jam.jam_panel import JamPanel
from app.jam.jam_presenter import JamPresenter
from app.jam.jam_view import JamView
from app.services.engine_client import EngineClient
from app.services.model_client import ModelClient
from app.state.jam import JamModel
from app.state.session import Session
from app.widgets.notices import Notices


class JamTab(QObject):
    """The view and the presenters of the tab.

    Signals
    -------
    changed()
        Something changed that commands depend on.
    """

    changed = Signal()

    def __init__(
        self,
        session: Session,
        choices: JamModel,
        engine: EngineClient,
        model: ModelClient,
        projections: Projections,
        notices: Notices,
        actions: Actions,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self.view = JamView(actions)
        self.jam = JamPresenter(session, choices, self.view, engine, model, notices, self)
        self.map = JamMapPresenter(session, choices, self.view, engine.jam, projections, self)
        self.jam.began.connect(self.map.begin)
        self.jam.changed.connect(self.changed)
        panel = JamPanel(actions)
        panel.chosen.connect(lambda field, value: choices.choose(**{field: value}))
        choices.changed.connect(lambda _: panel.show_choices(choices.choices))
        panel.show_choices(choices.choices)
        self.view.panel.addWidget(panel)
        self.view.panel.addStretch(1)
