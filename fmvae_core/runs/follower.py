"""Reading files of JSON lines that grow, without reading all of a large one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

Event = dict[str, Any]

WHOLE_BYTES = 1_000_000
"""A file up to this size is read whole; of a larger one lines are taken at even distances."""

SAMPLES = 1500
SLICE_BYTES = 1_000_000
_LINE_BYTES = 4096


class Follower:
    """One file of JSON lines: first what is there, thinned out if that is much, then what comes.

    Parameters
    ----------
    path
        The file; it may come later.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inode: int | None = None
        self._place = 0
        self.restarted = False
        """Whether the last `read` began anew, because a resumed run has rewritten the file."""

    def read(self) -> list[Event]:
        """Return the events that are new since the last call; at most a slice of them."""
        self.restarted = False
        try:
            with open(self._path, "rb") as file:
                status = os.fstat(file.fileno())
                if status.st_ino != self._inode or status.st_size < self._place:
                    self.restarted = self._inode is not None
                    self._inode, self._place = status.st_ino, 0
                    if status.st_size > WHOLE_BYTES:
                        return self._sample(file.fileno(), status.st_size)
                return self._next(file.fileno())
        except FileNotFoundError:
            return []

    def _next(self, file: int) -> list[Event]:
        os.lseek(file, self._place, os.SEEK_SET)
        data = os.read(file, SLICE_BYTES)
        whole = data.rfind(b"\n") + 1
        self._place += whole
        return _parsed(data[:whole].splitlines())

    def _sample(self, file: int, size: int) -> list[Event]:
        """Return lines at even distances; a step that is found twice is given once."""
        events: list[Event] = []
        tail = max(0, size - _LINE_BYTES)
        for index in range(SAMPLES):
            place = index * tail // SAMPLES
            os.lseek(file, place, os.SEEK_SET)
            data = os.read(file, _LINE_BYTES)
            first = data.find(b"\n") + 1 if place else 0
            end = data.find(b"\n", first)
            if end > 0:
                found = _parsed([data[first:end]])
                if found and (not events or found[0] != events[-1]):
                    events += found
        os.lseek(file, tail, os.SEEK_SET)
        data = os.read(file, size - tail)
        whole = data.rfind(b"\n") + 1
        lines = data[:whole].splitlines()
        self._place = tail + whole
        return events + _parsed(lines[1:] if tail else lines)


def _parsed(lines: list[bytes]) -> list[Event]:
    found = []
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue  # cut short by a crash, and overwritten when the run is resumed
        if isinstance(event, dict) and isinstance(event.get("step"), int):
            found.append(event)
    return found
