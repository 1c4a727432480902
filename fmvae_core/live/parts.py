"""The synth's five parts: what each sounds like, on which MIDI channel it plays, and where to.

FluidSynth sends MIDI channel n to pair of outputs n modulo the number of pairs. So each part has a
channel for each pair, and moves to another channel when it is to be heard elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from fmvae_core.live.fields import PAIRS, Output
from fmvae_core.live.fonts import DRUM_BANK, Font
from fmvae_core.live.levels import Loudness
from fmvae_core.live.library import Library
from fmvae_core.live.voices import (
    CLICK_CHANNEL,
    DRUM_CHANNEL,
    HUMAN_CHANNEL,
    KEYS_CHANNEL,
    MELODY_CHANNEL,
)

PARTS = (MELODY_CHANNEL, HUMAN_CHANNEL, DRUM_CHANNEL, CLICK_CHANNEL, KEYS_CHANNEL)
CHANNELS = 32
"""What FluidSynth has: a multiple of 16, and enough for all parts on all pairs."""

_MELODIC = (MELODY_CHANNEL, KEYS_CHANNEL)
_FIRST = {part: PAIRS * place for place, part in enumerate(PARTS)}
_VOLUME, _PAN, _EXPRESSION = 7, 10, 11  # MIDI controllers
_REVERB_GENERATOR, _PAN_GENERATOR = 16, 17  # of SoundFonts; ours adds to that of the font
_HARD = {"left": -1000.0, "both": 0.0, "right": 1000.0}  # per mille; more than a font can undo
_DRY, _WET = -1000.0, 400.0  # per mille of a sound that go into the reverb
_CENTRE = 64
_FULL_VOLUME = 100  # MIDI's default, and our loudest
_ONE_SIDE = 0.5  # amplitude of what is on one side alone, where both halves of a sound add up


@dataclass(frozen=True)
class Part:
    """How a part sounds: font and program, level and reverb (0 to 1), pan (-1 to 1), output."""

    font: Font
    bank: int
    program: int = 0
    level: float = 1.0
    pan: float = 0.0
    reverb: float = 0.0
    output: Output = field(default_factory=Output)


class Parts:
    """Sets up the channels of a synth. Not locked: the synth, which owns it, is.

    Parameters
    ----------
    library, fluid
        The library and pyfluidsynth's synth.
    font
        What all parts play.
    """

    def __init__(self, library: Library, fluid: Any, font: Font) -> None:
        self._library = library
        self._fluid = fluid
        self._pairs = 1
        self._lacking: set[tuple[int, int, int]] = set()  # fonts' numbers, banks and programs
        self._parts = {part: Part(font, 0 if part in _MELODIC else DRUM_BANK) for part in PARTS}

    def __getitem__(self, part: int) -> Part:
        return self._parts[part]

    @property
    def fonts(self) -> tuple[Font, ...]:
        """The fonts that are played, each once."""
        return tuple({part.font.number: part.font for part in self._parts.values()}.values())

    @property
    def gain(self) -> float:
        """The synth's gain at full volume."""
        return max(font.gain for font in self.fonts)

    @property
    def pairs(self) -> int:
        """How many pairs of outputs there are."""
        return self._pairs

    def set_pairs(self, pairs: int) -> None:
        """Play to as many pairs of outputs."""
        self._pairs = pairs
        self.set_up()

    def channel(self, part: int) -> int:
        """Return the MIDI channel that a part plays on."""
        return _FIRST[part] + (self._parts[part].output.pair - 1) % self._pairs

    def meet(self, one: int, other: int) -> bool:
        """Return whether two parts are heard in the same place, at least in part."""
        pairs = {(self._parts[part].output.pair - 1) % self._pairs for part in (one, other)}
        sides = {self._parts[part].output.side for part in (one, other)}
        return len(pairs) == 1 and sides != {"left", "right"}

    @property
    def loudness(self) -> Loudness:
        """How loud notes are, but for the human's."""
        return Loudness.joined(
            {
                part: (self._parts[part].font.loudness, self._balance(part))
                for part in PARTS
                if part not in (HUMAN_CHANNEL, KEYS_CHANNEL)
            }
        )

    def change(self, part: int, **wanted: Any) -> None:
        """Change fields of a `Part` but for its font and program."""
        before = self.channel(part)
        self._parts[part] = replace(self._parts[part], **wanted)
        if self.channel(part) != before:
            self._fluid.all_notes_off(before)
        self._set_up(part)

    def choose(self, part: int, program: int) -> bool:
        """Play another program; return False, and keep the one before, if the font lacks it."""
        is_there = self._select(part, program)
        if is_there:
            self._parts[part] = replace(self._parts[part], program=program)
        return is_there

    def play_font(self, parts: Iterable[int], font: Font) -> None:
        """Let parts play a font; a program that it lacks becomes its first."""
        for part in parts:
            self._parts[part] = replace(self._parts[part], font=font)
            if not self._select(part, self._parts[part].program):
                self._parts[part] = replace(self._parts[part], program=0)
        self.set_up()

    def set_up(self) -> None:
        """Set up all channels that are played on, whatever became of them."""
        for part in PARTS:
            self._set_up(part)

    def _set_up(self, part: int) -> None:
        wanted, channel, fluid = self._parts[part], self.channel(part), self._fluid
        side = wanted.output.side
        if not self._select(part, wanted.program):
            fluid.program_unset(channel)  # else it would play that of another font
        fluid.cc(channel, _VOLUME, round(_FULL_VOLUME * wanted.level))
        pan = wanted.pan if side == "both" else 0.0
        fluid.cc(channel, _PAN, min(127, round(_CENTRE * (1.0 + pan))))
        fluid.cc(channel, _EXPRESSION, round(127 * math.sqrt(self._balance(part))))
        # A reverb is heard on both sides.
        reverb = _WET * wanted.reverb if wanted.reverb and side == "both" else _DRY
        for generator, offset in ((_REVERB_GENERATOR, reverb), (_PAN_GENERATOR, _HARD[side])):
            self._library.offset_generator(fluid.synth, channel, generator, offset)

    def _select(self, part: int, program: int) -> bool:
        wanted = self._parts[part]
        preset = wanted.font.number, wanted.bank, program
        if preset in self._lacking:  # FluidSynth would complain each time
            return False
        if self._fluid.program_select(self.channel(part), *preset) != 0:
            self._lacking.add(preset)
            return False
        return True

    def _balance(self, part: int) -> float:
        """Return by which amplitude a part is to be turned down: its font may be a loud one."""
        wanted = self._parts[part]
        side = 1.0 if wanted.output.side == "both" else _ONE_SIDE
        return side * wanted.font.gain / self.gain if self.gain else side
