from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from filelock import FileLock

from fmvae_core import files
from fmvae_core.runs.record import RunError, RunState, read_record, read_state, write_state
from fmvae_core.runs.store import create_run, describe_run, list_runs
from tests.fmvae_core.runs.processes import tiny_record


def test_runs_are_made_listed_and_named(tmp_path: Path) -> None:
    record = tiny_record(tmp_path)
    folder = tmp_path / "runs"
    first = create_run(record, folder)
    second = create_run(dataclasses.replace(record, name="Jazz! 2 bars"), folder)
    assert second.name.endswith("jazz-2-bars")
    assert {run.folder for run in list_runs(folder)} == {first, second}
    assert list_runs(folder)[0].state.state == "new"

    describe_run(first, name="mine", tags=("swing", "brushes"))
    again = read_record(first)
    assert (again.name, again.tags) == ("mine", ("swing", "brushes"))
    assert again.config == record.config


def test_a_run_that_is_only_looked_at_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_LOOK_SECONDS", 60.0)
    looking = FileLock(tmp_path / ".lock")
    looking.acquire()
    monkeypatch.setattr("time.sleep", lambda _seconds: looking.release())
    assert not files.is_held(tmp_path)


def test_what_cannot_be_read_is_left_out_and_told(tmp_path: Path) -> None:
    run = create_run(tiny_record(tmp_path), tmp_path / "runs")
    write_state(run, RunState("running", step=3))
    assert read_state(run).step == 3
    (run / "state.json").write_text("{")
    assert read_state(run).state == "lost"
    (run / "run.json").write_text('{"name": "of another version"}')
    assert list_runs(tmp_path / "runs") == []
    with pytest.raises(RunError, match="no run that can be read"):
        read_record(run)
