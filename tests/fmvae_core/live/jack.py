"""A JACK server of one's own, with no hardware, and ears that hear what an engine plays on it."""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType

import jack
import numpy as np
import numpy.typing as npt

RATE = 48_000
PERIOD = 128
PATIENCE = 20.0

jack.set_error_function(lambda message: None)
jack.set_info_function(lambda message: None)


_REGISTRY = Path("/dev/shm/jack-shm-registry")
_NULL = subprocess.DEVNULL


def _forget_the_dead() -> None:
    """Free the places of our servers that were killed, in this run or another that was killed.

    JACK knows eight servers at most, and forgets one that was killed only when its namesake ends.
    """
    registry = _REGISTRY.read_bytes() if _REGISTRY.exists() else b""
    for name in set(re.findall(rb"flatjam-\d+-[0-9a-f]{6}", registry)) - _running():
        command = ["jackd", "-n", name.decode(), "-d", "dummy", "-r", str(RATE)]
        with subprocess.Popen(command, stdout=_NULL, stderr=_NULL) as namesake:
            with suppress(subprocess.TimeoutExpired):
                namesake.wait(0.5)  # it has taken the place by then, or at the next attempt
            namesake.terminate()
            try:
                namesake.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                namesake.kill()


def _running() -> set[bytes]:
    """Return the names of the servers that run."""
    names = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has just ended
            words = path.read_bytes().split(b"\0")
            if b"jackd" in words and b"-n" in words:
                names.add(words[words.index(b"-n") + 1])
    return names


def wait_until(is_done: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    end = time.monotonic() + patience
    while not is_done():
        assert time.monotonic() < end, f"still not {what} after {patience:g} s"
        time.sleep(0.005)


class JackServer:
    """``jackd`` with the dummy driver, under a name that nobody else uses.

    It asks for realtime priority, without which the dummy driver falls behind on a busy machine,
    and does without where that is not allowed.

    Parameters
    ----------
    outputs
        How many the device has that it pretends to play on.
    """

    def __init__(self, outputs: int = 2) -> None:
        self._outputs = outputs
        self.name = f"flatjam-{os.getpid()}-{secrets.token_hex(3)}"
        self._process: subprocess.Popen[bytes] | None = None
        self._is_registered = False

    @property
    def environment(self) -> dict[str, str]:
        """What an engine needs in its environment to play on this server."""
        return {"JACK_DEFAULT_SERVER": self.name, "FLATJAM_AUDIO_DRIVER": "jack"}

    def start(self) -> None:
        self._is_registered = True
        _forget_the_dead()
        # Its messages go to nowhere: a full pipe would stop it.
        self._process = subprocess.Popen(
            [
                "jackd",
                "-R",
                "-P",
                "20",
                "-n",
                self.name,
                "-d",
                "dummy",
                "-r",
                str(RATE),
                "-p",
                str(PERIOD),
                "-P",
                str(self._outputs),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._answers, "up, the JACK server")

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "jackd ended at once"
        try:
            client = jack.Client("probe", no_start_server=True, servername=self.name)
        except jack.JackOpenError:
            return False
        client.close()
        return True

    def kill(self) -> None:
        """Let it die without a word to its clients."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        if self._process is None and self._is_registered:
            # JACK knows eight servers at most, and forgets one that was killed only when its
            # namesake ends.
            self.start()
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
            self._is_registered = False

    def __enter__(self) -> JackServer:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


class Ears:
    """A JACK client that records what the engine called ``flatjam`` plays.

    Blocks are kept with the server's frame time, so a block that this process was too slow to take
    leaves a hole and moves nothing.

    Parameters
    ----------
    server
        Where it plays.
    outputs
        Names of the engine's outputs to hear, in the order of the channels that are returned.
    """

    def __init__(self, server: JackServer, outputs: Sequence[str] = ("left", "right")) -> None:
        self._outputs = outputs
        self._client = jack.Client("ears", no_start_server=True, servername=server.name)
        self._inputs = [self._client.inports.register(name) for name in outputs]
        self._blocks: list[tuple[int, float, npt.NDArray[np.float32]]] = []
        self._xruns: list[int] = []
        self._client.set_process_callback(self._process)
        self._client.set_xrun_callback(lambda delay: self._xruns.append(self._client.frame_time))
        self._client.activate()

    def _process(self, frames: int) -> None:
        block = np.stack([port.get_array() for port in self._inputs], axis=1)
        self._blocks.append((self._client.last_frame_time, time.monotonic(), block))

    def attach(self) -> None:
        """Connect to the engine's outputs, once they are there."""

        for name, port in zip(self._outputs, self._inputs, strict=True):
            wait_until(partial(self._connect, f"flatjam:{name}", port), f"connected to {name}")

    def _connect(self, output: str, port: jack.OwnPort) -> bool:
        try:
            self._client.connect(output, port)
        except jack.JackErrorCode:  # it is not there, or does not run yet
            return False
        return True

    def connections(self, port: str) -> set[str]:
        """Return the names of what a port is connected to, but for these ears."""
        everything = self._client.get_all_connections(self._client.get_port_by_name(port))
        return {each.name for each in everything if not each.name.startswith("ears")}

    @property
    def now(self) -> int:
        """Frame time of the end of what has been heard."""
        wait_until(lambda: bool(self._blocks), "hearing")
        start, _, block = self._blocks[-1]
        return start + len(block)

    def listen(self, seconds: float) -> npt.NDArray[np.float32]:
        """Return the next seconds of sound, ``(frames, channels)``."""
        start = self.now
        end = start + round(seconds * RATE)
        wait_until(lambda: self.now >= end, "heard", seconds + PATIENCE)
        return self.heard(start, end)

    def heard(self, start: int, end: int) -> npt.NDArray[np.float32]:
        """Return the sound between two frame times; NaN where a block was missed."""
        sound = np.full((end - start, len(self._inputs)), np.nan, np.float32)
        for at, _, block in list(self._blocks):
            first, last = max(at, start), min(at + len(block), end)
            if first < last:
                sound[first - start : last - start] = block[first - at : last - at]
        return sound

    def time_of(self, frame: int) -> float:
        """Return the monotonic time at which a frame passed, within about a period."""
        return frame / RATE + self._offset(frame)

    def stutter(self, start: int, end: int) -> float:
        """Return by how many seconds the server itself fell behind between two frame times."""
        offsets = [self._offset(frame) for frame in range(start, end, RATE // 10)]
        return max(offsets) - min(offsets)

    def had_xrun(self, start: int, end: int) -> bool:
        """Return whether the server tells that sound was lost between two frame times."""
        return any(start <= frame < end for frame in self._xruns)

    def _offset(self, frame: int) -> float:
        # A callback can only be late, never early; nor does the server ever catch up.
        return min(
            heard_at - at / RATE
            for at, heard_at, _ in list(self._blocks)
            if abs(at - frame) < RATE // 4
        )

    def close(self) -> None:
        self._client.deactivate()
        self._client.close()

    def __enter__(self) -> Ears:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def onsets(sound: npt.NDArray[np.float32], threshold: float, gap: float = 0.06) -> list[int]:
    """Return the frames at which short sounds begin.

    Parameters
    ----------
    sound
        ``(frames, 2)``; holes are NaN.
    threshold
        Level that a sound exceeds.
    gap
        Seconds below it after which the next crossing is a new sound.
    """
    level = np.nan_to_num(np.abs(sound).max(axis=1))
    above = np.flatnonzero(level > threshold)
    if not len(above):
        return []
    begins = np.flatnonzero(np.diff(above, prepend=-(10**9)) > gap * RATE)
    return [int(above[i]) for i in begins]
