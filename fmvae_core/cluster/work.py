"""What a worker of a cluster does: run the same engine as anywhere, and tell the head of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fmvae_core.cluster.changes import Change, Changes
from fmvae_core.files import is_held, replacing
from fmvae_core.runs.environment import training_environment
from fmvae_core.runs.files import EVALUATIONS_FILE, LOG_FILE
from fmvae_core.runs.orders import Order, write_order
from fmvae_core.runs.supervisor import TETHERED

_TELL_SECONDS = 1.0
_PREFIX = "flatjam-worker-"
_LEFT_SECONDS = 600.0  # by then the engine that belongs to a folder holds it, or there is none


def work(
    files: dict[str, bytes],
    tell: Callable[[list[Change]], Order],
    on_evaluation: Callable[[dict[str, Any]], None] = lambda event: None,
) -> int:
    """Train a run in a folder of this machine until it ends.

    Parameters
    ----------
    files
        What its folder holds to begin with (`fmvae_core.cluster.keeper.Keeper.files`).
    tell
        Given what has changed about once a second; returns what the run shall do.
    on_evaluation
        Given each evaluation, those of an earlier leg first.

    Returns
    -------
    int
        Exit code of the engine.
    """
    _remove_left()
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as scratch:
        folder = Path(scratch) / "run"
        folder.mkdir()
        for name, data in files.items():
            with replacing(folder / name) as file:
                file.write_bytes(data)
        root = Path(__file__).resolve().parents[2]
        changes = Changes(folder)
        evaluations = Evaluations(on_evaluation)
        evaluations.read(files.get(EVALUATIONS_FILE, b""))
        told: Order = "run"
        write_order(folder, told)
        with (
            open(folder / LOG_FILE, "ab") as log,
            subprocess.Popen(
                [sys.executable, "-m", "fmvae_core.training", str(folder), TETHERED],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=training_environment(),
                cwd=root,  # what the record names in a package is relative to that
            ) as engine,
        ):
            while True:
                # Asked before the folder is read: what an engine that has ended wrote is there.
                has_ended = engine.poll() is not None
                found = changes.read()
                order = tell(found)
                if order != told:
                    told = order
                    write_order(folder, told)
                if any(change.name == EVALUATIONS_FILE for change in found):
                    evaluations.read((folder / EVALUATIONS_FILE).read_bytes())
                if has_ended:
                    return engine.returncode
                time.sleep(_TELL_SECONDS)


def _remove_left() -> None:
    """Remove what workers that were killed on this machine have left."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            is_old = time.time() - left.stat().st_mtime > _LEFT_SECONDS
            if is_old and not is_held(left / "run"):
                shutil.rmtree(left)
        except OSError:
            continue  # somebody else's, or removed by another worker just now


class Evaluations:
    """Tells of each evaluation once, however often its line is read.

    Parameters
    ----------
    on_evaluation
        Given the event.
    """

    def __init__(self, on_evaluation: Callable[[dict[str, Any]], None]) -> None:
        self._on_evaluation = on_evaluation
        self._step = 0

    def read(self, lines: bytes) -> None:
        """Take in lines of the evaluations' file."""
        for line in lines.splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue  # not written to its end yet, or cut short by a crash
            if event["kind"] == "validation" and event["step"] > self._step:
                self._step = event["step"]
                self._on_evaluation(event)
