"""What a sweep shall do, and doing it on this machine with Ray."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fmvae_core.cli import app
from fmvae_core.cluster.sweep import (
    TRIALS,
    Draw,
    Result,
    Sweep,
    SweepError,
    read_results,
    read_space,
    read_sweep,
    results,
    results_json,
    trial_name,
    write_sweep,
)
from fmvae_core.models.bundle import Bundle
from fmvae_core.runs.record import RunState, write_record, write_state
from tests.fmvae_core.cluster.processes import wait_until
from tests.fmvae_core.cluster.test_cluster import SETTINGS
from tests.fmvae_core.runs.processes import tiny_record

RATE = "optimiser.learning_rate"


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    search = {RATE: "loguniform(1e-4, 1e-2)", "model.latent_dim": "choice(3, 4)"}
    return Sweep(tiny_record(tmp_path, 60), search, 3, "asha", "hit_f1", seed=5)


@pytest.mark.parametrize(
    ("text", "function", "arguments"),
    [
        ("choice(16, 32, 64)", "choice", (16, 32, 64)),
        (" loguniform(1e-4,1e-2)", "loguniform", (1e-4, 1e-2)),
        ("choice([8, 8], [16, 16])", "choice", ([8, 8], [16, 16])),
        ('choice("none", "soft")', "choice", ("none", "soft")),
    ],
)
def test_what_can_be_drawn(text: str, function: str, arguments: tuple[object, ...]) -> None:
    assert Draw.parse(text) == Draw(function, arguments)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "16",
        "choice()",
        "uniform(1)",
        "exec('x')",
        "choice(open('x'))",
        "uniform(low=1, high=2)",
    ],
)
def test_what_cannot_be_drawn(text: str) -> None:
    with pytest.raises(SweepError, match="cannot be drawn from; write for example"):
        Draw.parse(text)


def test_a_sweep_is_read_as_it_was_written(sweep: Sweep, tmp_path: Path) -> None:
    write_sweep(tmp_path, sweep)
    assert read_sweep(tmp_path) == sweep
    with pytest.raises(SweepError, match="holds no sweep"):
        read_sweep(tmp_path / "elsewhere")


def test_settings_that_are_not_there_are_refused(sweep: Sweep) -> None:
    sweep.check()
    with pytest.raises(SweepError, match=r"no setting 'model\.latent_dims'"):
        dataclasses.replace(sweep, search={"model.latent_dims": "choice(3)"}).check()
    with pytest.raises(SweepError, match="nothing to search"):
        dataclasses.replace(sweep, search={}).check()
    with pytest.raises(ValueError, match="at least one step"):
        sweep.trial(0, {"optimiser.batch_size": 1})


def test_a_space_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "space.toml"
    file.write_text('[model]\nlatent_dim = "choice(3, 4)"\n')
    assert read_space(file) == {"model.latent_dim": "choice(3, 4)"}
    file.write_text("latent_dim = 3\n")
    with pytest.raises(SweepError, match=r"space\.toml holds no settings to draw"):
        read_space(file)


def test_the_best_comes_first(sweep: Sweep, tmp_path: Path) -> None:
    for number, (figure, state) in enumerate(((0.4, "finished"), (0.6, "stopped"), (None, "new"))):
        run = tmp_path / TRIALS / trial_name(number)
        write_record(run, sweep.trial(number, {RATE: 1e-3 * (number + 1), "model.latent_dim": 3}))
        write_state(run, RunState(state=state, step=10))  # type: ignore[arg-type]
        if figure is not None:
            event = {"kind": "validation", "step": 10, "hit_f1": figure, "wrong_steps": figure}
            (run / "evaluations.jsonl").write_text(json.dumps(event) + '\n{"kind": "val')
    found = results(tmp_path, sweep)
    assert [result.number for result in found] == [1, 0, 2]
    assert [result.is_over for result in found] == [True, True, False]
    assert found[0].values == {RATE: 2e-3, "model.latent_dim": 3}
    errors = dataclasses.replace(sweep, metric="wrong_steps")
    assert [result.number for result in results(tmp_path, errors)] == [0, 1, 2]
    assert read_results(results_json(found).encode()) == found
    assert read_results(b'[{"number": 0') == []


def test_says_what_is_missing(tmp_path: Path) -> None:
    for arguments, words in (
        ([], "there is nothing to search"),
        (["--search", "latent_dim=choice(3)"], "is not TABLE.NAME=DRAW"),
        (["--resume"], "name the sweep to go on with"),
    ):
        done = CliRunner().invoke(app, ["sweep", *arguments])
        assert isinstance(done.exception, ValueError)
        assert words in str(done.exception)


@pytest.mark.ray
def test_a_sweep_goes_on_after_ctrl_c_and_makes_the_best_a_bundle(tmp_path: Path) -> None:
    data = tiny_record(tmp_path).data
    out = tmp_path / "sweep"
    arguments = [
        *(sys.executable, "-m", "fmvae_core.cli", "sweep", "--data", str(data)),
        *("--trials", "3", "--scheduler", "asha", "--at-once", "1", "--device", "cpu"),
        *(*SETTINGS, "--set", "optimiser.steps=300"),
        *("--search", f"{RATE}=loguniform(1e-4, 1e-2)", "--out", str(out)),
    ]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    wanted: Sweep | None = None

    def has_measured() -> bool:
        nonlocal wanted
        assert process.poll() is None
        if wanted is None and (out / "sweep.json").exists():
            wanted = read_sweep(out)
        return wanted is not None and any(item.figure for item in results(out, wanted))

    try:
        wait_until(has_measured, "an evaluation")
        os.kill(process.pid, signal.SIGINT)
        told = process.communicate(timeout=100)[0].decode()
    finally:
        process.kill()
        process.wait()
    assert wanted is not None
    assert process.returncode == 1, told
    assert "flatjam sweep --resume --out" in told
    before = {item.number: item for item in results(out, wanted)}
    assert len(before) == 3
    assert not all(item.is_over for item in before.values())

    again = subprocess.run(
        [sys.executable, "-m", "fmvae_core.cli", "sweep", "--resume", "--out", str(out)],
        capture_output=True,
        timeout=200,
    )
    told = (again.stdout + again.stderr).decode()
    assert again.returncode == 0, told
    after = results(out, wanted)
    assert all(item.is_over for item in after)
    assert {item.number: item.values for item in after} == {
        number: item.values for number, item in before.items()
    }
    best = after[0]
    assert isinstance(best, Result)
    assert best.state == "finished"
    bundle = Bundle.open(out / "bundle")
    assert bundle.card["configuration"]["optimiser"]["learning_rate"] == best.values[RATE]
