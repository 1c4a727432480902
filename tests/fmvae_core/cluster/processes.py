"""A cluster on the loopback interface: a head and workers, processes of Ray's own."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from fmvae_core.cluster.head import Head, HeadUnreachableError

PATIENCE = 110.0
_TRIES = 4
_STORE_BYTES = 100_000_000
_RAY = Path(sys.executable).with_name("ray")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(is_so: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.1)


class Cluster:
    """Starts nodes of one processor each, ends and kills them.

    Every node has an address of its own (127.0.0.2 and up), and who wants to talk to one needs the
    token, which the environment holds.
    """

    def __init__(self, folder: Path, short: Path) -> None:
        self.folder = folder
        self._short = short  # Ray's sockets lie in it, and their paths must be short
        self.port, self.dashboard = free_port(), free_port()
        self.token = secrets.token_hex(16)
        self.nodes: dict[str, subprocess.Popen[bytes]] = {}
        self._options: dict[str, tuple[str, ...]] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.dashboard}"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": self.token,
            # A node that has died is noticed sooner than on a network.
            "RAY_health_check_initial_delay_ms": "500",
            "RAY_health_check_period_ms": "500",
            "RAY_gcs_rpc_server_reconnect_timeout_s": "5",
            # And a machine that does much else may take its time to start one.
            "RAY_DASHBOARD_STARTUP_TIMEOUT_S": "110",
            "RAY_NUM_REDIS_GET_RETRIES": "60",
            # As in the shell where somebody has activated the environment.
            "PATH": f"{_RAY.parent}{os.pathsep}{os.environ['PATH']}",
            "FLATJAM_USER_DATA": str(self.folder / "data"),
        }

    def start_head(self, cpus: int = 0) -> None:
        self._start(
            "head",
            "--head",
            "--node-ip-address=127.0.0.2",
            f"--port={self.port}",
            "--dashboard-host=127.0.0.1",
            f"--dashboard-port={self.dashboard}",
            f"--ray-client-server-port={free_port()}",
            f"--num-cpus={cpus}",
        )

    def start_worker(self, number: int) -> None:
        self._start(
            f"worker {number}",
            f"--address=127.0.0.2:{self.port}",
            f"--node-ip-address=127.0.0.{2 + number}",
            "--num-cpus=1",
        )

    def wait_for(self, nodes: int) -> None:
        """Wait until so many nodes are there.

        Ray gives up starting one after half a minute, which a machine that does much else may need.
        """
        tries = 0

        def are_there() -> bool:
            nonlocal tries
            for name, process in list(self.nodes.items()):
                if process.poll() is not None:
                    tries += 1
                    assert tries <= _TRIES, f"{name} has ended: {self.words(name)}"
                    self._start(name, *self._options[name])
            try:
                return len(Head(self.address).nodes()) == nodes
            except HeadUnreachableError:
                return False

        wait_until(are_there, f"{nodes} nodes")

    def restore(self) -> None:
        """Start again what a test has killed."""
        for name, options in self._options.items():
            if name not in self.nodes:
                self._start(name, *options)
        self.wait_for(len(self.nodes))

    def words(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def node_of(self, pid: int) -> str:
        """Return the node that a process belongs to."""
        by_pid = {process.pid: name for name, process in self.nodes.items()}
        while pid > 1:
            if pid in by_pid:
                return by_pid[pid]
            pid = _parent(pid)
        raise AssertionError("it belongs to none of them")

    def engine(self) -> int | None:
        """Return the process that trains on one of the nodes, if there is one."""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                arguments = (folder / "cmdline").read_bytes().split(b"\0")
                if b"--tethered" in arguments:
                    self.node_of(int(folder.name))
                    return int(folder.name)
            except (OSError, AssertionError):
                continue  # it has ended, or is not of this cluster
        return None

    def kill(self, name: str) -> None:
        """Kill all of a node at once, as if its plug were pulled."""
        process = self.nodes.pop(name)
        for pid in [process.pid, *_below(process.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()

    def close(self) -> None:
        for process in self.nodes.values():
            process.terminate()
        for process in self.nodes.values():
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                for pid in [process.pid, *_below(process.pid)]:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                process.wait()
        self.nodes.clear()
        shutil.rmtree(self._short, ignore_errors=True)

    def _start(self, name: str, *options: str) -> None:
        self._options[name] = options
        with open(self.folder / f"{name}.log", "ab") as log:
            self.nodes[name] = subprocess.Popen(
                [
                    str(_RAY),
                    "start",
                    "--block",
                    "--disable-usage-stats",
                    f"--object-store-memory={_STORE_BYTES}",
                    f"--dashboard-agent-listen-port={free_port()}",
                    # One each, or they would unpack what is sent to them over each other.
                    f"--temp-dir={self._short / name[-1]}",
                    *options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _below(pid: int) -> list[int]:
    """Return the processes that a process has started, and theirs."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, task.read_text().split()):
                found += [child, *_below(child)]
    return found
