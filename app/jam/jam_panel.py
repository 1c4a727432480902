"""How the jam goes: start and stop, who plays when, the count-in, the click."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app.actions import Actions
from app.jam.panels import Choice, Tick, percent
from app.state.jam import JamChoices
from app.theme import named
from app.widgets.labelled_slider import Dial, LabelledSlider
from fmvae_core.jam.rules import Mode

_MODES = (
    (Mode.TRADE, "Trade: you, then the machine"),
    (Mode.MACHINE_FIRST, "Trade: the machine begins"),
    (Mode.CONTINUOUS, "Continuous: you never stop"),
    (Mode.HOLD, "Hold: it repeats its answer"),
)
_COUNT_INS = tuple((n, f"Count-in: {n} bar{'s' if n > 1 else ''}") for n in (1, 2, 4))


_CLICK_LEVEL = Dial(
    "Click's level",
    "",
    "",
    0.0,
    1.0,
    0.02,
    percent,
    "How loud the click is: in the count-in, after it, and of the metronome.",
    default=0.7,
)


class JamPanel(QWidget):
    """The first group of the panel.

    Signals
    -------
    chosen(str, object)
        A field of `JamChoices` and what the user wants there.
    """

    chosen = Signal(str, object)

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        start = named(QToolButton(), "bigButton")
        start.setDefaultAction(actions["jam.start_stop"])
        start.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        start.setIconSize(QSize(26, 26))
        start.setSizePolicy(
            start.sizePolicy().Policy.Expanding, start.sizePolicy().verticalPolicy()
        )
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(start, 1)
        for command in ("jam.keep", "jam.stage"):
            button = QToolButton()
            button.setDefaultAction(actions[command])
            button.setIconSize(QSize(22, 22))
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            row.addWidget(button)
        self.mode = Choice(_MODES, "Who plays when. It counts from the next turn on.")
        self.mode.setAccessibleName("Who plays when")
        self.mode.activated.connect(lambda: self.chosen.emit("mode", self.mode.currentData()))
        self.count_in = Choice(_COUNT_INS, "Clicks before the first turn.")
        self.count_in.setAccessibleName("Count-in")
        self.count_in.activated.connect(
            lambda: self.chosen.emit("count_in_bars", self.count_in.currentData())
        )
        self.click = Tick("Click", "Click on each beat after the count-in, too.")
        self.click.toggled.connect(lambda on: self.chosen.emit("click", on))
        timing = QHBoxLayout()
        timing.setSpacing(8)
        timing.addWidget(self.count_in, 1)
        timing.addWidget(self.click)
        self.click_level = LabelledSlider(_CLICK_LEVEL, "text")
        self.click_level.chosen.connect(lambda level: self.chosen.emit("click_level", level))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(row)
        layout.addWidget(self.mode)
        layout.addLayout(timing)
        layout.addWidget(self.click_level)

    def show_choices(self, choices: JamChoices) -> None:
        """Show what is chosen, without telling."""
        self.mode.show_choice(choices.mode)
        self.count_in.show_choice(choices.count_in_bars)
        self.click.show_choice(choices.click)
        self.click_level.show_value(choices.click_level)
