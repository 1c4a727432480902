"""Looks after the runs on disk, in a thread of its own: which there are, and how they go."""

from __future__ import annotations

import logging
import subprocess
import threading
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Qt, Signal

from fmvae_core.runs.history import Curve, History
from fmvae_core.runs.store import Run, list_runs

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.7
MOST_POINTS = 400


class Course(dict[str, Curve]):
    """The curves of a run, by name, and where its initial phase ended."""

    phase_end: int | None = None


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
    """

    runs_changed = Signal(object)
    course_changed = Signal(object, object)

    _seen = Signal(object)
    _read = Signal(object, object)

    def __init__(self, folder: Path, names: tuple[str, ...], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self._names = names
        self._wanted: frozenset[Path] = frozenset()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._seen.connect(self.runs_changed, Qt.ConnectionType.QueuedConnection)
        self._read.connect(self._on_read, Qt.ConnectionType.QueuedConnection)
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

    def _watch(self) -> None:
        histories: dict[Path, History] = {}
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
            except OSError as error:
                log.warning("the runs cannot be looked at: %s", error)
                is_behind = False
            self._wake.wait(0.2 if is_behind else _LOOK_SECONDS)
