"""What has changed in the folder of a run since one last looked, as bytes to be sent."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fmvae_core.files import replacing
from fmvae_core.runs.files import CLUSTER_FILE, RECORD_FILE, STATE_FILE
from fmvae_core.runs.orders import ORDER_FILE

KEPT_FILE = "kept.json"
"""On the head: what whoever follows a run looks at first, its state and checksums of its files."""

_OWN = frozenset({RECORD_FILE, ORDER_FILE, CLUSTER_FILE, KEPT_FILE})
"""Files that belong to the place where they are, and are not carried from one to another."""

_LINES = frozenset({".jsonl", ".txt"})
BOARD = "tensorboard"


def run_files(folder: Path) -> list[str]:
    """Return what is carried of a run, as names in its folder: its state last."""
    found = []
    for file in folder.rglob("*"):
        place = file.relative_to(folder)
        is_hidden = any(part.startswith(".") for part in place.parts)
        if not is_hidden and place.as_posix() not in _OWN and file.is_file():
            found.append(place.as_posix())
    return sorted(found, key=lambda name: (name == STATE_FILE, name))


def is_of_lines(name: str) -> bool:
    """Whether a file grows line by line; all others are whole at any time."""
    return PurePosixPath(name).suffix in _LINES


def _grows(name: str) -> bool:
    return is_of_lines(name) or PurePosixPath(name).parts[0] == BOARD


@dataclass(frozen=True)
class Change:
    """Bytes of a file from `start` on; from 0 they are the whole file."""

    name: str
    start: int
    data: bytes


class Changes:
    """Looks at the folder of a run.

    Parameters
    ----------
    folder
        Which.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, tuple[int, int, int]] = {}

    def read(self) -> list[Change]:
        """Return what is new since the last call."""
        found = []
        for name in run_files(self._folder):
            try:
                with open(self._folder / name, "rb") as file:
                    status = os.fstat(file.fileno())
                    inode, size, time = self._known.get(name, (0, 0, 0))
                    if (status.st_ino, status.st_size, status.st_mtime_ns) == (inode, size, time):
                        continue
                    grew = _grows(name) and status.st_ino == inode and status.st_size >= size
                    start = size if grew else 0
                    file.seek(start)
                    data = file.read()
            except FileNotFoundError:
                continue
            self._known[name] = (status.st_ino, start + len(data), status.st_mtime_ns)
            found.append(Change(name, start, data))
        return found


def apply(change: Change, folder: Path) -> None:
    """Make the file in a folder what it is where the change was read.

    Raises
    ------
    ValueError
        If what comes before is not there.
    """
    file = folder / change.name
    if change.start == 0:
        with replacing(file) as scratch:
            scratch.write_bytes(change.data)
        return
    with open(file, "r+b") as opened:
        if opened.seek(0, os.SEEK_END) < change.start:
            raise ValueError(f"{file} lacks what comes before byte {change.start}")
        opened.seek(change.start)
        opened.truncate()
        opened.write(change.data)
