"""The live path: a slider's move through model worker and engine, beside a turning map."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from fmvae_core.files import resource
from fmvae_core.geometry.interpolation import lerp
from fmvae_core.inference.messages import Realise, Realised
from fmvae_core.live.measure import EngineProcess, Summary
from fmvae_core.live.messages import Play, Position, Stop, Swapped
from fmvae_core.models.bundle import Bundle
from fmvae_core.music.phrase import Phrase
from tests.fmvae_core.inference.processes import WorkerProcess

_MOVES = 300
_PAUSE = 0.05
_WARM_UP = 20
_TEMPO = 120.0
_MAP_SECONDS = 600
_MAP_STARTS = 4.0
_GOAL = 0.060  # seconds from a move to the first moment that the new phrase can rule
_TOLERANCE = 0.002


def measure() -> dict[str, Any]:
    """Return what a move costs until it is swapped in and until it is heard, and timer lateness.

    A move goes the way a dragged slider's does: to the model worker, and from there straight to
    the engine, which plays to a file in real time. It is measured with nothing else running, and
    beside another process that turns a map of 5,000 points as fast as it can
    (``*_beside_map_*``, and the lateness of the engine's timer). ``late_first_events`` counts moves
    whose first new event came later than the first of the new phrase more than 60 ms ahead.
    """
    path = resource("models", "drums-2bar")
    bundle = Bundle.open(path)
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "FLATJAM_AUDIO_DRIVER": "file",
            "FLATJAM_AUDIO_FILE": os.path.join(folder, "out.wav"),
        }
        with (
            EngineProcess(environment) as engine,
            WorkerProcess(Path(path), engine=engine.endpoint) as worker,
        ):
            worker.wait_until_open()
            alone = _measure(engine, worker, bundle, 1)
            with turning_map():
                beside = _measure(engine, worker, bundle, 1 + _MOVES + _WARM_UP)
    return {
        **{name: value for name, value in alone.items() if not name.startswith("lateness")},
        "swap_beside_map_ms_p50": beside["swap_ms_p50"],
        "swap_beside_map_ms_p99": beside["swap_ms_p99"],
        "lateness_ms_p50": beside["lateness_ms_p50"],
        "lateness_ms_p99": beside["lateness_ms_p99"],
    }


@contextmanager
def turning_map() -> Iterator[None]:
    """Turn a map of 5,000 points as fast as it goes, in another process."""
    call = (
        f"from app.widgets.latent_map_bench import measure_fps; measure_fps(5000, {_MAP_SECONDS})"
    )
    turning = subprocess.Popen([sys.executable, "-c", call])
    try:
        time.sleep(_MAP_STARTS)
        yield
    finally:
        turning.kill()
        turning.wait()


def _measure(
    engine: EngineProcess, worker: WorkerProcess, bundle: Bundle, first: int
) -> dict[str, Any]:
    random = np.random.default_rng(0)
    z = bundle.landmarks.z
    a, b = z[random.integers(len(z), size=2)]
    swaps, firsts = [], []
    late = 0
    begun = engine.client.mark()
    for move in range(_MOVES + _WARM_UP):
        if move == _WARM_UP:
            begun = engine.client.mark()
        if move == 1:
            engine.client.send(Play())
        if move % 20 == 0:
            a, b = b, z[random.integers(len(z))]
        mark = engine.client.mark()
        sent = time.monotonic()
        revision = first + move
        point = tuple(lerp(a, b, (move % 20) / 20).tolist())
        answer = worker.ask(Realise(revision=revision, z=point, tempo=_TEMPO), Realised)
        swapped = engine.client.wait_for(
            Swapped, lambda event, wanted=revision: event.revision == wanted, since=mark
        )
        if move >= _WARM_UP:
            swaps.append(1000 * (swapped.time - sent))
            if swapped.first_new_time is not None:
                firsts.append(1000 * (swapped.first_new_time - sent))
                expected = _first_after(answer.phrase, engine, sent + _GOAL)
                late += swapped.first_new_time > expected + _TOLERANCE
        # Not in step with the engine's own 10 ms.
        time.sleep(_PAUSE + random.uniform(0, 0.02))
    engine.client.send(Stop())
    lateness = [position.lateness_ms for position in engine.client.all(Position, since=begun)]
    swap, first, timer = Summary.of(swaps), Summary.of(firsts), Summary.of(lateness)
    return {
        "swap_ms_p50": swap.p50,
        "swap_ms_p99": swap.p99,
        "first_new_event_ms_p50": first.p50,
        "first_new_event_ms_p99": first.p99,
        "late_first_events": late,
        "lateness_ms_p50": timer.p50,
        "lateness_ms_p99": timer.p99,
    }


def _first_after(phrase: Phrase, engine: EngineProcess, moment: float) -> float:
    """Return when the looping phrase's first note after a moment sounds, in the engine's time."""
    position = engine.client.wait_for(Position, newest=True)
    per_beat = 60.0 / _TEMPO
    beat = position.beat + (moment - position.time) / per_beat
    waits = [(note.onset - beat) % phrase.beats for note in phrase.notes]
    return moment + min(waits) * per_beat if waits else math.inf
