"""A take as a video with sound: ``python -m app.takes.film``, a process that needs no screen.

It reads one line of JSON, a `FilmJob`, and prints the frames made and those in all, a line each
second of the film. A process, since painting thousands of frames would make the window stutter.
"""

from __future__ import annotations

import os
import signal
import sys
import wave
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from fmvae_core.files import replacing
from fmvae_core.jam.journal import Journal
from fmvae_core.jam.replay import Replay
from fmvae_core.jam.takes import read_take
from fmvae_core.live.render_take import render_take
from fmvae_core.live.sound_messages import SetSampler
from fmvae_core.models.bundle import Bundle

if TYPE_CHECKING:
    from app.takes.film_picture import FilmPicture

FRAMES_PER_SECOND = 30
_TAIL = 1.5  # seconds after the take
_SOUND_RATE = 44_100


class FilmJob(BaseModel):
    """What to film.

    Parameters
    ----------
    take
        File of the take or keep.
    bundle
        Folder of the model that answered in it.
    projection
        Of the map.
    title
        What is written on it.
    soundfont, samplers
        As for `fmvae_core.live.render_take.render_take`.
    out
        The .mp4 file to write; an existing one is replaced once all is written.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    take: Path
    bundle: Path
    projection: str = "attributes"
    title: str = ""
    soundfont: str | None = None
    samplers: tuple[SetSampler, ...] = ()
    out: Path


def main() -> int:
    """Make one film and return the exit code; what goes wrong is told on standard error."""
    job = FilmJob.model_validate_json(sys.stdin.readline())
    # So that what is half done is thrown away, and not left behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    if hasattr(os, "nice"):
        os.nice(10)  # a jam may be going on
    from PySide6.QtWidgets import QApplication

    from app.takes.film_picture import FilmPicture
    from app.theme import apply_theme

    app = QApplication(sys.argv[:1])
    apply_theme(app)
    journal = read_take(job.take)
    replay = Replay(journal)
    picture = FilmPicture(replay, Bundle.open(job.bundle), job.projection, job.title)
    with replacing(job.out) as scratch:
        _write(scratch, job, journal, picture, replay.seconds + _TAIL)
    return 0


def _write(
    path: Path, job: FilmJob, journal: Journal, picture: FilmPicture, seconds: float
) -> None:
    import av

    total = round(seconds * FRAMES_PER_SECOND)
    with TemporaryDirectory() as folder, av.open(str(path), "w", format="mp4") as film:
        sound = Path(folder) / "sound.wav"
        render_take(
            journal, sound, job.soundfont, job.samplers, tail=_TAIL, sample_rate=_SOUND_RATE
        )
        video: Any = film.add_stream("libx264", rate=FRAMES_PER_SECOND)
        video.height, video.width = picture.paint(0.0).shape[:2]
        video.pix_fmt = "yuv420p"
        video.options = {"crf": "20", "preset": "veryfast"}
        audio: Any = film.add_stream("aac", rate=_SOUND_RATE, layout="stereo")
        with wave.open(str(sound)) as samples:
            for number in range(total):
                if number % FRAMES_PER_SECOND == 0:
                    print(number, total, flush=True)
                    _add_sound(film, audio, samples, number // FRAMES_PER_SECOND)
                frame = av.VideoFrame.from_ndarray(
                    picture.paint(number / FRAMES_PER_SECOND), format="bgra"
                )
                frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_SECOND)
                film.mux(video.encode(frame))
        for stream in (video, audio):
            film.mux(stream.encode(None))


def _add_sound(film: Any, stream: Any, samples: wave.Wave_read, second: int) -> None:
    """Add a second of sound."""
    import av

    data = np.frombuffer(samples.readframes(_SOUND_RATE), "<i2")
    if len(data):
        frame = av.AudioFrame.from_ndarray(data[None], format="s16", layout="stereo")
        frame.sample_rate, frame.pts = _SOUND_RATE, second * _SOUND_RATE
        film.mux(stream.encode(frame))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        sys.exit(1)
