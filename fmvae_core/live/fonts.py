"""SoundFonts in FluidSynth: loading one, handing it to another synth, and freeing it.

To load a font takes seconds, in which a synth that sounds would stand still. So a synth of its own
loads it, and hands it over.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fmvae_core.live.levels import Loudness
from fmvae_core.live.library import Library, SoundError
from fmvae_core.live.messages import Problem

DRUM_BANK = 128


@dataclass(frozen=True)
class Font:
    """A SoundFont that a synth has loaded.

    Parameters
    ----------
    path
        Its file.
    handle, number
        FluidSynth's.
    loudness, gain
        How loud its notes are, and the gain that makes them as loud as they may be.
    """

    path: Path
    handle: Any
    number: int
    loudness: Loudness = field(default_factory=lambda: Loudness({}, {}))
    gain: float = 0.0


def load_font(library: Library, fluid: Any, path: Path) -> Font:
    """Load a font into a synth of pyfluidsynth's; how loud it is remains to be measured.

    Raises
    ------
    SoundError
        If the file is no SoundFont with a drum kit.
    """
    number = fluid.sfload(str(path)) if path.is_file() else -1
    if number == -1:
        raise bad_soundfont(path, "is not a SoundFont that FluidSynth can read")
    if fluid.program_select(0, number, DRUM_BANK, 0) != 0:
        raise bad_soundfont(path, "has no drum kit")
    return Font(path, library.find_font(fluid.synth, number), number)


def move_font(library: Library, font: Font, giver: Any, taker: Any) -> Font:
    """Hand a font from one synth to another; return it as the taker knows it."""
    library.remove_font(giver.synth, font.handle)
    return replace(font, number=library.add_font(taker.synth, font.handle))


def let_go(library: Library, font: Font) -> None:
    """Free a font that no synth has any more, on a thread that waits until nothing plays it."""

    def free() -> None:
        fluid = library.fluidsynth.Synth(channels=16)
        fluid.sfunload(library.add_font(fluid.synth, font.handle))
        fluid.delete()

    threading.Thread(target=free, name="font-free", daemon=True).start()


def bad_soundfont(path: Path, why: str) -> SoundError:
    """Return the error to raise where a file cannot be used."""
    what = why if path.is_file() else "does not exist"
    return SoundError(
        Problem(
            code="bad_soundfont",
            text=f"{path} {what}.",
            remedy="Choose another .sf2 or .sf3 file that has General MIDI drums.",
        )
    )
