"""How the machine answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel

from app.explore.scales import SCALES
from app.jam.panels import Choice, Panel, Tick
from app.state.jam import JamChoices
from app.widgets.attribute_slider import Scale
from app.widgets.labelled_slider import Dial, LabelledSlider
from fmvae_core.jam.messages import LONGEST_MOMENTUM, MOST_CHANGED_HITS

_ADVENTURE = Dial(
    "Adventure",
    "close",
    "far",
    0.0,
    MOST_CHANGED_HITS,
    0.5,
    lambda hits: f"{hits:g} hits changed",
    "In how many hits, on average, an answer differs from what it starts from: your phrase, "
    "moved by all that is set below.",
    default=6.0,
)
_PULL = Dial(
    "Pull",
    "none",
    "all the way",
    0.0,
    1.0,
    0.05,
    lambda share: f"{share:.0%} of the way" if share else "off",
    "How far the answers move from your phrase towards what is chosen above.",
)
_MOMENTUM = Dial(
    "Momentum",
    "none",
    "ahead",
    0.0,
    LONGEST_MOMENTUM,
    0.1,
    lambda steps: f"{steps:.1f} × your last step" if steps else "off",
    "The machine goes on in the direction in which your phrases move over the map.",
)


def _dial(scale: Scale) -> Dial:
    return Dial(
        scale.title,
        scale.less,
        scale.more,
        -scale.reach,
        scale.reach,
        scale.step,
        lambda change: scale.text(change, signed=True) if change else "as it comes",
        f"Ask for answers that are {scale.less} or {scale.more} than your phrase, as far as the "
        "model can.",
    )


class PartnerPanel(Panel):
    """Sliders of the partner.

    Signals
    -------
    chosen(str, object)
        A field of `JamChoices` and what the user wants there.
    ask_chosen(str, float)
        An attribute, and the change that is asked.
    """

    chosen = Signal(str, object)
    ask_chosen = Signal(str, float)

    def __init__(self) -> None:
        super().__init__("The machine's answers")
        self.adventure = LabelledSlider(_ADVENTURE)
        self.adventure.chosen.connect(lambda value: self.chosen.emit("adventure", value))
        self.pull_to = Choice(about="Where the answers are pulled to. Click a point of the map.")
        self.pull_to.activated.connect(
            lambda: self.chosen.emit("pull_to", self.pull_to.currentData())
        )
        self.pull = LabelledSlider(_PULL)
        self.pull.chosen.connect(lambda value: self.chosen.emit("pull", value))
        self.asks: dict[str, LabelledSlider] = {}
        for name, scale in (SCALES["melody"] | SCALES["drums"]).items():
            slider = LabelledSlider(_dial(scale))
            slider.chosen.connect(lambda value, name=name: self.ask_chosen.emit(name, value))
            self.asks[name] = slider
        self.momentum = LabelledSlider(_MOMENTUM)
        self.momentum.chosen.connect(lambda value: self.chosen.emit("momentum", value))
        self.no_repeat = Tick(
            "Never the same twice", "An answer differs from the machine's last ones."
        )
        self.no_repeat.toggled.connect(lambda on: self.chosen.emit("no_repeat", on))
        small = QLabel("Ask for a change")
        small.setProperty("role", "small")
        self.body.addWidget(self.adventure)
        self.add_rows([("Pull to", self.pull_to)])
        self.body.addWidget(self.pull)
        self.body.addWidget(small)
        for slider in self.asks.values():
            self.body.addWidget(slider)
        self.body.addWidget(self.momentum)
        self.body.addWidget(self.no_repeat)

    def show_choices(self, choices: JamChoices) -> None:
        """Show what is chosen, without telling."""
        self.adventure.show_value(choices.adventure)
        self.pull.show_value(choices.pull)
        self.pull_to.show_choice(choices.pull_to)
        self.momentum.show_value(choices.momentum)
        self.no_repeat.show_choice(choices.no_repeat)
        for name, slider in self.asks.items():
            slider.show_value(choices.asks.get(name, 0.0))

    def show_scales(self, scales: Mapping[str, Scale], onsets: str) -> None:
        """Show changes on other scales: milliseconds depend on the tempo.

        Parameters
        ----------
        scales
            Of the attributes that the model has; the others are not shown.
        onsets
            What changes in an answer: hits or notes.
        """
        self.adventure.set_dial(replace(_ADVENTURE, text=lambda n: f"{n:g} {onsets} changed"))
        for name, slider in self.asks.items():
            slider.setVisible(name in scales)
            if name in scales:
                slider.set_dial(_dial(scales[name]))
