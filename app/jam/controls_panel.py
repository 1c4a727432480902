"""Which pads, pedals and knobs of the user's do what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QToolButton

from app.actions import icon
from app.jam.panels import Panel, Tick
from app.theme import named
from fmvae_core.live.control_messages import SWITCHES, Assignment, Setting, Target

_TITLES: dict[Target, str] = {
    "start_stop": "Start and stop",
    "tap": "Tap the tempo",
    "keep": "Keep",
    "anchor": "Pull to the next",
    "adventure": "Adventure",
    "pull": "Pull",
    "momentum": "Momentum",
    "no_repeat": "Never the same twice",
    "ask:density": "Density",
    "ask:velocity": "Velocity",
    "ask:offset": "Offset",
    "tempo": "Tempo",
    "level:human": "Your level",
    "level:machine": "The machine's level",
    "level:click": "The click's level",
    "level:master": "Volume",
}


def _told(assignment: Assignment) -> str:
    kind = "Note" if assignment.control.type == "note" else "CC"
    return f"{kind} {assignment.control.number}" + (" in steps" if assignment.is_relative else "")


class ControlsPanel(Panel):
    """A row for each thing that a control can do.

    Signals
    -------
    learn_asked(str, bool)
        The next control that is moved is to do this (empty: wait no more); whether it sends steps.
    forget_asked(str)
        No control is to do this any more.
    """

    learn_asked = Signal(str, bool)
    forget_asked = Signal(str)

    def __init__(self) -> None:
        super().__init__("Pads, pedals and knobs", is_open=False)
        self.learning: Target | None = None
        self.steps = Tick(
            "The next knob is endless", "For knobs that send steps instead of their place."
        )
        self.values: dict[Target, QLabel] = {}
        self.learn: dict[Target, QToolButton] = {}
        self.forget: dict[Target, QToolButton] = {}
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(0, 1)
        for row, (target, title) in enumerate(_TITLES.items()):
            value = QLabel("–")
            value.setProperty("role", "small")
            learn = QToolButton()
            learn.setText("Learn")
            learn.setCheckable(True)
            learn.setAccessibleName(f"Learn the control of: {title}")
            what = "a pad, a pedal or a knob" if target in SWITCHES else "a knob or a fader"
            learn.setToolTip(f"Then move {what}: it is the one for this from now on.")
            learn.clicked.connect(
                lambda on, target=target: self.learn_asked.emit(
                    target if on else "", self.steps.isChecked()
                )
            )
            forget = named(QToolButton(), "flat")
            forget.setIcon(icon("mdi6.close", "dim"))
            forget.setAccessibleName(f"No control for: {title}")
            forget.setToolTip("Let no control do this any more.")
            forget.clicked.connect(lambda _on, target=target: self.forget_asked.emit(target))
            forget.hide()
            for column, widget in enumerate((QLabel(title), value, learn, forget)):
                grid.addWidget(widget, row, column)
            self.values[target], self.learn[target] = value, learn
            self.forget[target] = forget
        self.body.addLayout(grid)
        self.body.addWidget(self.steps)

    def show_controls(self, controls: Mapping[Target, Assignment], learning: Target | None) -> None:
        """Show which control does what, and for which target one is waited for."""
        self.learning = learning
        for target, value in self.values.items():
            assignment = controls.get(target)
            value.setText("–" if assignment is None else _told(assignment))
            self.learn[target].setChecked(target == learning)
            self.learn[target].setText("Move it…" if target == learning else "Learn")
            self.forget[target].setVisible(assignment is not None)


assert set(_TITLES) == SWITCHES | set(get_args(Setting))
