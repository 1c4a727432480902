"""``python -m fmvae_core.training FOLDER``: the process of one run. It outlives the window.

``--tethered`` has it end, after a checkpoint, when its standard input does, and heed no jams: on a
worker of a cluster it never outlives who started it.
"""

from __future__ import annotations

import os

# Before torch is loaded: the sound comes first, and threads that wait must not spin.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import logging
import signal
import sys
import threading
from pathlib import Path

from fmvae_core.files import alone_in
from fmvae_core.runs.record import read_record
from fmvae_core.runs.supervisor import TETHERED
from fmvae_core.training.interrupts import interrupted
from fmvae_core.training.steering import Watcher, follow, hardware_for, steer

log = logging.getLogger(__name__)

_NICE = 10
_PATIENCE = 5.0  # seconds; who looks whether a run is going on holds its lock for a moment


def main() -> int:
    """Train the run in the folder that is named; return the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    is_tethered = sys.argv[2:] == [TETHERED]
    if len(sys.argv) != 2 + is_tethered:
        print(f"usage: python -m fmvae_core.training FOLDER [{TETHERED}]", file=sys.stderr)
        return 2
    folder = Path(sys.argv[1])
    try:
        if int(os.environ.get("LOCAL_RANK", 0)) > 0:
            # The first one has started this process, with its priority.
            with interrupted() as is_interrupted:
                follow(hardware_for(read_record(folder)), is_interrupted)
            return 0
        if is_tethered:
            threading.Thread(target=_end_with_input, name="tether", daemon=True).start()
        if hasattr(os, "nice"):
            os.nice(_NICE)
        with alone_in(folder, _PATIENCE), interrupted() as is_interrupted:
            record = read_record(folder)
            watcher = Watcher(should_stop=is_interrupted)
            steer(folder, record, watcher, yields_to_jams=not is_tethered)
    except Exception:
        log.exception("the run ended")
        return 1
    return 0


def _end_with_input() -> None:
    # Not through sys.stdin: a thread that waits there would abort the process at its end.
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
