"""FluidSynth behind one class: a SoundFont, an audio driver, notes at ticks."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fmvae_core.live.drivers import open_driver
from fmvae_core.live.fields import PAIRS, Output
from fmvae_core.live.fonts import Font, bad_soundfont, let_go, load_font, move_font
from fmvae_core.live.jack_wires import connect_pairs
from fmvae_core.live.levels import LevelGuard, find_gain, measure_loudness
from fmvae_core.live.library import load_library
from fmvae_core.live.parts import CHANNELS, PARTS, Parts
from fmvae_core.live.voices import (
    CLICK_CHANNEL,
    DRUM_CHANNEL,
    HUMAN_CHANNEL,
    KEYS_CHANNEL,
    MELODY_CHANNEL,
    SoundEvent,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

log = logging.getLogger(__name__)

SAMPLE_RATE = 48_000
_REFERENCE_GAIN = 0.2
_TICKS_PER_SECOND = 1000
_ALL_CHANNELS = -1
_REVERB_LEVEL = "synth.reverb.level"
_ROOM = {"synth.reverb.room-size": 0.5, "synth.reverb.damp": 0.3, _REVERB_LEVEL: 0.5}


class Synth:
    """A synthesizer of five parts: melody, both players' drums, the human's keys, the metronome.

    What the human strikes sounds at once, past the queue. A part is known by the channel of its
    events (`fmvae_core.live.voices`); the MIDI channels that FluidSynth sees are those of `Parts`.

    It renders into memory (`render`) until `open_audio` gives it a driver. Methods may be called
    from any thread.

    Chorus is off, and so is reverb until a part asks for some.

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
        self.driver: str | None = None
        self._lock = threading.RLock()  # for the parts, and the sequencer, which drivers exchange
        self._sequencer: Any = None
        self._destination = -1
        # Channel and pitch of an event to the last tick queued, and the MIDI channel of its start.
        self._placed: dict[tuple[int, int], tuple[int, int]] = {}
        self._is_wet = self._is_muted = False  # the reverb
        self._closed = False
        self._fluid = self._library.fluidsynth.Synth(
            gain=_REFERENCE_GAIN,
            samplerate=sample_rate,
            channels=CHANNELS,
            **{
                "synth.audio-channels": PAIRS,
                "synth.audio-groups": PAIRS,
                "synth.effects-groups": PAIRS,
                "synth.reverb.active": 0,
                "synth.chorus.active": 0,
                **_ROOM,
            },
        )
        try:
            font = load_font(self._library, self._fluid, Path(soundfont))
            self._parts = Parts(self._library, self._fluid, font)
            self._parts.set_up()
            self._start_sequencer()
            self._calibrate()
        except BaseException:
            self.close()
            raise

    def _calibrate(self) -> None:
        loudness = measure_loudness(self)
        font = self._parts[DRUM_CHANNEL].font
        if loudness.highest == 0.0:
            raise bad_soundfont(font.path, "has a drum kit that makes no sound")
        gain = find_gain(self, loudness, _REFERENCE_GAIN)
        self._volume = self._click_level = 1.0
        self._play_font(PARTS, replace(font, loudness=loudness, gain=gain))

    # --- fonts ------------------------------------------------------------------------------------

    @property
    def soundfont(self) -> Path:
        """The file that melodies and the metronome play."""
        return self._parts[MELODY_CHANNEL].font.path

    def find_font(self, path: Path) -> Font | None:
        """Return the font of a file if a part plays it."""
        with self._lock:
            return next((font for font in self._parts.fonts if font.path == path), None)

    def play_font(self, parts: Collection[int], source: Font | Synth) -> None:
        """Let parts play another font from now on; what sounds rings on.

        Parameters
        ----------
        parts
            Their channels.
        source
            A font that some part plays already, or another synth, which has loaded it. That one
            gives it away, and is closed.
        """
        with self._lock:
            before = self._parts.fonts
            font = source._give_font(self) if isinstance(source, Synth) else source
            self._play_font(parts, font)
            left = [font for font in before if font not in self._parts.fonts]
            for font in left:
                self._library.remove_font(self._fluid.synth, font.handle)
            if left:
                self._parts.set_up()  # whatever FluidSynth made of its loss
        for font in left:
            let_go(self._library, font)
        if isinstance(source, Synth):
            source.close()

    def _give_font(self, taker: Synth) -> Font:
        with self._lock:
            return move_font(
                self._library, self._parts[DRUM_CHANNEL].font, self._fluid, taker._fluid
            )

    def _play_font(self, parts: Collection[int], font: Font) -> None:
        self._parts.play_font(parts, font)
        self._guard_anew()
        self.set_volume(self._volume)

    def _guard_anew(self) -> None:
        machine, human = self._parts[DRUM_CHANNEL], self._parts[HUMAN_CHANNEL]
        self._guard = LevelGuard(self._parts.loudness)
        self._guard.click_amplitude = self._click_level**2
        self._human_guard = LevelGuard(human.font.loudness)
        self._human_guard.amplitude, self._guard.amplitude = human.level**2, machine.level**2
        self._set_guards_gain()
        if self._parts.meet(DRUM_CHANNEL, HUMAN_CHANNEL):
            self._guard.beside, self._human_guard.beside = self._human_guard, self._guard

    def _set_guards_gain(self) -> None:
        amplitude = self._volume**2 / _REFERENCE_GAIN
        self._guard.set_gain(amplitude * self._parts.gain)
        self._human_guard.set_gain(amplitude * self._parts[HUMAN_CHANNEL].font.gain)

    # --- how the parts sound ----------------------------------------------------------------------

    def set_volume(self, level: float) -> None:
        """Set the master volume, 0 to 1; amplitude goes with its square. 1 does not clip."""
        with self._lock:
            self._volume = level
            self._set_guards_gain()
            self._library.set_gain(self._fluid.synth, self._parts.gain * level**2)

    def set_click_level(self, level: float) -> None:
        """Set the metronome's level, 0 to 1; amplitude goes with its square."""
        with self._lock:
            self._click_level = level
            self._parts.change(CLICK_CHANNEL, level=level)
            self._guard.click_amplitude = level**2

    def set_instrument(self, program: int) -> None:
        """Play melodies on a General MIDI instrument, 0 to 127; what sounds goes on as it is.

        A font that lacks it keeps the one before; a font of drums alone is fine, and melodies are
        then silent.
        """
        self._choose(MELODY_CHANNEL, program)
        self._choose(KEYS_CHANNEL, program)

    def set_drums(self, part: int, level: float, pan: float, kit: int, reverb: float = 0.0) -> None:
        """Set level, place and reverb of drums as `set_place` does, and the kit.

        A font that lacks the kit keeps the one before.
        """
        self.set_place(part, level, pan, reverb)
        self._choose(part, kit)

    def set_place(self, part: int, level: float, pan: float, reverb: float) -> None:
        """Set the level (0 to 1), place (-1 left to 1 right) and reverb (0 to 1) of a part."""
        with self._lock:
            if reverb and not self._is_wet:
                # It never goes off again: what rings in it would wait there for the next time.
                self._is_wet = True
                self._fluid.setting("synth.reverb.active", 1)
            self._parts.change(part, level=level, pan=pan, reverb=reverb)
            human = part in (HUMAN_CHANNEL, KEYS_CHANNEL)
            (self._human_guard if human else self._guard).amplitude = level**2

    def set_output(self, part: int, output: Output) -> None:
        """Let a part be heard elsewhere; what sounds there ends by itself."""
        with self._lock:
            self._parts.change(part, output=output)
            self._guard_anew()

    def _choose(self, part: int, program: int) -> None:
        with self._lock:
            if not self._parts.choose(part, program):
                log.warning("%s has no program %d", self._parts[part].font.path.name, program)

    # --- audio ------------------------------------------------------------------------------------

    @property
    def sample_rate(self) -> int:
        """Hertz."""
        return round(self._fluid.get_setting("synth.sample-rate"))

    @property
    def pairs(self) -> int:
        """How many pairs of outputs there are."""
        return self._parts.pairs

    def open_audio(self, driver: str, pairs: int = 1) -> None:
        """Begin to sound through an audio driver.

        Parameters
        ----------
        driver
            One of `offered_drivers`.
        pairs
            How many pairs of outputs to open, 1 or `PAIRS`. JACK alone has more than one.

        Raises
        ------
        SoundError
            If it does not start: no device, no server.
        """
        self.close_audio()
        handle = open_driver(self._fluid, driver, pairs)
        with self._lock:
            self._fluid.audio_driver = handle
            self.driver = driver
            self._parts.set_pairs(pairs)
            self._guard_anew()
            self._start_sequencer()  # afresh: the driver may have changed the sample rate
        if pairs > 1:
            connect_pairs(pairs)

    def close_audio(self) -> None:
        """Let go of the audio driver. May wait for a server that does not answer."""
        with self._lock:
            handle, self._fluid.audio_driver, self.driver = self._fluid.audio_driver, None, None
            if handle:
                self._stop_sequencer()
        if handle:
            self._library.fluidsynth.delete_fluid_audio_driver(handle)
            with self._lock:
                self.silence()
                self._parts.set_pairs(1)

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
            self._unmute()
            for event in limited:
                self._queue(event, tick(event.time))

    def strike(self, time: float, pitch: int, velocity: int, part: int = HUMAN_CHANNEL) -> None:
        """Sound a hit or key of the human's at once.

        `time`, in seconds, tells what crowds together; a velocity of 0 ends it.
        """
        like = MELODY_CHANNEL if part == KEYS_CHANNEL else DRUM_CHANNEL
        with self._lock:
            channel = self._parts.channel(part)
            if velocity == 0:
                self._fluid.noteoff(channel, pitch)
                return
            self._unmute()
            hit = SoundEvent(time, like, pitch, velocity)  # as loud as the machine's
            (limited,) = self._human_guard.limit([hit])
            self._fluid.noteon(channel, pitch, limited.velocity)

    def release(self) -> None:
        """Forget what is queued and let sounding notes end by themselves."""
        with self._lock:
            self._forget_queue()
            self._fluid.all_notes_off(_ALL_CHANNELS)

    def silence(self) -> None:
        """Forget what is queued and cut off all sound, reverb too, within one audio period."""
        with self._lock:
            self._forget_queue()
            if self._is_wet:
                # A reset leaves a hundredth of what rings in the reverb, so that is muted, too.
                self._fluid.setting(_REVERB_LEVEL, 0.0)
                self._reset()
                self._is_muted = True
            self._fluid.all_sounds_off(_ALL_CHANNELS)  # last: a reset takes it back

    def _unmute(self) -> None:
        """Let the reverb be heard again, without the rest of what a reset left in it."""
        if self._is_muted:
            self._is_muted = False
            self._reset()
            self._fluid.setting(_REVERB_LEVEL, _ROOM[_REVERB_LEVEL])

    def _reset(self) -> None:
        self._fluid.system_reset()
        self._parts.set_up()

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

    def _queue(self, event: SoundEvent, tick: int) -> None:
        if self._sequencer is None:
            return
        # Where sound was lost, ticks are found anew and may fall before those of earlier events. A
        # note must not end before it starts, nor in the same tick, where ends come first; and it
        # ends where it has started, wherever its part is heard by now.
        key = event.channel, event.pitch
        last, begun_on = self._placed.get(key, (0, self._parts.channel(event.channel)))
        if event.velocity:
            tick, channel = max(tick, last), self._parts.channel(event.channel)
            self._sequencer.note_on(
                tick, channel, event.pitch, event.velocity, dest=self._destination
            )
        else:
            tick, channel = max(tick, last + 1), begun_on
            self._sequencer.note_off(tick, channel, event.pitch, dest=self._destination)
        self._placed[key] = tick, channel

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
