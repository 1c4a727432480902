"""The journal of a take: JSON lines, written as things happen, and read again."""

from __future__ import annotations

import io
import json
import logging
import os
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from fmvae_core.files import data_dir
from fmvae_core.jam.records import RECORDS, VERSION, AnyRecord, Head, Record

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
"""How soon writing is tried again where it failed."""
MOST_WAITING_BYTES = 8 * 1024 * 1024
"""What is kept for a disk that is full; later records are dropped, and counted."""

_AT_ONCE = 100
_CLOSE_SECONDS = 5.0


class JournalError(ValueError):
    """A journal that cannot be written or read; the message says why and what to do."""


def takes_dir() -> Path:
    """Return the folder that takes are written to by default; it may not be there yet."""
    return data_dir() / "takes"


def new_take(when: datetime) -> Path:
    """Return a path in `takes_dir` for the journal of a take that begins then; it is not there."""
    return free_path(takes_dir() / f"{when:%Y-%m-%d %H-%M-%S}.jsonl")


def free_path(path: Path) -> Path:
    """Return a path, with a number where it is taken: a pedal begins take after take."""
    number = 2
    free = path
    while free.exists():
        free = path.with_stem(f"{path.stem} {number}")
        number += 1
    return free


def check_journal(path: str | os.PathLike[str]) -> None:
    """Make sure that a journal can be made: make an empty file, with its folders, and delete it.

    Raises
    ------
    JournalError
        If the file exists or cannot be made.
    """
    _make(Path(path)).close()
    Path(path).unlink()


def _make(path: Path) -> io.FileIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Unbuffered, so that what did not fit onto the disk is known to the byte.
        return open(path, "xb", buffering=0)
    except FileExistsError as error:
        if not path.exists():  # it is what should be its folder that is a file
            raise _cannot_write(path, error) from None
        raise JournalError(
            f"{path} exists, and a journal is never overwritten; choose another file"
        ) from None
    except OSError as error:
        raise _cannot_write(path, error) from None


def _cannot_write(path: Path, error: OSError) -> JournalError:
    reason = error.strerror or str(error)
    return JournalError(f"{path} cannot be written ({reason}); choose another file")


class JournalWriter:
    """Writes records to a new file, each as soon as it is given, on a thread of its own.

    What has been written is in the hands of the operating system at once: a crash of the process
    loses nothing of it. A disk that is full, or gone, is told once; records are kept, writing goes
    on where it stopped once there is room, and nobody waits for it.

    Parameters
    ----------
    path
        File to make, with its folders.
    head
        The first line.
    on_problem
        Told, on the writer's thread, what is wrong; and None once all is well again.

    Raises
    ------
    JournalError
        If the file exists or cannot be made.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        head: Head,
        on_problem: Callable[[str | None], None] = lambda problem: None,
    ) -> None:
        self.path = Path(path)
        self._file = _make(self.path)
        self._on_problem = on_problem
        self._records: queue.SimpleQueue[Record | None] = queue.SimpleQueue()
        self._waiting = bytearray()
        self._dropped = 0
        self._problem: str | None = None
        self._records.put(head)
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @property
    def problem(self) -> str | None:
        """What keeps the journal from being written, if anything does."""
        return self._problem

    @property
    def dropped(self) -> int:
        """How many records were lost because the disk stayed full too long."""
        return self._dropped

    def write(self, record: Record) -> None:
        """Have a record written. Never blocks, and may be called from any thread."""
        self._records.put(record)

    def close(self) -> None:
        """Write what waits, once more if the disk was full, and close the file."""
        self._records.put(None)
        self._thread.join(_CLOSE_SECONDS)

    def _run(self) -> None:
        is_open = True
        while is_open:
            is_open = self._take_what_came()
            self._write_what_waits()
        self._file.close()

    def _take_what_came(self) -> bool:
        """Wait for records, or for the time to try again, and return whether more may come."""
        timeout = RETRY_SECONDS if self._waiting else None
        with suppress(queue.Empty):
            for _ in range(_AT_ONCE):
                record = self._records.get(timeout=timeout)
                if record is None:
                    return False
                self._keep(record)
                timeout = 0.0
        return True

    def _keep(self, record: Record) -> None:
        line = record.model_dump_json().encode() + b"\n"
        if len(self._waiting) + len(line) > MOST_WAITING_BYTES:
            self._dropped += 1
        else:
            self._waiting += line

    def _write_what_waits(self) -> None:
        try:
            while self._waiting:
                # On a disk that fills up, less may be written than was given.
                del self._waiting[: self._file.write(self._waiting)]
        except OSError as error:
            if self._problem is None:
                reason = error.strerror or str(error)
                self._set_problem(
                    f"the journal {self.path} cannot be written ({reason}); "
                    "the jam goes on: make room, and what is missing is written then"
                )
            return
        if self._problem is not None:
            self._set_problem(None)

    def _set_problem(self, problem: str | None) -> None:
        self._problem = problem
        if problem is not None:
            log.error("%s", problem)
        self._on_problem(problem)


@dataclass(frozen=True)
class Journal:
    """A journal that was read.

    Parameters
    ----------
    head
        How the jam began.
    records
        All that happened, without the head, in order.
    is_cut
        Whether the last line was incomplete and left out: the writer's process, or its machine,
        ended in the middle of it.
    """

    head: Head
    records: tuple[AnyRecord, ...]
    is_cut: bool


def read_journal(path: str | os.PathLike[str]) -> Journal:
    """Read a journal, also one that is still being written.

    Raises
    ------
    JournalError
        If the file is missing, no journal, damaged, or of a newer version.
    """
    try:
        lines = Path(path).read_bytes().split(b"\n")
    except OSError as error:
        raise JournalError(
            f"{path} cannot be read ({error.strerror or error}); check the path"
        ) from None
    last = lines.pop()  # empty where the last line is complete
    if not lines:
        raise JournalError(f"{path} is not a journal, or an empty one; choose another file")
    head = read_head(path, lines[0])
    records = []
    for number, line in enumerate(lines[1:], start=2):
        try:
            records.append(RECORDS.validate_json(line))
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            raise JournalError(
                f"line {number} of {path} is damaged ({reason}); "
                "remove it with a text editor to read the rest"
            ) from None
    return Journal(head, tuple(records), is_cut=bool(last))


def read_head(path: str | os.PathLike[str], line: bytes) -> Head:
    """Return the head that the first line of a journal holds.

    Raises
    ------
    JournalError
        If it is no journal, damaged, or of a newer version; the message names ``path``.
    """
    try:
        fields = json.loads(line)
        if fields["format"] != "flatjam-journal":
            raise ValueError
        version = int(fields["version"])
    except (ValueError, LookupError, TypeError, RecursionError):
        raise JournalError(f"{path} is not a journal; choose another file") from None
    if version > VERSION:
        raise JournalError(
            f"{path} was written by a newer Flatjam (version {version} of the journal, "
            f"this one reads up to {VERSION}); update Flatjam"
        )
    try:
        return Head.model_validate_json(line)
    except ValidationError as error:
        raise JournalError(
            f"the first line of {path} is damaged ({error.errors()[0]['msg']}); choose another file"
        ) from None
