"""Phrases as sound files, made with the engine's own scheduler and synth."""

from __future__ import annotations

import os
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fmvae_core.files import replacing
from fmvae_core.live.scheduler import Scheduler, Tag
from fmvae_core.live.soundfonts import first_soundfont
from fmvae_core.live.synth import Synth
from fmvae_core.music.instruments import PIANO
from fmvae_core.music.phrase import Phrase

_WAKES_PER_SECOND = 100  # of the scheduler, as in the engine

Progress = Callable[[int, int], None]


def render(
    phrase: Phrase,
    path: str | os.PathLike[str],
    soundfont: str | os.PathLike[str] | None = None,
    turns: int = 1,
    tail: float = 1.5,
    sample_rate: int = 44_100,
    volume: float = 1.0,
    instrument: int = PIANO,
    progress: Progress = lambda done, total: None,
) -> None:
    """Write a phrase to a WAV file (stereo, 16 bits) as the engine plays it.

    Parameters
    ----------
    phrase
        Played at its own tempo.
    path
        An existing file is replaced once all is written.
    soundfont
        The best that is found where none is given.
    turns
        How many times the phrase is played.
    tail
        Seconds for the last sounds to die away.
    sample_rate
        Hertz, 8000 to 96000.
    volume
        0 to 1.
    instrument
        General MIDI program, 0 to 127, on which a melody is played.
    progress
        Told the frames made and those in all, again and again. What it raises ends the work, and an
        existing file stays as it was.

    Raises
    ------
    SoundError
        If FluidSynth or a SoundFont is missing, or the font cannot be used.
    ValueError
        If a number is out of its range.
    OSError
        If the file cannot be written.
    """
    _check("turns", turns, 1, 10_000)
    _check("tail", tail, 0.0, 60.0)
    _check("sample_rate", sample_rate, 8_000, 96_000)
    _check("volume", volume, 0.0, 1.0)
    _check("instrument", instrument, 0, 127)
    synth = Synth(first_soundfont() if soundfont is None else Path(soundfont), sample_rate)
    try:
        synth.set_volume(volume)
        synth.set_instrument(instrument)
        samples = render_samples(synth, phrase, turns, tail, progress=progress)
    finally:
        synth.close()
    # The level guard leaves room; should something odd come close all the same, all gets softer.
    peak = float(np.abs(samples).max())
    samples *= 32_767.0 / max(1.0, peak)
    with replacing(path) as scratch, wave.open(str(scratch), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(np.rint(samples).astype("<i2").tobytes())


def render_samples(
    synth: Synth,
    phrase: Phrase,
    turns: int,
    tail: float,
    metronome: bool = False,
    progress: Progress = lambda done, total: None,
) -> npt.NDArray[np.float32]:
    """Play a phrase through a synth that has no audio driver.

    Parameters
    ----------
    synth, phrase, turns, tail, progress
        As for `render`.
    metronome
        Whether it clicks.

    Returns
    -------
    samples
        ``(frames, 2)``, full scale is 1; not clipped.
    """
    scheduler = Scheduler()
    scheduler.metronome = metronome
    scheduler.set_phrase(phrase, Tag("render", 0))
    scheduler.set_tempo(phrase.tempo)
    scheduler.set_loop(turns > 1)
    scheduler.start(0.0)

    rate = synth.sample_rate
    last_turn = (turns - 1) * phrase.seconds
    total = round((turns * phrase.seconds + tail) * rate)
    start = synth.read_tick()
    made = 0
    chunks = []
    while made < total:
        now = made / rate
        if now >= last_turn:
            scheduler.set_loop(False)
        synth.play(scheduler.advance(now), lambda time: start + round(1000.0 * time))
        chunks.append(synth.render(min(rate // _WAKES_PER_SECOND, total - made)))
        made += len(chunks[-1])
        progress(made, total)
    return np.concatenate(chunks)


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name} is {value:g}; it must be from {low:g} to {high:g}")
