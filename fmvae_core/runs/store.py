"""The folder of runs: list, create and describe."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fmvae_core.files import data_dir
from fmvae_core.runs.files import RECORD_FILE
from fmvae_core.runs.record import (
    RunError,
    RunRecord,
    RunState,
    read_record,
    read_state,
    write_record,
)


@dataclass(frozen=True)
class Run:
    """A run as it stands."""

    folder: Path
    record: RunRecord
    state: RunState


def runs_dir() -> Path:
    """Return the folder of all runs, in the user's data folder."""
    return data_dir() / "runs"


def list_runs(folder: Path | None = None) -> list[Run]:
    """Return the runs that can be read, the newest first."""
    folder = folder or runs_dir()
    found = []
    for record_file in folder.glob(f"*/{RECORD_FILE}"):
        run = record_file.parent
        try:
            found.append(Run(run, read_record(run), read_state(run)))
        except RunError:
            continue  # not of this version; it stays where it is
    return sorted(found, key=lambda run: (run.record.created, run.folder.name), reverse=True)


def create_run(record: RunRecord, folder: Path | None = None) -> Path:
    """Make the folder of a new run and return it."""
    run = new_run_folder(record.name, folder)
    now = datetime.now().isoformat(timespec="seconds")
    write_record(run, dataclasses.replace(record, created=now))
    return run


def new_run_folder(name: str, folder: Path | None = None) -> Path:
    """Make an empty folder for a run of that name and return it."""
    folder = folder or runs_dir()
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "run"
    base = f"{datetime.now():%Y%m%d-%H%M%S}-{slug}"
    number = 1
    while True:
        run = folder / (base if number == 1 else f"{base}-{number}")
        try:
            run.mkdir(parents=True)
            return run
        except FileExistsError:
            number += 1


def describe_run(
    run: Path, *, name: str | None = None, tags: tuple[str, ...] | None = None
) -> None:
    """Give a run another name or other tags."""
    record = read_record(run)
    if name is not None:
        record = dataclasses.replace(record, name=name)
    if tags is not None:
        record = dataclasses.replace(record, tags=tags)
    write_record(run, record)
