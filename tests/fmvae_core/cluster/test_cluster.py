"""Runs on a cluster of real processes: a head and two workers on the loopback interface."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from fmvae_core.cli import app
from fmvae_core.cluster.follow import read_link
from fmvae_core.cluster.head import Head, HeadError
from fmvae_core.cluster.keeper import checkpoint_step
from fmvae_core.runs.files import CHECKPOINT_FILE, EVENTS_FILE
from fmvae_core.runs.orders import write_order
from fmvae_core.runs.record import RunState, StateName, read_record, read_state
from fmvae_core.runs.store import create_run
from fmvae_core.runs.supervisor import start_run
from fmvae_core.training.checkpoint import load_checkpoint
from fmvae_core.training.steering import Watcher, steer
from tests.fmvae_core.cluster.processes import Cluster, wait_until
from tests.fmvae_core.runs.processes import ENDLESS, tiny_record

pytestmark = pytest.mark.ray

TINY = (
    "optimiser.steps=60",
    "optimiser.batch_size=8",
    "model.encoder_hidden=[8, 8]",
    "model.decoder_hidden=[8, 8]",
    "model.conductor_hidden=8",
    "model.prior_hidden=[8, 8]",
    "model.latent_dim=4",
    "flatness.points=4",
)
SETTINGS = [part for setting in TINY for part in ("--set", setting)]


class Sent:
    """A run on the cluster, and the processes that follow it."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        record = dataclasses.replace(tiny_record(folder, ENDLESS), cluster=cluster.address)
        self.run = create_run(record, folder / "runs")
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        process = start_run(self.run)
        self.processes.append(process)
        return process

    def wait(self, wanted: StateName, least: int = 0, words: str = "") -> RunState:
        """Wait until it stands so, so far, and says so."""
        found = RunState()

        def is_so() -> bool:
            nonlocal found
            found = read_state(self.run)
            is_wanted = found.state == wanted and found.step >= least
            assert is_wanted or found.state != "failed", found.reason
            return is_wanted and words in f"{found.note} {found.reason}"

        try:
            wait_until(is_so, f"{wanted}, step {least}, '{words}'")
        except AssertionError as error:
            log = (self.run / "log.txt").read_text()
            raise AssertionError(f"{error}; but {found}\n{log[-2000:]}") from None
        return found

    def stop(self) -> None:
        write_order(self.run, "stop")
        self.wait("stopped")
        self.processes[-1].wait(timeout=20)

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def sent(cluster: Cluster, tmp_path: Path) -> Iterator[Sent]:
    cluster.restore()
    sent = Sent(cluster, tmp_path)
    yield sent
    sent.close()


def events(run: Path, last: int) -> list[str]:
    """Return the lines of a run's events up to a step."""
    lines = (run / EVENTS_FILE).read_text().splitlines()
    return [line for line in lines if json.loads(line)["step"] <= last]


def test_a_run_comes_back_as_if_it_had_been_trained_here(cluster: Cluster, tmp_path: Path) -> None:
    data = tiny_record(tmp_path).data
    run = tmp_path / "run"
    base = ["train", "--data", str(data), "--size", "study", "--device", "cpu", *SETTINGS]
    there = CliRunner().invoke(
        app, [*base, "--out", str(run), "--threads", "1", "--on", cluster.address]
    )
    assert there.exit_code == 0, there.output
    assert "Finished" in there.output
    state = read_state(run)
    assert (state.state, state.step) == ("finished", 60)
    record = read_record(run)
    assert record.data == data, "of this machine, so that a bundle can be made of the run here"

    steer(tmp_path / "here", dataclasses.replace(record, cluster=None))

    assert events(run, 60) == events(tmp_path / "here", 60)
    mine = load_checkpoint(tmp_path / "here" / CHECKPOINT_FILE)
    its = load_checkpoint(run / CHECKPOINT_FILE)
    assert its.step == mine.step == 60
    assert its.tensors.keys() == mine.tensors.keys()
    assert all(torch.equal(its.tensors[name], tensor) for name, tensor in mine.tensors.items())
    assert list((run / "tensorboard").iterdir())

    again = CliRunner().invoke(app, [*base, "--out", str(run), "--resume", "--on", cluster.address])
    assert again.exit_code == 0, again.output
    assert load_checkpoint(run / CHECKPOINT_FILE).step == 60, "there was nothing more to do"


def test_goes_on_exactly_where_its_worker_was_killed(
    cluster: Cluster, sent: Sent, tmp_path: Path
) -> None:
    run = sent.run
    sent.start()
    sent.wait("running", 20)
    sent.stop()
    kept = checkpoint_step(run / CHECKPOINT_FILE)
    assert kept >= 20

    follower = sent.start()
    sent.wait("running", kept + 10)
    job = read_link(run)
    follower.kill()  # the run needs nobody to follow it
    follower.wait()
    sent.wait("lost", words="Resume")
    sent.start()
    sent.wait("running", kept + 20)
    assert read_link(run) == job, "the same job, found again"

    engine = cluster.engine()
    assert engine is not None
    node = cluster.node_of(engine)
    cluster.kill(node)
    sent.wait("starting", words=f"its worker died; it goes on from step {kept}")
    reached = sent.wait("running", kept + 30).step
    engine = cluster.engine()
    assert engine is not None
    assert cluster.node_of(engine) != node
    sent.stop()

    mine = tmp_path / "here"
    stop_after = reached - reached % 10
    record = dataclasses.replace(read_record(run), cluster=None)
    trainers = []
    watcher = Watcher(
        on_trainer=trainers.append, should_stop=lambda: trainers[0].step >= stop_after
    )
    steer(mine, record, watcher)
    assert events(run, stop_after) == events(mine, stop_after)


def test_says_what_to_do_when_the_head_was_started_again(cluster: Cluster, sent: Sent) -> None:
    sent.start()
    sent.wait("running", 10)
    sent.stop()
    kept = checkpoint_step(sent.run / CHECKPOINT_FILE)
    sent.start()
    sent.wait("running", kept + 1)

    cluster.kill("head")
    sent.wait("running", words="trying again for")
    for name in list(cluster.nodes):
        cluster.kill(name)  # they would end by themselves, a while after their head
    cluster.start_head(cpus=1)
    state = sent.wait("lost", words="was started anew and knows this run no more")
    assert "Resume sends it there again" in state.reason
    assert checkpoint_step(sent.run / CHECKPOINT_FILE) >= kept
    sent.processes[-1].wait(timeout=20)

    cluster.wait_for(1)
    sent.start()
    sent.wait("running", kept + 5)
    sent.stop()


def test_a_sweep_sends_its_best_run_back_as_a_bundle(cluster: Cluster, tmp_path: Path) -> None:
    data = tiny_record(tmp_path).data
    out = tmp_path / "sweep"
    arguments = [
        *("sweep", "--data", str(data), "--trials", "2", "--device", "cpu", *SETTINGS),
        *("--search", "optimiser.learning_rate=loguniform(1e-4, 1e-2)"),
        *("--out", str(out), "--on", cluster.address),
    ]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert (out / "bundle" / "bundle.json").is_file(), list((out / "bundle").iterdir())
    assert "The best is the run" in done.output


def test_says_that_a_token_is_wanted(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "another")
    with pytest.raises(HeadError, match="wants a token"):
        Head(cluster.address).nodes()
