"""How both players sound, and where they are heard."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel

from app.jam.panels import Choice, Panel, Tick, percent
from app.widgets.labelled_slider import Dial, LabelledSlider
from fmvae_core.live.fields import PAIRS, Output
from fmvae_core.live.jam_messages import Player
from fmvae_core.live.sound_messages import Outputs, SamplerState

_KITS = (
    (0, "Standard"),
    (8, "Room"),
    (16, "Power"),
    (24, "Electronic"),
    (25, "Analogue"),
    (32, "Jazz"),
    (40, "Brush"),
    (48, "Orchestra"),
)
_SIDES: tuple[tuple[Literal["both", "left", "right"], str], ...] = (
    ("both", "Both sides"),
    ("left", "Left only"),
    ("right", "Right only"),
)


def _place(pan: float) -> str:
    if abs(pan) < 0.01:
        return "middle"
    return f"{abs(pan):.0%} {'left' if pan < 0 else 'right'}"


_LEVEL = Dial("Level", "", "", 0.0, 1.0, 0.02, percent, "How loud this player is.", default=1.0)
_PAN = Dial("Place", "left", "right", -1.0, 1.0, 0.05, _place, "Where in the stereo picture.")
_REVERB = Dial("Reverb", "", "", 0.0, 1.0, 0.02, percent, "How much of it goes into the reverb.")
_FOLLOW = Dial(
    "Follow",
    "",
    "",
    0.0,
    1.0,
    0.05,
    percent,
    "How far the machine's level goes with how hard you played last.",
)


class SamplerPanel(Panel):
    """One player's sound.

    Signals
    -------
    chosen(str, object)
        A field of `SamplerState` and what the user wants there.
    """

    chosen = Signal(str, object)

    def __init__(self, player: Player) -> None:
        human = player == "human"
        super().__init__("Your sound" if human else "The machine's sound", is_open=False)
        self.sounds = Tick(
            "My kit has its own sound" if human else "Silent here",
            "Flatjam stays silent for what you play."
            if human
            else "For a machine that plays to a MIDI port alone.",
        )
        self.sounds.toggled.connect(lambda on: self.chosen.emit("sounds", not on))
        self.kit = Choice(_KITS, "The drum kit. A SoundFont without it plays its standard one.")
        self.kit.activated.connect(lambda: self.chosen.emit("kit", self.kit.currentData()))
        self.soundfont = Choice(about="Where this player's sounds come from.")
        self.soundfont.activated.connect(
            lambda: self.chosen.emit("soundfont", self.soundfont.currentData())
        )
        dials = {"level": _LEVEL, "pan": _PAN, "reverb": _REVERB}
        if not human:
            dials["follow"] = _FOLLOW
        self.sliders = {name: LabelledSlider(dial, player) for name, dial in dials.items()}
        self.body.addWidget(self.sounds)
        self.add_rows([("Kit", self.kit), ("SoundFont", self.soundfont)])
        for name, slider in self.sliders.items():
            slider.chosen.connect(lambda value, name=name: self.chosen.emit(name, value))
            self.body.addWidget(slider)

    def show_sampler(self, sampler: SamplerState, soundfonts: Sequence[str]) -> None:
        """Show what is chosen, without telling, and the SoundFonts that there are."""
        self.sounds.show_choice(not sampler.sounds)
        if self.kit.findData(sampler.kit) < 0:
            self.kit.addItem(f"Kit {sampler.kit + 1}", sampler.kit)
        self.kit.show_choice(sampler.kit)
        files = list(soundfonts)
        if sampler.soundfont and sampler.soundfont not in files:
            files.append(sampler.soundfont)
        self.soundfont.show_items(
            [("", "That of all"), *((file, Path(file).name) for file in files)]
        )
        self.soundfont.show_choice(sampler.soundfont or "")
        for name, slider in self.sliders.items():
            slider.show_value(getattr(sampler, name))


class OutputsPanel(Panel):
    """Where the click and the players are heard.

    Signals
    -------
    chosen(str, Output)
        ``click``, ``human`` or ``machine``, and where that is to be heard.
    """

    chosen = Signal(str, object)

    def __init__(self) -> None:
        super().__init__("Outputs", is_open=False)
        self.choices: dict[str, Choice] = {}
        self.note = QLabel("Only JACK has more than one pair of outputs (menu Play, Audio output).")
        self.note.setProperty("role", "small")
        self.note.setWordWrap(True)
        for part in ("click", "human", "machine"):
            choice = Choice(about="A pair of outputs, or one side of it, without pan and reverb.")
            choice.activated.connect(
                lambda _index, part=part, choice=choice: self.chosen.emit(
                    part, choice.currentData()
                )
            )
            self.choices[part] = choice
        titles = {"click": "Click", "human": "You", "machine": "Machine"}
        self.add_rows([(titles[part], choice) for part, choice in self.choices.items()])
        self.body.addWidget(self.note)

    def show_outputs(self, outputs: Outputs, has_pairs: bool) -> None:
        """Show what is chosen, without telling; more than one pair where there are several."""
        self.note.setVisible(not has_pairs)
        for part, choice in self.choices.items():
            chosen: Output = getattr(outputs, part)
            pairs = range(1, PAIRS + 1) if has_pairs else sorted({1, chosen.pair})
            choice.show_items(
                (
                    Output(pair=pair, side=side),
                    f"Pair {pair}: {words.lower()}" if has_pairs else words,
                )
                for pair in pairs
                for side, words in _SIDES
            )
            choice.setCurrentIndex(
                next(i for i in range(choice.count()) if choice.itemData(i) == chosen)
            )
