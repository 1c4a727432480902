from __future__ import annotations

import importlib.util
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

# Threads of OpenMP that wait for each other beside a busy process are a hundred times slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# What a shell starts in the background ignores Ctrl-C, and so would all processes of the tests.
signal.signal(signal.SIGINT, signal.default_int_handler)

_PATIENCE = 10.0
_RAY_SECONDS = 400


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs Ray where it is not installed, and give it the time that it takes."""
    is_there = importlib.util.find_spec("ray") is not None and sys.platform == "linux"
    for item in items:
        if item.get_closest_marker("ray"):
            item.add_marker(pytest.mark.timeout(_RAY_SECONDS))
            if not is_there:
                item.add_marker(pytest.mark.skip(reason="needs the extra 'cluster', on Linux"))


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep settings and caches of the person who runs the tests out of them."""
    home = tmp_path_factory.mktemp("flatjam")
    monkeypatch.setenv("FLATJAM_CONFIG", str(home / "config"))
    monkeypatch.setenv("FLATJAM_CACHE", str(home / "cache"))
    monkeypatch.setenv("FLATJAM_USER_DATA", str(home / "data"))


@pytest.fixture
def groove_data() -> Path:
    """The folder with the published Groove zip, where ``FLATJAM_DATA`` names it."""
    data = os.environ.get("FLATJAM_DATA")
    if data is None:
        pytest.skip("FLATJAM_DATA does not name a folder with the Groove zip")
    return Path(data)


def children() -> set[int]:
    """Return the process numbers of this process's children, where the system tells (Linux)."""
    found: set[int] = set()
    for task in Path("/proc/self/task").glob("*/children"):
        found.update(int(pid) for pid in task.read_text().split())
    return found


@pytest.fixture(scope="session", autouse=True)
def _no_process_is_left() -> Iterator[None]:
    """Fail where a test has left a process behind."""
    before = children()
    yield
    deadline = time.monotonic() + _PATIENCE
    while (left := children() - before) and time.monotonic() < deadline:
        time.sleep(0.05)
    commands = [Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ") for pid in left]
    assert not left, f"processes were left behind: {commands}"
