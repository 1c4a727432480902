"""``python -m fmvae_core.training FOLDER``: the process of one run. It outlives the window."""

from __future__ import annotations

import os

# Before torch is loaded: the sound comes first, and threads that wait must not spin.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import logging
import sys
from pathlib import Path

import torch

from fmvae_core.files import alone_in
from fmvae_core.runs.record import read_record
from fmvae_core.training.interrupts import interrupted
from fmvae_core.training.steering import Watcher, steer

log = logging.getLogger(__name__)

_NICE = 10
_PATIENCE = 5.0  # seconds; who looks whether a run is going on holds its lock for a moment


def main() -> int:
    """Train the run in the folder that is named; return the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if len(sys.argv) != 2:
        print("usage: python -m fmvae_core.training FOLDER", file=sys.stderr)
        return 2
    if hasattr(os, "nice"):
        os.nice(_NICE)
    folder = Path(sys.argv[1])
    try:
        with alone_in(folder, _PATIENCE), interrupted() as is_interrupted:
            record = read_record(folder)
            torch.set_num_threads(record.threads or max(1, (os.cpu_count() or 2) - 1))
            steer(folder, record, Watcher(should_stop=is_interrupted), yields_to_jams=True)
    except Exception:
        log.exception("the run ended")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
