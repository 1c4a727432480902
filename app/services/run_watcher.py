"""Looks after the runs on disk, in a thread of its own: which there are, and how they go."""

from __future__ import annotations

import logging
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, Qt, Signal

from fmvae_core.geometry.alignment import FormingMap
from fmvae_core.runs.history import Curve, History
from fmvae_core.runs.snapshots import SpaceMarks, read_marks, read_snapshot, snapshot_steps
from fmvae_core.runs.store import Run, list_runs

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.7
MOST_POINTS = 400
_FEWEST_PHRASES = 4


class Course(dict[str, Curve]):
    """The curves of a run, by name, and where its initial phase ended."""

    phase_end: int | None = None


@dataclass(frozen=True)
class SpaceSeen:
    """The snapshots of a run so far.

    Parameters
    ----------
    marks
        The phrases.
    steps
        Of the snapshots, ascending.
    places
        On the map, ``(n, 3)`` of each; none where there are too few phrases.
    spreads
        Root mean square radius of each, in the space.
    """

    marks: SpaceMarks
    steps: tuple[int, ...]
    places: tuple[npt.NDArray[np.float32], ...]
    spreads: tuple[float, ...]


def thinned(curve: Curve) -> Curve:
    """Return a curve with no more points than a small plot has pixels, the newest among them."""
    steps, values = curve
    if len(steps) <= MOST_POINTS:
        return curve
    chosen = np.linspace(0, len(steps) - 1, MOST_POINTS).astype(int)
    return steps[chosen], values[chosen]


class RunWatcher(QObject):
    """Tells what changes in the folder of runs. A run goes on whether or not it is watched.

    Parameters
    ----------
    folder
        Of all runs.
    names
        Curves to follow; see `fmvae_core.runs.history.History.curve`.

    Signals
    -------
    runs_changed(list)
        The runs as they stand, `Run`, the newest first.
    course_changed(Path, Course)
        The curves of a run that is followed.
    space_changed(Path, SpaceSeen)
        The snapshots of the run whose space is followed.
    """

    runs_changed = Signal(object)
    course_changed = Signal(object, object)
    space_changed = Signal(object, object)

    _seen = Signal(object)
    _read = Signal(object, object)
    _space_read = Signal(object, object)

    def __init__(self, folder: Path, names: tuple[str, ...], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self._names = names
        self._wanted: frozenset[Path] = frozenset()
        self._space_wanted: Path | None = None
        self._processes: list[subprocess.Popen[bytes]] = []
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._seen.connect(self.runs_changed, Qt.ConnectionType.QueuedConnection)
        self._read.connect(self._on_read, Qt.ConnectionType.QueuedConnection)
        self._space_read.connect(self._on_space, Qt.ConnectionType.QueuedConnection)
        self._thread = threading.Thread(target=self._watch, name="runs", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Look no more; the runs go on."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)

    def follow(self, runs: frozenset[Path]) -> None:
        """Follow the curves of these runs."""
        self._wanted = runs
        self._wake.set()

    def follow_space(self, run: Path | None) -> None:
        """Follow the snapshots of this run."""
        if run != self._space_wanted:
            self._space_wanted = run
            self._wake.set()

    def look(self) -> None:
        """Look now."""
        self._wake.set()

    def reap(self, process: subprocess.Popen[bytes]) -> None:
        """Take note of the end of a process that this window started."""
        self._processes.append(process)

    @property
    def processes(self) -> tuple[subprocess.Popen[bytes], ...]:
        """The processes that this window has started and that may still be there."""
        return tuple(self._processes)

    def _on_read(self, run: Path, course: Course) -> None:
        if run in self._wanted:
            self.course_changed.emit(run, course)

    def _on_space(self, run: Path, seen: SpaceSeen) -> None:
        if run == self._space_wanted:
            self.space_changed.emit(run, seen)

    def _watch(self) -> None:
        histories: dict[Path, History] = {}
        space = _SpaceReader()
        told: list[Run] | None = None
        while not self._stop.is_set():
            self._wake.clear()
            self._processes = [item for item in self._processes if item.poll() is None]
            try:
                runs = list_runs(self._folder)
                if runs != told:
                    told = runs
                    self._seen.emit(runs)
                wanted = self._wanted
                histories = {run: histories.get(run) or History(run) for run in wanted}
                is_behind = False
                for run, history in histories.items():
                    is_new = not history.is_read
                    if history.read() or is_new:
                        is_behind = True
                        course = Course(
                            (name, thinned(history.curve(name))) for name in self._names
                        )
                        course.phase_end = history.phase_end
                        self._read.emit(run, course)
                followed = self._space_wanted
                seen = space.read(followed)
                if followed is not None and seen is not None:
                    self._space_read.emit(followed, seen)
            except OSError as error:
                log.warning("the runs cannot be looked at: %s", error)
                is_behind = False
            self._wake.wait(0.2 if is_behind else _LOOK_SECONDS)


class _SpaceReader:
    """Reads the snapshots of a run, each of them once."""

    def __init__(self) -> None:
        self._run: Path | None = None
        self._marks: SpaceMarks | None = None
        self._latents: dict[int, npt.NDArray[np.float32]] = {}
        self._forming = FormingMap()

    def read(self, run: Path | None) -> SpaceSeen | None:
        """Return what there is, or None where that is nothing or nothing new."""
        if run != self._run:
            self._run, self._marks, self._latents = run, None, {}
            self._forming = FormingMap()
        if run is None:
            return None
        if self._marks is None:
            self._marks = read_marks(run)
            if self._marks is None:
                return None
        before = set(self._latents)
        there = snapshot_steps(run)
        self._latents = {step: z for step, z in self._latents.items() if step in there}
        for step in there:
            z = None if step in self._latents else read_snapshot(run, step)
            if z is not None and len(z) == len(self._marks):
                self._latents[step] = z
        if set(self._latents) == before:
            return None
        steps = tuple(sorted(self._latents))
        if len(self._marks) < _FEWEST_PHRASES or not steps:
            return SpaceSeen(self._marks, steps, (), ())
        self._forming.begin_with(self._latents[steps[-1]])
        seen = [self._forming.places(self._latents[step]) for step in steps]
        places, spreads = zip(*seen, strict=True)
        return SpaceSeen(self._marks, steps, places, spreads)
