"""Sending a run to a cluster, and following it from here as if it ran here.

What is known of it comes into its folder on this machine, where window and command line find it as
they find any run; whoever follows it holds that folder. The run does not need to be followed.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fmvae_core.cluster.head import ENDED, Head, HeadUnreachableError
from fmvae_core.cluster.mirror import Mirror
from fmvae_core.cluster.package import pack
from fmvae_core.files import replacing
from fmvae_core.runs.files import CHECKPOINT_FILE, CLUSTER_FILE
from fmvae_core.runs.orders import read_order
from fmvae_core.runs.record import RunRecord, RunState, StateName, stored_state, write_state
from fmvae_core.runs.words import duration_in_words

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
_PATIENT_SECONDS = 5.0
_STOP_SECONDS = "120"  # in which a stopped job may write and send its checkpoint

OnState = Callable[[RunState], None]


@dataclass(frozen=True)
class Link:
    """Where a run was sent.

    Parameters
    ----------
    address
        Of the cluster.
    name
        Of the folder that is kept on its head.
    job
        Of the last job that trained it there.
    """

    address: str
    name: str
    job: str


def read_link(folder: Path) -> Link | None:
    """Return where a run was sent, if it was."""
    try:
        return Link(**json.loads((folder / CLUSTER_FILE).read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(
            f"{folder / CLUSTER_FILE} is damaged ({error}); delete it to send the run anew"
        ) from None


def follow(
    folder: Path,
    record: RunRecord,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    on_state: OnState = lambda state: None,
    on_corpus: Callable[[int, int], None] = lambda done, total: None,
) -> RunState:
    """Send a run to its cluster, or find it there again; return how it stood at its end.

    The caller holds the folder (`fmvae_core.files.alone_in`). The order ``stop`` in the folder, or
    `should_stop`, ends the run on the cluster.

    Raises
    ------
    HeadError
        If the head refuses it, or cannot be reached to begin with.
    CorpusError, DownloadError
        If the corpus cannot be had.
    """
    assert record.cluster is not None
    desk = _Desk(folder, on_state)
    head = Head(record.cluster)
    try:
        link = read_link(folder)
        if link is not None and link.address == head.address:
            desk.tell(note=f"looking for it at {head.address}")
            known = head.status(link.job)
            state = Mirror(head, link.name, folder).read(is_last=True) if known else None
            is_over = state is not None and state.state == "finished"
            if known is not None and (is_over or known[0] not in ENDED):
                return _watch(head, link, folder, desk, should_stop)
        link = _send(head, link, folder, record, desk, on_corpus)
        return _watch(head, link, folder, desk, should_stop)
    except Exception as error:
        text = str(error)
        desk.tell("failed", reason=text[:1].upper() + text[1:])
        raise


def _send(
    head: Head,
    link: Link | None,
    folder: Path,
    record: RunRecord,
    desk: _Desk,
    on_corpus: Callable[[int, int], None],
) -> Link:
    head.node()  # before half a minute goes into reading a corpus
    desk.tell("starting", note="reading the corpus")
    package = pack(record, folder, on_corpus=on_corpus)
    desk.tell("starting", note=f"sending it to {head.address}")
    link = send(head, link, folder, "fmvae_core.cluster.job", package)
    desk.tell("starting", note=f"sent to {head.address}")
    return link


def send(head: Head, link: Link | None, folder: Path, module: str, package: bytes) -> Link:
    """Submit a job for what is in a folder here; where that was there before, it goes on there."""
    if link is None or link.address != head.address:
        name = f"{folder.name}-{secrets.token_hex(4)}"
    else:
        name = link.name
    link = Link(head.address, name, f"{name}-{secrets.token_hex(3)}")
    # Written before it is sent: a job that nobody knows of would train for nobody.
    with replacing(folder / CLUSTER_FILE) as scratch:
        scratch.write_text(json.dumps(dataclasses.asdict(link)), "utf-8")
    environment = {"RAY_JOB_STOP_WAIT_TIME_S": _STOP_SECONDS}
    head.submit(link.job, f"python -m {module} {link.name}", package, environment)
    return link


def _watch(
    head: Head, link: Link, folder: Path, desk: _Desk, should_stop: Callable[[], bool]
) -> RunState:
    mirror = Mirror(head, link.name, folder)
    is_stopping = False
    silent_since: float | None = None
    while True:
        wants_stop = should_stop() or read_order(folder) == "stop"
        try:
            if wants_stop and not is_stopping:
                head.stop(link.job)
                is_stopping = True
            # Asked before the folder is read: what a job that has ended wrote is there.
            job = head.status(link.job)
            if job is None:
                return desk.tell("lost", reason=_forgotten(head, folder))
            has_ended = job[0] in ENDED
            state = mirror.read(is_last=has_ended)
            silent_since = None
        except HeadUnreachableError as error:
            log.warning("%s", error)
            silent_since = silent_since or time.monotonic()
            if wants_stop:
                return desk.tell("lost", reason=_unstopped(head))
            silent = duration_in_words(time.monotonic() - silent_since)
            desk.tell(note=f"{error}; trying again for {silent}")
            time.sleep(_PATIENT_SECONDS)
            continue
        if state is not None:
            desk.take(state, is_stopping)
        if has_ended:
            if state is None or state.is_active:
                if job[0] == "STOPPED":
                    return desk.tell("stopped")
                return desk.tell("failed", reason=_broken(head, link, job[1]))
            return desk.state
        time.sleep(_LOOK_SECONDS)


def _unstopped(head: Head) -> str:
    return (
        f"The cluster at {head.address} does not answer, so the run could not be told to stop and "
        "may go on there. Resume finds it again."
    )


def _forgotten(head: Head, folder: Path) -> str:
    kept = "Its last checkpoint is here. " if (folder / CHECKPOINT_FILE).exists() else ""
    return (
        f"The cluster at {head.address} was started anew and knows this run no more. {kept}Resume "
        "sends it there again, and it goes on from the last checkpoint."
    )


def _broken(head: Head, link: Link, message: str) -> str:
    last = [line for line in head.words(link.job).splitlines() if line.strip()][-1:]
    words = " ".join(filter(None, [message.strip().splitlines()[0] if message else "", *last]))
    return (
        f"The job {link.job} on {head.address} has failed: {words[:600]} Resume goes on from the "
        "last checkpoint."
    )


class _Desk:
    """Tells in the folder how the run stands."""

    def __init__(self, folder: Path, on_state: OnState) -> None:
        self._folder = folder
        self._on_state = on_state
        self.state = stored_state(folder)

    def tell(self, state: StateName | None = None, *, note: str = "", reason: str = "") -> RunState:
        """Tell what is known here."""
        name: StateName = state or (self.state.state if self.state.is_active else "starting")
        return self._write(dataclasses.replace(self.state, state=name, note=note, reason=reason))

    def take(self, state: RunState, is_stopping: bool) -> None:
        """Tell what the cluster tells."""
        if is_stopping and state.is_active:
            state = dataclasses.replace(state, note="stopping")
        self._write(state)

    def _write(self, state: RunState) -> RunState:
        self.state = state
        write_state(self._folder, state)
        self._on_state(state)
        return state
