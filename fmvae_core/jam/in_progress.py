"""Whether a jam is going on: a lock that a training looks at, and that a crash gives back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from fmvae_core.files import data_dir, is_locked

_PATIENCE = 0.1  # seconds; whoever looks holds the lock for microseconds


def jam_lock_file() -> Path:
    """Return the file that is locked while a jam goes on."""
    return data_dir() / "jam.lock"


class JamFlag:
    """Raised while a jam goes on, so that trainings on this machine wait."""

    def __init__(self) -> None:
        self._lock: FileLock | None = None

    def raise_it(self) -> None:
        """Tell that a jam goes on. Where another jam has told so already, that one stands."""
        if self._lock is not None:
            return
        file = jam_lock_file()
        lock = FileLock(file, thread_local=False)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=_PATIENCE, poll_interval=0.005)
        except (Timeout, OSError):
            return
        self._lock = lock

    def lower_it(self) -> None:
        """Tell that it is over."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None


@contextmanager
def jamming() -> Iterator[None]:
    """Hold the flag up for the length of a block."""
    flag = JamFlag()
    flag.raise_it()
    try:
        yield
    finally:
        flag.lower_it()


def is_jam_in_progress() -> bool:
    """Whether a jam goes on on this machine, of this user."""
    return is_locked(jam_lock_file())
