"""The audio drivers that FluidSynth can play through, and how each is set."""

from __future__ import annotations

import os
import sys
from typing import Any

from fmvae_core.live.jack_wires import JACK_CLIENT
from fmvae_core.live.library import SoundError, load_library
from fmvae_core.live.messages import Problem

# Frames a period and number of periods; JACK brings its own. The file driver paces itself in whole
# milliseconds, so its period is one of 5.
_PERIODS = {
    "alsa": (128, 3),
    "coreaudio": (128, 2),
    "file": (240, 2),
    "pipewire": (128, 2),
    "pulseaudio": (256, 3),
    "wasapi": (256, 2),
}
_DEFAULT_PERIODS = (512, 4)

# In the order in which they are tried. A JACK server that runs was started on purpose.
_PLATFORM_DRIVERS = {
    "linux": ("jack", "pipewire", "pulseaudio", "alsa"),
    "darwin": ("coreaudio", "jack", "portaudio"),
    "win32": ("wasapi", "dsound", "waveout"),
}


def offered_drivers() -> tuple[str, ...]:
    """Return the audio drivers that can be chosen here, the most sensible first.

    Driver ``file`` is among them where ``FLATJAM_AUDIO_FILE`` says which file to write.

    Raises
    ------
    SoundError
        If FluidSynth is missing.
    """
    built = load_library().audio_drivers()
    wanted = _PLATFORM_DRIVERS.get(sys.platform, ("oss", "sndio", "jack", "pulseaudio"))
    drivers = [name for name in wanted if name in built]
    if "file" in built and os.environ.get("FLATJAM_AUDIO_FILE"):
        drivers.append("file")
    return tuple(drivers)


def open_driver(fluid: Any, driver: str, pairs: int) -> Any:
    """Let a synth of pyfluidsynth's sound through a driver, and return FluidSynth's handle of it.

    Parameters
    ----------
    fluid, driver
        The synth, and one of `offered_drivers`.
    pairs
        How many pairs of outputs to open. JACK alone has more than one; they are not connected.

    Raises
    ------
    SoundError
        If it does not start: no device, no server.
    """
    size, count = _PERIODS.get(driver, _DEFAULT_PERIODS)
    fluid.setting("audio.driver", driver)
    fluid.setting("audio.period-size", size)
    fluid.setting("audio.periods", count)
    fluid.setting("audio.jack.id", JACK_CLIENT)
    fluid.setting("audio.jack.multi", int(pairs > 1))
    fluid.setting("audio.jack.autoconnect", int(pairs == 1))
    fluid.setting("synth.audio-channels", pairs)
    if driver == "file":
        fluid.setting("audio.file.name", os.environ["FLATJAM_AUDIO_FILE"])
    # Not pyfluidsynth's start(): it opens a MIDI port too, and reports success in any case.
    handle = load_library().fluidsynth.new_fluid_audio_driver(fluid.settings, fluid.synth)
    if not handle:
        raise SoundError(_no_audio(driver))
    return handle


def _no_audio(driver: str) -> Problem:
    return Problem(
        code="no_audio",
        text=f"The audio driver '{driver}' finds no device or server to play on.",
        remedy="Connect a sound device or start the sound server, or choose another audio driver. "
        "Flatjam tries again by itself and plays silently until then.",
    )
