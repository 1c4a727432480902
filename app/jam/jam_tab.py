"""Puts the Jam tab together, once it is shown for the first time."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.actions import Actions
from app.explore.projections import Projections
from app.jam.broker_panel import BrokerPanel
from app.jam.broker_presenter import BrokerPresenter
from app.jam.controls_panel import ControlsPanel
from app.jam.jam_map_presenter import JamMapPresenter
from app.jam.jam_panel import JamPanel
from app.jam.jam_presenter import JamPresenter
from app.jam.jam_view import JamView
from app.jam.midi_panel import MidiPanel
from app.jam.midi_presenter import MidiPresenter
from app.jam.partner_panel import PartnerPanel
from app.jam.partner_presenter import PartnerPresenter
from app.jam.sound_panel import OutputsPanel, SamplerPanel
from app.jam.sound_presenter import SoundPresenter
from app.jam.steering_presenter import SteeringPresenter
from app.jam.sync_panel import SyncPanel
from app.services.engine_client import EngineClient
from app.services.model_client import ModelClient
from app.state.jam import JamModel
from app.state.session import Session
from app.umap_fit import UmapFit
from app.widgets.notices import Notices
from app.widgets.transport_bar import TransportBar
from fmvae_core.live.jam_messages import Player


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
        umap: UmapFit,
        bar: TransportBar,
        notices: Notices,
        actions: Actions,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self.view = JamView(actions)
        self.jam = JamPresenter(session, choices, self.view, engine, model, notices, self)
        self.map = JamMapPresenter(session, choices, self.view, engine.jam, projections, umap, self)
        self.map.changed.connect(self.changed)
        self.jam.began.connect(self.map.begin)
        self.jam.changed.connect(self.changed)
        self.panel = panel = JamPanel(actions)
        panel.chosen.connect(lambda field, value: choices.choose(**{field: value}))
        choices.changed.connect(lambda _: panel.show_choices(choices.choices))
        panel.show_choices(choices.choices)
        self.partner_panel = PartnerPanel()
        self.midi_panel = MidiPanel()
        self.sound_panels: dict[Player, SamplerPanel] = {
            "human": SamplerPanel("human"),
            "machine": SamplerPanel("machine"),
        }
        self.outputs_panel = OutputsPanel()
        self.broker_panel = BrokerPanel()
        self.partner = PartnerPresenter(
            session, choices, self.partner_panel, self.view, engine.jam, model, self
        )
        self.midi = MidiPresenter(choices, self.midi_panel, engine.jam, notices, self.view, self)
        self.sound = SoundPresenter(choices, self.sound_panels, self.outputs_panel, engine, self)
        self.controls_panel, self.sync_panel = ControlsPanel(), SyncPanel()
        self.steering = SteeringPresenter(
            session,
            choices,
            self.controls_panel,
            self.sync_panel,
            self.midi_panel,
            engine,
            bar,
            notices,
            self.view,
            self,
        )
        self.broker = BrokerPresenter(choices, self.broker_panel, model, self)
        for each in (
            panel,
            self.partner_panel,
            self.midi_panel,
            *self.sound_panels.values(),
            self.outputs_panel,
            self.controls_panel,
            self.sync_panel,
            self.broker_panel,
        ):
            self.view.panel.addWidget(each)
        self.view.panel.addStretch(1)
