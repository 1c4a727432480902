"""Starting the process of a run. It outlives whoever started it."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

from fmvae_core.files import is_held
from fmvae_core.runs.environment import training_environment
from fmvae_core.runs.files import LOG_FILE
from fmvae_core.runs.orders import write_order
from fmvae_core.runs.record import RunError, read_record, read_state, write_state

TETHERED = "--tethered"
"""Has a training end when its standard input does, so that it does not outlive who started it."""


def start_run(run: Path) -> subprocess.Popen[bytes]:
    """Start a run, or go on with it from its last checkpoint.

    The process trains it or, where that is for a cluster to do, sends it there and follows it. It
    is in a session of its own, so that it goes on when the window or the terminal is closed; its
    words go to ``log.txt`` in the folder.

    Raises
    ------
    RunError
        If it is going on already.
    """
    if is_held(run):
        raise RunError(f"the run in {run} is going on already")
    is_here = read_record(run).cluster is None
    write_order(run, "run")
    stood = read_state(run)
    note = "loading torch" if is_here else ""
    write_state(run, dataclasses.replace(stood, state="starting", reason="", note=note))
    module = "fmvae_core.training" if is_here else "fmvae_core.cluster"
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.BELOW_NORMAL_PRIORITY_CLASS
    with open(run / LOG_FILE, "ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", module, str(run)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=training_environment(),
            start_new_session=True,
            creationflags=flags,
        )
