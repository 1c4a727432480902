"""The queue of trainings and evaluations, several at a time, that any later call resumes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fmvae_core.data.corpus import save_corpus
from fmvae_core.data.sources import open_corpus
from fmvae_core.files import alone_in
from fmvae_core.reproduce.__main__ import INTERRUPTED
from fmvae_core.reproduce.rows import Row, place
from fmvae_core.runs.environment import training_environment

_POLL_SECONDS = 0.2


@dataclass
class Outcome:
    """What became of the rows of a call, by their keys; the rest was not begun."""

    finished: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Queue:
    """Rows to be worked off in a folder.

    Parameters
    ----------
    out
        The folder; each row has one of its own in it.
    size
        Of the presets.
    data
        Folder with the corpora: a zip or a folder named after each. What it lacks is fetched.
    processes
        Rows at a time, each in a process of one thread.
    device
        To train on.
    table
        File of the rows, if not ours.
    """

    out: Path
    size: str
    data: Path | None = None
    processes: int = 2
    device: str = "auto"
    table: Path | None = None

    def work_off(
        self,
        rows: Sequence[Row],
        *,
        should_stop: Callable[[], bool] = lambda: False,
        on_change: Callable[[str, str], None] = lambda key, state: None,
    ) -> Outcome:
        """Do what is left of the rows, in their order, until all is done or `should_stop` says so.

        A row that fails is left for the next call; the others go on. When stopped, or at Ctrl-C,
        the processes save their trainings and end before this returns.

        Parameters
        ----------
        rows
            What to do.
        should_stop
            Asked several times a second.
        on_change
            Called with a row's key and what it does now.

        Raises
        ------
        ValueError
            If another call is at work in the folder.
        """
        with alone_in(self.out):
            return self._work_off(rows, should_stop, on_change)

    def _work_off(
        self,
        rows: Sequence[Row],
        should_stop: Callable[[], bool],
        on_change: Callable[[str, str], None],
    ) -> Outcome:
        outcome = Outcome()
        waiting = self._waiting(rows, outcome, on_change)
        running: dict[str, subprocess.Popen[bytes]] = {}
        try:
            exhausted = False
            while not should_stop():
                while not exhausted and len(running) < self.processes:
                    following = next(waiting, None)
                    if following is None:
                        exhausted = True
                    else:
                        row, corpus = following
                        running[row.key] = self._start(row, corpus)
                        on_change(row.key, "running")
                self._gather(running, outcome, on_change)
                if exhausted and not running:
                    return outcome
                time.sleep(_POLL_SECONDS)
        finally:
            # Also at Ctrl-C. Each stops after its step, and writes a checkpoint.
            for process in running.values():
                process.terminate()
            for process in running.values():
                process.wait()
            self._gather(running, outcome, on_change)
        return outcome

    def _waiting(
        self, rows: Sequence[Row], outcome: Outcome, on_change: Callable[[str, str], None]
    ) -> Iterator[tuple[Row, Path]]:
        """Yield the rows that are not finished, each with the frames cache of its corpus."""
        for row in rows:
            at = place(self.out, self.size, row)
            try:
                if at.is_finished(row.configuration(self.size)):
                    outcome.finished.append(row.key)
                    continue
                corpus = self._corpus(row.configuration(self.size).corpus)
            except (ValueError, OSError, ImportError) as error:
                outcome.failed[row.key] = str(error)
                on_change(row.key, "failed")
                continue
            yield row, corpus

    def _corpus(self, name: str) -> Path:
        """Return the frames cache of a corpus, made once for all rows and calls."""
        cache = self.out / "corpora" / f"{name}.safetensors"
        if not cache.exists():
            save_corpus(open_corpus(name, corpus_in(self.data, name)), cache)
        return cache

    def _start(self, row: Row, corpus: Path) -> subprocess.Popen[bytes]:
        at = place(self.out, self.size, row)
        at.folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "fmvae_core.reproduce", row.key]
        command += ["--out", str(self.out), "--size", self.size, "--corpus", str(corpus)]
        command += ["--device", self.device]
        if self.table is not None:
            command += ["--rows", str(self.table)]
        with open(at.log, "ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=training_environment() | {"OMP_NUM_THREADS": "1"},
                start_new_session=True,  # Ctrl-C is for this process, which tells the others
            )

    def _gather(
        self,
        running: dict[str, subprocess.Popen[bytes]],
        outcome: Outcome,
        on_change: Callable[[str, str], None],
    ) -> None:
        for key, process in list(running.items()):
            code = process.poll()
            if code is None:
                continue
            del running[key]
            if code == 0:
                outcome.finished.append(key)
                on_change(key, "finished")
            elif code in (INTERRUPTED, -signal.SIGTERM):  # the latter before it could listen
                outcome.stopped.append(key)
                on_change(key, "stopped")
            else:
                log = self.out / self.size / key / "log.txt"
                last = log.read_text("utf-8", "replace").strip().splitlines()[-1:]
                why = f"ended by signal {-code}" if code < 0 else "".join(last)
                outcome.failed[key] = f"{why} (see {log})"
                on_change(key, "failed")


def corpus_in(folder: Path | None, name: str) -> Path | None:
    """Return where a folder holds a corpus: a frames cache, a folder or a zip named after it.

    ``None`` if it does not, or there is no folder: then the corpus is fetched.
    """
    if folder is None:
        return None
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder; give the one that holds the corpora")
    found = [
        path
        for path in (folder / f"{name}.safetensors", folder / name, *folder.glob(f"{name}*.zip"))
        if path.exists()
    ]
    return found[0] if found else None
