"""``python -m fmvae_core.cluster FOLDER``: sends a run to its cluster and follows it."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from fmvae_core.cluster.follow import follow
from fmvae_core.files import alone_in
from fmvae_core.runs.record import read_record
from fmvae_core.training.interrupts import interrupted

log = logging.getLogger(__name__)

_NICE = 10
_PATIENCE = 5.0  # seconds; who looks whether a run is going on holds its lock for a moment


def main() -> int:
    """Follow the run in the folder that is named; return the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if len(sys.argv) != 2:
        print("usage: python -m fmvae_core.cluster FOLDER", file=sys.stderr)
        return 2
    if hasattr(os, "nice"):
        os.nice(_NICE)
    folder = Path(sys.argv[1])
    try:
        with alone_in(folder, _PATIENCE), interrupted() as is_interrupted:
            follow(folder, read_record(folder), should_stop=is_interrupted)
    except Exception:
        log.exception("the run can no longer be followed")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
