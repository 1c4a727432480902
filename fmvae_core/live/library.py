"""The FluidSynth library: pyfluidsynth, loaded when first needed, and the calls that it lacks."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stdout
from ctypes import CFUNCTYPE, c_char_p, c_float, c_int, c_short, c_void_p
from functools import cache
from typing import Any

from fmvae_core.live.messages import Problem

_REMEDIES = {
    "linux": "Install it: 'sudo apt install libfluidsynth3' on Debian and Ubuntu, "
    "'sudo dnf install fluidsynth-libs' on Fedora, 'sudo pacman -S fluidsynth' on Arch. "
    "Then restart Flatjam.",
    "darwin": "Install it with Homebrew: 'brew install fluid-synth'. Then restart Flatjam.",
    "win32": "Install it with Chocolatey ('choco install fluidsynth'), or unpack FluidSynth's "
    r"release so that its DLLs lie in C:\tools\fluidsynth\bin. Then restart Flatjam.",
}


class SoundError(Exception):
    """Something that keeps the engine from sounding; carries the `Problem` to show."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.text} {problem.remedy}")
        self.problem = problem


class Library:
    """FluidSynth's functions: those of pyfluidsynth (``fluidsynth``), and some bound here."""

    def __init__(self, fluidsynth: Any) -> None:
        self.fluidsynth = fluidsynth
        bind = fluidsynth.cfunc
        self.remove_events = bind(
            "fluid_sequencer_remove_events",
            None,
            ("sequencer", c_void_p, 1),
            ("source", c_short, 1),
            ("destination", c_short, 1),
            ("type", c_int, 1),
        )
        self.set_gain = bind(
            "fluid_synth_set_gain", None, ("synth", c_void_p, 1), ("gain", c_float, 1)
        )
        self.write_float = bind(
            "fluid_synth_write_float",
            c_int,
            ("synth", c_void_p, 1),
            ("frames", c_int, 1),
            ("left", c_void_p, 1),
            ("left_offset", c_int, 1),
            ("left_step", c_int, 1),
            ("right", c_void_p, 1),
            ("right_offset", c_int, 1),
            ("right_step", c_int, 1),
        )
        # A font that one synth has loaded can be handed to another.
        self.add_font = bind(
            "fluid_synth_add_sfont", c_int, ("synth", c_void_p, 1), ("font", c_void_p, 1)
        )
        self.remove_font = bind(
            "fluid_synth_remove_sfont", c_int, ("synth", c_void_p, 1), ("font", c_void_p, 1)
        )
        self.find_font = bind(
            "fluid_synth_get_sfont_by_id", c_void_p, ("synth", c_void_p, 1), ("id", c_int, 1)
        )
        self.offset_generator = bind(
            "fluid_synth_set_gen",
            c_int,
            ("synth", c_void_p, 1),
            ("channel", c_int, 1),
            ("generator", c_int, 1),
            ("offset", c_float, 1),
        )
        self._option_type = CFUNCTYPE(None, c_void_p, c_char_p, c_char_p)
        self._foreach_option = bind(
            "fluid_settings_foreach_option",
            None,
            ("settings", c_void_p, 1),
            ("name", c_char_p, 1),
            ("data", c_void_p, 1),
            ("callback", self._option_type, 1),
        )

    def audio_drivers(self) -> tuple[str, ...]:
        """Return the names of the audio drivers that this build of FluidSynth offers."""
        names: list[str] = []
        collect = self._option_type(lambda data, name, option: names.append(option.decode()))
        settings = self.fluidsynth.new_fluid_settings()
        self._foreach_option(settings, b"audio.driver", None, collect)
        self.fluidsynth.delete_fluid_settings(settings)
        return tuple(names)


@cache
def load_library() -> Library:
    """Return the FluidSynth library.

    Raises
    ------
    SoundError
        If the library or pyfluidsynth is missing.
    """
    # Must be set before the JACK library is loaded: otherwise asking for a JACK server that does
    # not run waits for six seconds, or starts one that nobody asked for.
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    try:
        # On a build server it prints where the library is, and what we print others read.
        with redirect_stdout(sys.stderr):
            import fluidsynth
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError):
            remedy = (
                "Install Flatjam's packages again: 'make setup', or 'pip install pyfluidsynth'."
            )
        else:
            remedy = _REMEDIES.get(sys.platform, _REMEDIES["linux"])
        problem = Problem(
            code="no_fluidsynth",
            text="The FluidSynth library is missing, so nothing can sound.",
            remedy=remedy,
        )
        raise SoundError(problem) from error
    library = Library(fluidsynth)
    if library.remove_events is None:  # pyfluidsynth binds what a library lacks to None
        raise SoundError(
            Problem(
                code="no_fluidsynth",
                text="The FluidSynth library here is older than 2.0, so nothing can sound.",
                remedy=_REMEDIES.get(sys.platform, _REMEDIES["linux"]),
            )
        )
    return library
