"""What needs no cluster: carrying a run's files, the worker's part, packages, addresses."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fmvae_core.cli import app
from fmvae_core.cluster.changes import KEPT_FILE, Change, Changes, apply, run_files
from fmvae_core.cluster.follow import follow
from fmvae_core.cluster.head import Head, HeadError, HeadUnreachableError, checked
from fmvae_core.cluster.job import in_words, resources_of, take_over
from fmvae_core.cluster.keeper import Keeper, checkpoint_step
from fmvae_core.cluster.package import pack
from fmvae_core.cluster.work import work
from fmvae_core.files import replacing
from fmvae_core.runs.files import CHECKPOINT_FILE, EVENTS_FILE
from fmvae_core.runs.orders import Order
from fmvae_core.runs.record import RunRecord, read_record, read_state, stored_state, write_record
from fmvae_core.runs.supervisor import TETHERED
from fmvae_core.training.steering import steer
from tests.fmvae_core.cluster.processes import free_port, wait_until
from tests.fmvae_core.runs.processes import ENDLESS, tiny_record


def test_changes_make_the_same_folder_elsewhere(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    there.mkdir()
    (here / "space").mkdir(parents=True)
    (here / ".lock").write_text("")
    (here / "order").write_text("stop")
    (here / "events.jsonl").write_text('{"step": 1}\n')
    (here / "space" / "step-1.safetensors").write_bytes(b"one")
    (here / "checkpoint.safetensors").write_bytes(b"first")
    changes = Changes(here)

    def carry() -> list[tuple[str, int]]:
        found = changes.read()
        for change in found:
            apply(change, there)
        return [(change.name, change.start) for change in found]

    assert sorted(carry()) == [
        ("checkpoint.safetensors", 0),
        ("events.jsonl", 0),
        ("space/step-1.safetensors", 0),
    ]
    assert carry() == []
    with open(here / "events.jsonl", "a") as file:
        file.write('{"step": 2}\n')
    with replacing(here / "checkpoint.safetensors") as scratch:
        scratch.write_bytes(b"secnd")
    assert sorted(carry()) == [("checkpoint.safetensors", 0), ("events.jsonl", 12)]
    with replacing(here / "events.jsonl") as scratch:  # as a resumed run does
        scratch.write_text('{"step": 1}\n')
    assert carry() == [("events.jsonl", 0)]
    for name in run_files(here):
        assert (there / name).read_bytes() == (here / name).read_bytes()
    assert not (there / "order").exists()


def test_a_change_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text("short\n")
    with pytest.raises(ValueError, match="lacks what comes before byte 50"):
        apply(Change("events.jsonl", 50, b"more"), tmp_path)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The folder of runs of a head, with one that has not begun."""
    record = tiny_record(tmp_path, ENDLESS)
    write_record(tmp_path / "kept" / "a", record)
    return tmp_path / "kept"


def test_a_worker_trains_and_tells_until_it_is_stopped_and_another_goes_on(kept: Path) -> None:
    keeper = Keeper(kept)
    told: list[int] = []

    def tell(changes: list[Change]) -> Order:
        order = keeper.take("a", changes)
        return "stop" if stored_state(kept / "a").step >= 60 else order

    assert work(keeper.files("a"), tell, lambda event: told.append(event["step"])) == 0
    state = stored_state(kept / "a")
    assert state.state == "stopped"
    reached = keeper.step("a")
    assert reached == state.step >= 60
    shown = json.loads((kept / "a" / KEPT_FILE).read_text())
    assert shown["state"]["step"] == reached
    assert set(shown["files"]) > {CHECKPOINT_FILE}

    def tell_again(changes: list[Change]) -> Order:
        keeper.take("a", changes)
        return "stop" if stored_state(kept / "a").step >= reached + 20 else "run"

    first = list(told)
    again: list[int] = []
    assert work(keeper.files("a"), tell_again, lambda event: again.append(event["step"])) == 0
    assert keeper.step("a") >= reached + 20
    assert again[: len(first)] == first, "evaluations of the leg before are told first"
    lines = (kept / "a" / EVENTS_FILE).read_text().splitlines()
    steps = [json.loads(line)["step"] for line in lines]
    assert steps == sorted(steps)


def test_what_fails_on_a_worker_is_told_in_words(kept: Path, tmp_path: Path) -> None:
    keeper = Keeper(kept)
    (tmp_path / "frames.safetensors").unlink()
    assert work(keeper.files("a"), lambda changes: keeper.take("a", changes)) == 1
    assert "frames.safetensors is not a frames cache" in stored_state(kept / "a").reason


