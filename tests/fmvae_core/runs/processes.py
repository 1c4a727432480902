"""Runs in processes of their own, and waiting for how they stand."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from fmvae_core.data.corpus import save_corpus
from fmvae_core.runs.orders import write_order
from fmvae_core.runs.record import RunRecord, RunState, StateName, read_state
from fmvae_core.runs.store import create_run
from fmvae_core.runs.supervisor import start_run
from fmvae_core.training.config import TrainingConfig
from tests.corpora import tiny_corpus
from tests.corpora_config import tiny_config

ENDLESS = 1_000_000
PATIENCE = 90.0


def tiny_record(folder: Path, steps: int = ENDLESS, **changes: object) -> RunRecord:
    """Return the record of a run on a tiny corpus that lies in the folder."""
    data = folder / "frames.safetensors"
    if not data.exists():
        save_corpus(tiny_corpus(), data)
    config = TrainingConfig.from_dict({**tiny_config(steps=steps).to_dict(), **changes})
    return RunRecord("tiny", config, data=str(data), device="cpu", threads=1)


def wait_for(
    run: Path, wanted: StateName, also: Callable[[RunState], bool] = lambda state: True
) -> RunState:
    """Wait until a run stands so."""
    deadline = time.monotonic() + PATIENCE
    while True:
        state = read_state(run)
        if state.state == wanted and also(state):
            return state
        log = run / "log.txt"
        told = log.read_text() if log.exists() else ""
        assert state.state != "failed", state.reason + told
        assert time.monotonic() < deadline, f"{state} {told}"
        time.sleep(0.05)


class Runs:
    """Makes runs in a folder and ends their processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []

    def create(self, steps: int = ENDLESS, **changes: object) -> Path:
        return create_run(tiny_record(self.folder, steps, **changes), self.folder / "runs")

    def start(self, run: Path) -> subprocess.Popen[bytes]:
        process = start_run(run)
        self.processes.append(process)
        return process

    def end(self, run: Path) -> None:
        write_order(run, "stop")
        wait_for(run, "stopped")

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
