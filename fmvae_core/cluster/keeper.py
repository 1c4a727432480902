"""The folders of runs on a cluster's head: what is kept there outlives every worker."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

from fmvae_core.cluster.changes import KEPT_FILE, Change, apply, is_of_lines, run_files
from fmvae_core.files import replacing
from fmvae_core.runs.files import CHECKPOINT_FILE, RECORD_FILE, STATE_FILE
from fmvae_core.runs.orders import Order
from fmvae_core.runs.record import StateName, stored_state, write_state


class Keeper:
    """Takes in what workers tell of runs, and tells them what to do. An actor without a processor.

    Parameters
    ----------
    base
        Holds a folder for each run.
    """

    def __init__(self, base: Path) -> None:
        self._base = base
        self._orders: dict[str, Order] = {}
        self._begun: set[str] = set()
        self._checksums: dict[str, dict[str, str]] = {}

    def files(self, run: str) -> dict[str, bytes]:
        """Return all that a worker needs to begin a run or to go on with it."""
        folder = self._base / run
        return {name: (folder / name).read_bytes() for name in (RECORD_FILE, *run_files(folder))}

    def take(self, run: str, changes: list[Change]) -> Order:
        """Take in what has changed; return what the worker shall do."""
        self._begun.add(run)
        folder = self._base / run
        for change in changes:
            apply(change, folder)
            self._sums(run).update(_sums(folder, [change.name]))
        if changes:
            self._publish(run)
        return self._orders.get(run, "run")

    def say(self, run: str, state: StateName, note: str = "", reason: str = "") -> None:
        """Tell how a run stands while no worker does."""
        folder = self._base / run
        told = dataclasses.replace(stored_state(folder), state=state, note=note, reason=reason)
        write_state(folder, told)
        self._publish(run)

    def order(self, run: str, order: Order) -> None:
        """Have a worker do something the next time it tells of its run."""
        self._orders[run] = order

    def await_worker(self, run: str) -> None:
        """Take note that a worker has been asked for."""
        self._begun.discard(run)

    def has_begun(self, run: str) -> bool:
        """Whether the worker that was asked for is at work."""
        return run in self._begun

    def step(self, run: str) -> int:
        """Return how far the run's checkpoint is."""
        return checkpoint_step(self._base / run / CHECKPOINT_FILE)

    def _publish(self, run: str) -> None:
        folder = self._base / run
        kept = {"state": dataclasses.asdict(stored_state(folder)), "files": self._sums(run)}
        with replacing(folder / KEPT_FILE) as scratch:
            scratch.write_text(json.dumps(kept), "utf-8")

    def _sums(self, run: str) -> dict[str, str]:
        """Return the checksums of the run's files that are whole at any time, but its state."""
        if run not in self._checksums:
            folder = self._base / run
            self._checksums[run] = _sums(folder, run_files(folder))
        return self._checksums[run]


def _sums(folder: Path, names: list[str]) -> dict[str, str]:
    return {
        name: sha256_of(folder / name)
        for name in names
        if name != STATE_FILE and not is_of_lines(name)
    }


def sha256_of(file: Path) -> str:
    """Return the checksum of a file."""
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def checkpoint_step(file: Path) -> int:
    """Return how many steps lie behind a checkpoint; 0 if there is none that can be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="numpy") as opened:
            return int(json.loads((opened.metadata() or {})["flatjam"])["step"])
    except (OSError, SafetensorError, KeyError, ValueError, TypeError):
        return 0
