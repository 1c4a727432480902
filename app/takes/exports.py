"""What a take can be written to, as work for the background."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from app.services.background import Progress, Work
from app.state.session import ProjectionName
from app.takes.film import FilmJob
from app.takes.replay_presenter import OpenTake
from fmvae_core.live.messages import EngineState
from fmvae_core.live.sound_messages import SamplerState, SetSampler

FILM = "app.takes.film"
"""The module that makes a video, in a process of its own."""

_LOOK_SECONDS = 0.2

KINDS = {
    "midi": ("Save take as MIDI", ".mid", "MIDI files (*.mid)"),
    "wav": ("Save take as sound", ".wav", "Sound files (*.wav)"),
    "video": ("Save take as video", ".mp4", "Videos (*.mp4)"),
}
"""Title of the dialog, ending, and kinds of files."""


def work(
    kind: str, take: OpenTake, path: Path, engine: EngineState | None, projection: ProjectionName
) -> Work:
    """Return the work that writes a take to a file.

    Parameters
    ----------
    kind
        Of `KINDS`.
    take, path
        What to write where.
    engine
        As it is set up now, so it sounds.
    projection
        Of a video's map.
    """
    if kind == "midi":
        return lambda _report: _write_midi(take, path)
    if kind == "wav":
        return lambda report: _write_sound(take, path, engine, report)
    return lambda report: _write_video(take, path, engine, projection, report)


def _write_midi(take: OpenTake, path: Path) -> None:
    from fmvae_core.jam.export import write_midi_of

    write_midi_of(take.journal, path)


def _write_sound(take: OpenTake, path: Path, engine: EngineState | None, report: Progress) -> None:
    from fmvae_core.live.render_take import render_take  # FluidSynth is loaded when it is needed

    soundfont = engine.soundfont if engine is not None else None
    render_take(take.journal, path, soundfont, _samplers(engine), progress=report)


def _write_video(
    take: OpenTake,
    path: Path,
    engine: EngineState | None,
    projection: ProjectionName,
    report: Progress,
) -> None:
    if take.bundle is None:
        raise ValueError("the model of this take is not here")
    job = FilmJob(
        take=take.path,
        bundle=take.bundle.path,
        projection=projection,
        title=f"{take.title} · {take.bundle.name}",
        soundfont=engine.soundfont if engine is not None else None,
        samplers=_samplers(engine),
        out=path,
    )
    with TemporaryFile("w+", encoding="utf-8") as errors:
        child = subprocess.Popen(
            [sys.executable, "-m", FILM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        assert child.stdin is not None
        assert child.stdout is not None
        news: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        reader = threading.Thread(target=_read, args=(child.stdout, news), name="film")
        reader.start()
        try:
            child.stdin.write(job.model_dump_json() + "\n")
            child.stdin.flush()
            for done, total in _told(news):
                report(done, total)
        finally:
            child.terminate()  # nothing to a process that has ended
            child.wait()
            reader.join()
            child.stdin.close()
            child.stdout.close()
        if child.returncode:
            errors.seek(0)
            lines = errors.read().strip().splitlines()
            raise ValueError(lines[-1] if lines else f"it has ended with {child.returncode}")


def _told(news: queue.SimpleQueue[str | None]) -> Iterator[tuple[int, int]]:
    """Return what a process tells of its progress, and several times a second what it told last.

    It may be silent for a while, and yet the user may have cancelled it.
    """
    done = total = 0
    while True:
        with suppress(queue.Empty):
            line = news.get(timeout=_LOOK_SECONDS)
            if line is None:
                return
            done, total = map(int, line.split())
        yield done, total


def _read(lines: IO[str], news: queue.SimpleQueue[str | None]) -> None:
    for line in lines:
        news.put(line)
    news.put(None)


def _samplers(engine: EngineState | None) -> tuple[SetSampler, ...]:
    if engine is None:
        return ()
    return _sampler("human", engine.human), _sampler("machine", engine.machine)


def _sampler(player: str, state: SamplerState) -> SetSampler:
    fields = state.model_dump(include={"level", "pan", "kit", "soundfont", "reverb"})
    return SetSampler.model_validate({"player": player, **fields})