def test_an_engine_ends_with_whoever_started_it(tmp_path: Path) -> None:
    write_record(tmp_path / "run", tiny_record(tmp_path, ENDLESS))
    starter = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess, sys, time\n"
            f"engine = subprocess.Popen([sys.executable, '-m', 'fmvae_core.training', "
            f"{str(tmp_path / 'run')!r}, '{TETHERED}'], stdin=subprocess.PIPE)\n"
            "print(engine.pid, flush=True)\n"
            "time.sleep(300)",
        ],
        stdout=subprocess.PIPE,
    )
    try:
        assert starter.stdout is not None
        engine = int(starter.stdout.readline())
        wait_until(lambda: read_state(tmp_path / "run").step > 5, "steps")
    finally:
        starter.kill()
        starter.communicate()
    wait_until(lambda: stored_state(tmp_path / "run").state == "stopped", "its end")
    assert checkpoint_step(tmp_path / "run" / CHECKPOINT_FILE) > 5
    wait_until(lambda: not _is_there(engine), "the process to be gone")


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # One that nobody waits for any more stays in the table until init has noticed.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_package_trains_where_nothing_else_is(tmp_path: Path) -> None:
    record = tiny_record(tmp_path, 20)
    package = pack(dataclasses.replace(record, cluster="http://head:8265"))
    assert package == pack(record), "the same content is the same package"
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        archive.extractall(tmp_path / "there")
    Path(str(record.data)).unlink()
    subprocess.run(
        [sys.executable, "-m", "fmvae_core.training", "input/run"],
        cwd=tmp_path / "there",
        check=True,
        timeout=100,
    )
    assert stored_state(tmp_path / "there" / "input" / "run").state == "finished"


def test_the_head_keeps_what_is_further(tmp_path: Path) -> None:
    record = tiny_record(tmp_path, 20)
    write_record(tmp_path / "far", record)
    steer(tmp_path / "far", record)
    write_record(tmp_path / "new", record)
    kept = tmp_path / "kept"
    take_over(tmp_path / "far", kept)
    assert checkpoint_step(kept / CHECKPOINT_FILE) == 20
    take_over(tmp_path / "new", kept)
    assert checkpoint_step(kept / CHECKPOINT_FILE) == 20
    assert (kept / EVENTS_FILE).read_text() == (tmp_path / "far" / EVENTS_FILE).read_text()


@pytest.mark.parametrize(
    ("device", "threads", "cluster", "wanted"),
    [
        ("auto", None, {"CPU": 8.0}, "1 processor"),
        ("auto", 4, {"CPU": 8.0, "GPU": 2.0}, "1 GPU, 4 processors"),
        ("cuda", None, {"CPU": 8.0}, "1 GPU, 1 processor"),
        ("cpu", 2, {"CPU": 8.0, "GPU": 2.0}, "2 processors"),
    ],
)
def test_what_a_run_asks_for(
    tmp_path: Path, device: str, threads: int | None, cluster: dict[str, float], wanted: str
) -> None:
    record = dataclasses.replace(tiny_record(tmp_path), device=device, threads=threads)
    assert in_words(resources_of(record, cluster)) == wanted


def test_addresses() -> None:
    assert checked(" http://10.0.0.7:8265/ ") == "http://10.0.0.7:8265"
    for wrong in ("10.0.0.7:8265", "ray://head:10001", "http://head", "http://:8265", "http://h:x"):
        with pytest.raises(HeadError, match="write http://HEAD:8265"):
            checked(wrong)


def test_says_that_no_head_answers(tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(HeadUnreachableError, match="no head of a cluster answers"):
        Head(address).node()
    record = dataclasses.replace(tiny_record(tmp_path), cluster=address)
    write_record(tmp_path / "run", record)
    with pytest.raises(HeadUnreachableError):
        follow(tmp_path / "run", record)
    state = stored_state(tmp_path / "run")
    assert state.state == "failed"
    assert "No head of a cluster answers" in state.reason


def test_is_sent_by_a_process_of_its_own_where_nobody_wants_to_wait(tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = ["train", "--out", str(run), "--size", "study", "--threads", "1"]
    address = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "fmvae_core.cli", *arguments, "--on", address, "--detach"]
    assert b"sends and follows it" in subprocess.run(command, capture_output=True).stdout
    wait_until(lambda: read_state(run).state == "failed", "its end")
    assert "No head of a cluster answers" in read_state(run).reason
    assert read_record(run).cluster == address
    again = CliRunner().invoke(app, [*arguments, "--resume", "--seed", "5", "--on", address])
    assert isinstance(again.exception, HeadUnreachableError)
    assert read_record(run).config.seed == 0, "what a run does is not changed by resuming it"


def test_what_a_killed_worker_left_is_removed(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    old, new = tmp_path / "flatjam-worker-old", tmp_path / "flatjam-worker-new"
    for left in (old, new):
        (left / "run").mkdir(parents=True)
    os.utime(old, (0, 0))
    (tmp_path / "frames.safetensors").unlink()  # so that this one ends at once
    keeper = Keeper(kept)
    assert work(keeper.files("a"), lambda changes: keeper.take("a", changes)) == 1
    assert not old.exists()
    assert new.exists()
    assert [left.name for left in tmp_path.glob("flatjam-worker-*")] == [new.name]


def test_a_record_keeps_its_cluster(tmp_path: Path) -> None:
    record = dataclasses.replace(tiny_record(tmp_path), cluster="http://head:8265")
    assert RunRecord.from_dict(record.to_dict()) == record
    before = record.to_dict()
    del before["cluster"]
    assert RunRecord.from_dict(before).cluster is None
