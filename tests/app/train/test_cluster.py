"""A run that a cluster trains, from the tab."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fmvae_core.runs.record import read_record
from tests.app.conftest import PATIENCE
from tests.app.train.conftest import Rig
from tests.fmvae_core.cluster.processes import Cluster, free_port

_MORE_PATIENCE = 3 * PATIENCE


@pytest.fixture
def cluster(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Cluster]:
    """A head that trains itself."""
    cluster = Cluster(
        tmp_path_factory.mktemp("cluster"), Path(tempfile.mkdtemp(prefix="fj-", dir="/tmp"))
    )
    monkeypatch.setenv("RAY_AUTH_TOKEN", cluster.token)
    try:
        cluster.start_head(cpus=1)
        cluster.wait_for(1)
        yield cluster
    finally:
        cluster.close()


def _choose(rig: Rig, address: str) -> None:
    rig.form.cluster.setText(address)
    rig.form.cluster.textEdited.emit(address)


def _wait_for(rig: Rig, run: Path, state: str, step: int) -> None:
    """Wait longer than for a run that has not far to go."""

    def is_so() -> bool:
        found = rig.tab.runs.runs.get(run)
        return found is not None and found.state.state == state and found.state.step >= step

    rig.qtbot.waitUntil(is_so, timeout=_MORE_PATIENCE)


def test_an_address_that_is_none_is_told(rig: Rig, own_folder: Path) -> None:
    rig.drop(own_folder)
    _choose(rig, "my-gpu-box")
    assert not rig.form.start.isEnabled()
    assert "write http://HEAD:8265" in rig.form.start.toolTip()
    _choose(rig, "http://my-gpu-box:8265")
    assert rig.form.start.isEnabled()
    assert not rig.form.measure.isEnabled()
    assert rig.form.measure.toolTip() == "Only this machine can be measured."
    _choose(rig, "")
    assert rig.form.start.isEnabled()
    assert rig.form.measure.isEnabled()


def test_says_that_no_cluster_answers(rig: Rig, own_folder: Path) -> None:
    rig.drop(own_folder)
    rig.make_small(40)
    address = f"http://127.0.0.1:{free_port()}"
    _choose(rig, address)
    run = rig.start()
    rig.wait_for(run, "failed")
    assert rig.head.words.text().startswith(f"No head of a cluster answers at {address}")
    assert rig.head.resume.isVisible()
    assert read_record(run).cluster == address


@pytest.mark.ray
def test_is_followed_stopped_and_played_like_any_run(
    cluster: Cluster, open_rig: Callable[[], Rig], own_folder: Path
) -> None:
    rig = open_rig()
    rig.drop(own_folder)
    rig.make_small(100_000)
    _choose(rig, cluster.address)
    run = rig.start()
    _wait_for(rig, run, "running", step=20)
    assert f"on {cluster.address.removeprefix('http://')}" in rig.head.figures.text()
    assert not rig.head.pause.isEnabled()
    assert "Stop it: Resume goes on from there" in rig.head.pause.toolTip()
    rig.head.stop.click()
    _wait_for(rig, run, "stopped", step=20)
    rig.wait(lambda: rig.head.bundle.isEnabled())
    rig.head.bundle.click()
    rig.qtbot.waitUntil(lambda: bool(rig.opened), timeout=_MORE_PATIENCE)
    assert (rig.opened[0] / "bundle.json").is_file()
