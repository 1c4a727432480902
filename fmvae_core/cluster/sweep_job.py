"""``python -m fmvae_core.cluster.sweep_job NAME``: a sweep as a job of Ray, on a cluster's head."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import ray

from fmvae_core.cluster.places import INPUT, kept_dir, show
from fmvae_core.cluster.sweep import (
    RESULTS_FILE,
    SWEEP_FILE,
    Result,
    read_sweep,
    results_json,
    write_sweep,
)
from fmvae_core.cluster.tuning import draw_trials, tune_trials
from fmvae_core.files import alone_in, replacing


def main() -> int:
    """Do the sweep of that name, or go on with it; return the exit code."""
    name = sys.argv[1]
    context: Any = ray.init(log_to_driver=False)
    folder = kept_dir() / name
    with alone_in(kept_dir() / f".{name}", patience=30.0):
        sweep = read_sweep(INPUT)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / SWEEP_FILE).exists():
            write_sweep(folder, sweep)
        draw_trials(folder, sweep)
        show(Path(context.address_info["session_dir"]) / "logs", name)

        def tell(found: list[Result]) -> None:
            with replacing(folder / RESULTS_FILE) as scratch:
                scratch.write_text(results_json(found), "utf-8")

        tell(tune_trials(folder, sweep, tell))
    return 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    sys.exit(main())
