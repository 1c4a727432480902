"""A take as a sound file: both players through the engine's own synth, faster than played."""

from __future__ import annotations

import math
import os
import wave
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fmvae_core.files import replacing
from fmvae_core.jam.journal import Journal
from fmvae_core.jam.replay import Replay
from fmvae_core.live.samplers import CHANNELS, Samplers
from fmvae_core.live.sound_messages import SetSampler
from fmvae_core.live.soundfonts import first_soundfont
from fmvae_core.live.synth import Synth
from fmvae_core.live.take_events import human_events, machine_events
from fmvae_core.live.voices import HUMAN_CHANNEL

_BLOCK = 64  # frames in which FluidSynth makes sound
_WAKES_PER_SECOND = 100  # at which hits end, as in the engine
_REPORTS_PER_SECOND = 2  # of the sound made

Progress = Callable[[int, int], None]


def render_take(
    journal: Journal,
    path: str | os.PathLike[str],
    soundfont: str | os.PathLike[str] | None = None,
    samplers: Sequence[SetSampler] = (),
    tail: float = 1.5,
    sample_rate: int = 44_100,
    progress: Progress = lambda done, total: None,
) -> None:
    """Write a take to a WAV file (stereo, 16 bits), from its count-in on.

    Parameters
    ----------
    journal
        Of the take.
    path
        An existing file is replaced once all is written.
    soundfont
        The best that is found where none is given.
    samplers
        How the players sound; as at the start of an engine where nothing is said. The human's
        drums sound in any case: a kit that has its own sound is not heard here.
    tail
        Seconds for the last sounds to die away.
    sample_rate
        Hertz, 8000 to 96000.
    progress
        Told the frames made and those in all, again and again. What it raises ends the work, and
        an existing file stays as it was.

    Raises
    ------
    SoundError
        If FluidSynth or a SoundFont is missing, or the font cannot be used.
    OSError
        If the file cannot be written.
    """
    synth = Synth(first_soundfont() if soundfont is None else Path(soundfont), sample_rate)
    try:
        drums = Samplers()
        drums.attach(synth)
        for wanted in samplers:
            drums.change(wanted.model_copy(update={"sounds": True}))
            if wanted.soundfont:
                font = Path(wanted.soundfont)
                own = synth.find_font(font) or Synth(font, sample_rate)
                synth.play_font([CHANNELS[wanted.player][0]], own)
        with replacing(path) as scratch, wave.open(str(scratch), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(sample_rate)
            for samples in _sound(synth, drums, journal, tail, progress):
                # The level guard leaves room; should something odd come out louder, it is cut.
                file.writeframes(
                    np.rint(32_767.0 * samples.clip(-1.0, 1.0)).astype("<i2").tobytes()
                )
    finally:
        synth.close()


def _sound(
    synth: Synth, drums: Samplers, journal: Journal, tail: float, progress: Progress
) -> Iterator[npt.NDArray[np.float32]]:
    """Make the sound of a take piece by piece, ``(frames, 2)`` each."""
    replay = Replay(journal)
    rate = synth.sample_rate
    total = math.ceil((replay.seconds + tail) * rate)
    # The drums end the human's hits themselves, as they do in the engine.
    human = [
        event
        for event in human_events(journal, replay)
        if event.velocity or event.channel != HUMAN_CHANNEL
    ]
    events = sorted([*machine_events(journal, replay), *human], key=lambda event: event.time)
    made = 0
    for event in [*events, None]:
        until = total
        if event is not None:
            until = min(total, round(event.time * rate / _BLOCK) * _BLOCK)
        while made < until:
            yield synth.render(min(until - made, rate // _WAKES_PER_SECOND))
            before = made * _REPORTS_PER_SECOND // rate
            made = min(until, made + rate // _WAKES_PER_SECOND)
            drums.wake(made / rate)
            if made * _REPORTS_PER_SECOND // rate > before:
                progress(made, total)
        if event is None:
            break
        if event.channel == HUMAN_CHANNEL:
            drums.hit(event.time, event.pitch, event.velocity)
        else:
            synth.play([event], lambda _: synth.read_tick())
