"""FluidSynth behind one class: a SoundFont, an audio driver, notes at ticks."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fmvae_core.live.levels import LevelGuard, find_gain, measure_loudness
from fmvae_core.live.library import SoundError, load_library
from fmvae_core.live.messages import Problem
from fmvae_core.live.voices import (
    CLICK_CHANNEL,
    DRUM_CHANNEL,
    HUMAN_CHANNEL,
    MELODY_CHANNEL,
    SoundEvent,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

log = logging.getLogger(__name__)

SAMPLE_RATE = 48_000
_CHANNELS = (MELODY_CHANNEL, HUMAN_CHANNEL, DRUM_CHANNEL, CLICK_CHANNEL)
_DRUM_BANK = 128
_REFERENCE_GAIN = 0.2
_CHANNEL_VOLUME = 7  # MIDI controller
_CHANNEL_PAN = 10
_CENTRE = 64
_FULL_CHANNEL_VOLUME = 100  # MIDI's default, and our loudest
_TICKS_PER_SECOND = 1000

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


class Synth:
    """A synthesizer with one SoundFont: melody on channel 1, drums on 10, the metronome on 11.

    A human's own drums are on channel 9: what is struck there sounds at once, past the queue.

    It renders into memory (`render`) until `open_audio` gives it a driver. Methods may be called
    from any thread.

    Reverb and chorus are off: `silence` cuts the voices but not the tail of an effect, which would
    ring on after a panic, and `LevelGuard` knows the levels of notes, not of the room they add up
    in.

    Parameters
    ----------
    soundfont
        An .sf2 or .sf3 file.
    sample_rate
        Hertz, 8000 to 96000; some drivers change it to that of their server.

    Raises
    ------
    SoundError
        If FluidSynth is missing, or the file is no SoundFont with a drum kit.
    """

    def __init__(self, soundfont: str | os.PathLike[str], sample_rate: int = SAMPLE_RATE) -> None:
        self._library = load_library()
        self.soundfont = Path(soundfont)
        self.driver: str | None = None
        self._lock = threading.RLock()  # for the sequencer: it is exchanged with the driver
        self._sequencer: Any = None
        self._destination = -1
        self._placed: dict[tuple[int, int], int] = {}  # channel and pitch to the last tick queued
        self._closed = False
        self._fluid = self._library.fluidsynth.Synth(
            gain=_REFERENCE_GAIN,
            samplerate=sample_rate,
            channels=16,
            **{"synth.reverb.active": 0, "synth.chorus.active": 0},
        )
        try:
            self._load()
            self._start_sequencer()
            self._calibrate()
        except BaseException:
            self.close()
            raise

    def _load(self) -> None:
        font = -1
        if self.soundfont.is_file():
            font = self._fluid.sfload(str(self.soundfont))
        if font == -1:
            raise _bad_soundfont(self.soundfont, "is not a SoundFont that FluidSynth can read")
        for channel in (HUMAN_CHANNEL, DRUM_CHANNEL, CLICK_CHANNEL):
            if self._fluid.program_select(channel, font, _DRUM_BANK, 0) != 0:
                raise _bad_soundfont(self.soundfont, "has no drum kit")
        self._font = font
        self.set_instrument(0)
        for channel in _CHANNELS:
            self._fluid.cc(channel, _CHANNEL_VOLUME, _FULL_CHANNEL_VOLUME)

    def set_instrument(self, program: int) -> None:
        """Play melodies on a General MIDI instrument, 0 to 127; what sounds goes on as it is.

        A font that lacks it keeps the one before; a font of drums alone is fine, and melodies are
        then silent.
        """
        if self._fluid.program_select(MELODY_CHANNEL, self._font, 0, program) != 0:
            log.warning("%s has no instrument %d", self.soundfont.name, program)

    def _calibrate(self) -> None:
        loudness = measure_loudness(self)
        if loudness.highest == 0.0:
            raise _bad_soundfont(self.soundfont, "has a drum kit that makes no sound")
        self._gain = find_gain(self, loudness, _REFERENCE_GAIN)
        self._guard = LevelGuard(loudness)
        self._human_guard = LevelGuard(loudness)
        self.set_volume(1.0)

    # --- levels -----------------------------------------------------------------------------------

    def set_volume(self, level: float) -> None:
        """Set the master volume, 0 to 1; amplitude goes with its square. 1 does not clip."""
        self._library.set_gain(self._fluid.synth, self._gain * level**2)

    def set_click_level(self, level: float) -> None:
        """Set the metronome's level, 0 to 1; amplitude goes with its square."""
        self._fluid.cc(CLICK_CHANNEL, _CHANNEL_VOLUME, round(_FULL_CHANNEL_VOLUME * level))
        self._guard.click_amplitude = level**2

    def set_drums(self, channel: int, level: float, pan: float, kit: int) -> None:
        """Set the level (0 to 1), place (-1 left to 1 right) and kit of a channel of drums.

        A font that lacks the kit keeps the one before.
        """
        self._fluid.cc(channel, _CHANNEL_VOLUME, round(_FULL_CHANNEL_VOLUME * level))
        self._fluid.cc(channel, _CHANNEL_PAN, min(127, round(_CENTRE * (1.0 + pan))))
        if self._fluid.program_select(channel, self._font, _DRUM_BANK, kit) != 0:
            log.warning("%s has no drum kit %d", self.soundfont.name, kit)

    # --- audio ------------------------------------------------------------------------------------

    @property
    def sample_rate(self) -> int:
        """Hertz."""
        return round(self._fluid.get_setting("synth.sample-rate"))

    def open_audio(self, driver: str) -> None:
        """Begin to sound through an audio driver.

        Raises
        ------
        SoundError
            If it does not start: no device, no server.
        """
        self.close_audio()
        fluid = self._fluid
        size, count = _PERIODS.get(driver, _DEFAULT_PERIODS)
        fluid.setting("audio.driver", driver)
        fluid.setting("audio.period-size", size)
        fluid.setting("audio.periods", count)
        fluid.setting("audio.jack.id", "flatjam")
        fluid.setting("audio.jack.autoconnect", 1)
        if driver == "file":
            fluid.setting("audio.file.name", os.environ["FLATJAM_AUDIO_FILE"])
        # Not pyfluidsynth's start(): it opens a MIDI port too, and reports success in any case.
        handle = self._library.fluidsynth.new_fluid_audio_driver(fluid.settings, fluid.synth)
        if not handle:
            raise SoundError(_no_audio(driver))
        with self._lock:
            fluid.audio_driver = handle
            self.driver = driver
            self._start_sequencer()  # afresh: the driver may have changed the sample rate

    def close_audio(self) -> None:
        """Let go of the audio driver. May wait for a server that does not answer."""
        with self._lock:
            handle, self._fluid.audio_driver, self.driver = self._fluid.audio_driver, None, None
            if handle:
                self._stop_sequencer()
        if handle:
            self._library.fluidsynth.delete_fluid_audio_driver(handle)
            for channel in _CHANNELS:
                self._fluid.all_sounds_off(channel)

    def close(self) -> None:
        """Let go of everything; the synth cannot be used afterwards."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self.close_audio()
        with self._lock:
            self._stop_sequencer()
            self._fluid.delete()

    # --- notes ------------------------------------------------------------------------------------

    def read_tick(self) -> int:
        """Return the milliseconds of sound made since the driver was opened."""
        with self._lock:
            return self._sequencer.get_tick() if self._sequencer is not None else 0

    def play(self, events: Iterable[SoundEvent], tick: Callable[[float], int]) -> None:
        """Queue events, which come in the order of their times.

        Parameters
        ----------
        events
            What to do; velocities are lowered where `LevelGuard` finds a crowd.
        tick
            Maps an event's time to the synth's tick.
        """
        limited = self._guard.limit(events)
        with self._lock:
            for event in limited:
                self._queue(event, self._place(event, tick(event.time)))

    def strike(self, time: float, pitch: int, velocity: int) -> None:
        """Sound a hit of the human's at once; `time`, in seconds, tells hits that crowd together.

        A velocity of 0 ends the hit.
        """
        if velocity == 0:
            self._fluid.noteoff(HUMAN_CHANNEL, pitch)
            return
        hit = SoundEvent(time, DRUM_CHANNEL, pitch, velocity)  # as loud as the machine's
        (limited,) = self._human_guard.limit([hit])
        self._fluid.noteon(HUMAN_CHANNEL, pitch, limited.velocity)

    def release(self) -> None:
        """Forget what is queued and let sounding notes end by themselves."""
        with self._lock:
            self._forget_queue()
            for channel in _CHANNELS:
                self._fluid.all_notes_off(channel)

    def silence(self) -> None:
        """Forget what is queued and cut off all sound within one audio period."""
        with self._lock:
            self._forget_queue()
            for channel in _CHANNELS:
                self._fluid.all_sounds_off(channel)

    def render(self, frames: int) -> npt.NDArray[np.float32]:
        """Make sound into memory, not clipped; only without an audio driver.

        Parameters
        ----------
        frames
            How many.

        Returns
        -------
        samples
            ``(frames, 2)``, full scale is 1.
        """
        import numpy as np  # only to render: the engine is ready sooner without

        if self.driver is not None:
            raise RuntimeError(f"the synth plays through {self.driver}; close that first")
        samples = np.zeros((frames, 2), np.float32)
        at = samples.ctypes.data
        self._library.write_float(self._fluid.synth, frames, at, 0, 2, at, 1, 2)
        return samples

    def probe(self, events: Iterable[SoundEvent], seconds: float) -> float:
        """Return the peak level of events rendered from silence, as they are."""
        start = self.read_tick()
        for event in events:
            self._queue(event, start + round(event.time * _TICKS_PER_SECOND))
        peak = float(abs(self.render(round(seconds * self.sample_rate))).max())
        self.silence()
        self.render(256)  # the cut takes effect at the next block
        return peak

    def _place(self, event: SoundEvent, tick: int) -> int:
        # Where sound was lost, ticks are found anew and may fall before those of earlier events. A
        # note must not end before it starts, nor in the same tick, where ends come first.
        key = event.channel, event.pitch
        earliest = self._placed.get(key, 0) + (0 if event.velocity else 1)
        self._placed[key] = max(tick, earliest)
        return self._placed[key]

    def _queue(self, event: SoundEvent, tick: int) -> None:
        if self._sequencer is None:
            return
        if event.velocity:
            self._sequencer.note_on(
                tick, event.channel, event.pitch, event.velocity, dest=self._destination
            )
        else:
            self._sequencer.note_off(tick, event.channel, event.pitch, dest=self._destination)

    def _start_sequencer(self) -> None:
        self._stop_sequencer()
        self._placed.clear()
        # It counts the synth's samples; the system's timer, the default, leaves it silent.
        self._sequencer = self._library.fluidsynth.Sequencer(_TICKS_PER_SECOND, False)
        self._destination = self._sequencer.register_fluidsynth(self._fluid)

    def _stop_sequencer(self) -> None:
        if self._sequencer is not None:
            self._sequencer.delete()
            self._sequencer = None

    def _forget_queue(self) -> None:
        self._placed.clear()
        if self._sequencer is not None:
            self._library.remove_events(self._sequencer.sequencer, -1, -1, -1)


def _bad_soundfont(path: Path, why: str) -> SoundError:
    what = why if path.is_file() else "does not exist"
    return SoundError(
        Problem(
            code="bad_soundfont",
            text=f"{path} {what}.",
            remedy="Choose another .sf2 or .sf3 file that has General MIDI drums.",
        )
    )


def _no_audio(driver: str) -> Problem:
    return Problem(
        code="no_audio",
        text=f"The audio driver '{driver}' finds no device or server to play on.",
        remedy="Connect a sound device or start the sound server, or choose another audio driver. "
        "Flatjam tries again by itself and plays silently until then.",
    )
