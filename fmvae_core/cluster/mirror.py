"""The folder of a run on this machine, kept like that on a cluster's head."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path, PurePosixPath

from fmvae_core.cluster.changes import KEPT_FILE
from fmvae_core.cluster.head import Head, HeadError, HeadUnreachableError
from fmvae_core.cluster.keeper import sha256_of
from fmvae_core.cluster.places import SHOWN
from fmvae_core.files import replacing
from fmvae_core.runs.files import EVALUATIONS_FILE, EVENTS_FILE, LOG_FILE, PACE_FILE
from fmvae_core.runs.record import RunState, state_from

_LINES = 200
"""Lines that are asked for at a time; where more are new, the file is read whole."""

_FETCH_SECONDS = 60.0
"""Between two fetches of files that are replaced again and again: checkpoints are large."""

_LINE_FILES = {EVENTS_FILE: EVENTS_FILE, EVALUATIONS_FILE: EVALUATIONS_FILE, PACE_FILE: PACE_FILE}
# The log here is that of the process that follows.
_LINE_FILES |= {LOG_FILE: "worker.txt"}


class Mirror:
    """Brings here what is new on the head.

    Parameters
    ----------
    head
        Where the run is kept.
    name
        What it is called there.
    folder
        Here.
    """

    def __init__(self, head: Head, name: str, folder: Path) -> None:
        self._head = head
        self._place = f"{SHOWN}/{name}"
        self._folder = folder
        self._node: str | None = None
        self._told = -math.inf
        self._fetched = -math.inf
        self._checksums: dict[str, str] = {}

    def read(self, *, is_last: bool = False) -> RunState | None:
        """Bring what is new; return how the run stands there, ``None`` where nothing is kept yet.

        Parameters
        ----------
        is_last
            Fetch the checkpoint however short a time ago the one before was fetched.

        Raises
        ------
        HeadError
            If the head does not answer, or refuses.
        """
        if self._node is None:
            self._node = self._head.node()
        try:
            return self._read(self._node, is_last)
        except HeadUnreachableError:
            self._node = None  # a head that was started again is another node
            raise

    def _read(self, node: str, is_last: bool) -> RunState | None:
        text = self._head.read(node, f"{self._place}/{KEPT_FILE}")
        if text is None:
            return None
        try:
            kept = json.loads(text)
            state = state_from(kept["state"])
            files = dict(kept["files"])
        except (ValueError, KeyError, TypeError):
            return None  # replaced while it was sent: the next look finds it whole
        if state.updated != self._told or is_last:
            for name, mine in _LINE_FILES.items():
                self._read_lines(node, name, self._folder / mine)
            self._told = state.updated
        self._fetch(node, files, is_last or time.monotonic() - self._fetched >= _FETCH_SECONDS)
        return state

    def _fetch(self, node: str, files: dict[str, str], is_due: bool) -> None:
        """Fetch files that are new, and where it is due also those that are others by now."""
        for name, checksum in files.items():
            to = self._folder / _safe(name)
            if name not in self._checksums and to.exists():
                self._checksums[name] = sha256_of(to)
            known = self._checksums.get(name)
            if known == checksum or not (is_due or known is None):
                continue
            if self._head.fetch(node, f"{self._place}/{name}", to, checksum):
                self._checksums[name] = checksum
            if known is not None:
                self._fetched = time.monotonic()

    def _read_lines(self, node: str, name: str, file: Path) -> None:
        """Add what is new at the end of a file of lines, or read all of it."""
        mine = _last_line(file)
        found = self._head.read(node, f"{self._place}/{name}", _LINES if mine else -1)
        if found is None:
            return
        found = found[: found.rfind(b"\n") + 1]
        place = (b"\n" + found).rfind(b"\n" + mine) if mine else -1
        if place >= 0:
            with open(file, "ab") as opened:
                opened.write(found[place + len(mine) :])
            return
        if mine:
            whole = self._head.read(node, f"{self._place}/{name}")
            found = whole[: whole.rfind(b"\n") + 1] if whole is not None else b""
        with replacing(file) as scratch:
            scratch.write_bytes(found)


def _last_line(file: Path) -> bytes:
    """Return the last whole line of a file, its end included; empty if it has none."""
    try:
        with open(file, "rb") as opened:
            opened.seek(0, 2)
            opened.seek(max(0, opened.tell() - 65536))
            tail = opened.read()
    except FileNotFoundError:
        return b""
    lines = tail.splitlines(keepends=True)
    return lines[-1] if lines and lines[-1].endswith(b"\n") else b""


def _safe(name: str) -> PurePosixPath:
    """Return a name that the head has told, as a place in the folder of a run.

    Raises
    ------
    HeadError
        If it leads elsewhere.
    """
    place = PurePosixPath(name)
    if place.is_absolute() or any(part.startswith(".") for part in place.parts) or "\\" in name:
        raise HeadError(f"the cluster tells of a file '{name}', which is none of a run")
    return place
