"""Sending a sweep to a cluster, and following it from here."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from fmvae_core.cluster.follow import Link, read_link, send
from fmvae_core.cluster.head import ENDED, Head, HeadError, HeadUnreachableError
from fmvae_core.cluster.mirror import Mirror
from fmvae_core.cluster.package import as_sent, pack
from fmvae_core.cluster.places import INPUT, SHOWN
from fmvae_core.cluster.sweep import (
    RESULTS_FILE,
    SWEEP_FILE,
    TRIALS,
    Result,
    Sweep,
    read_results,
    to_json,
    trial_name,
)
from fmvae_core.runs.record import write_record, write_state

log = logging.getLogger(__name__)

_LOOK_SECONDS = 2.0
_PATIENT_SECONDS = 5.0

OnResults = Callable[[list[Result]], None]


def follow_sweep(
    folder: Path,
    sweep: Sweep,
    address: str,
    *,
    should_stop: Callable[[], bool],
    on_results: OnResults,
    on_note: Callable[[str], None],
) -> list[Result]:
    """Send a sweep to a cluster, or find it there again; bring its best trial here at the end.

    Parameters
    ----------
    folder
        Of the sweep, here; the caller holds it.
    address
        Of the cluster.
    should_stop
        Asked all the time; the sweep is then stopped on the cluster, and can go on.
    on_results
        Given how the trials stand whenever that has changed, the best first.
    on_note
        Given what else is to be said.

    Returns
    -------
    list
        How the trials stood at the end, the best first.

    Raises
    ------
    HeadError
        If the head refuses it, forgets it, or cannot be reached to begin with.
    """
    head = Head(address)
    link = read_link(folder)
    known = head.status(link.job) if link is not None and link.address == head.address else None
    if link is None or known is None or known[0] in ENDED:
        head.node()  # before half a minute goes into reading a corpus
        on_note("reading the corpus")
        sent = Sweep(**{**vars(sweep), "record": as_sent(sweep.record)})
        more = [(INPUT / SWEEP_FILE, to_json(sent).encode())]
        package = pack(sweep.record, more=more)
        on_note(f"sending it to {head.address}")
        link = send(head, link, folder, "fmvae_core.cluster.sweep_job", package)
    results = _watch(head, link, should_stop, on_results, on_note)
    if results and results[0].figure is not None:
        best = folder / TRIALS / trial_name(results[0].number)
        record = sweep.trial(results[0].number, results[0].values)
        write_record(best, record)
        place = f"{link.name}/{TRIALS}/{best.name}"
        state = Mirror(head, place, best).read(is_last=True)
        if state is not None:
            write_state(best, state)
    return results


def _watch(
    head: Head,
    link: Link,
    should_stop: Callable[[], bool],
    on_results: OnResults,
    on_note: Callable[[str], None],
) -> list[Result]:
    results: list[Result] = []
    is_stopping = False
    while True:
        try:
            if should_stop() and not is_stopping:
                on_note("stopping")
                head.stop(link.job)
                is_stopping = True
            job = head.status(link.job)
            text = head.read(head.node(), f"{SHOWN}/{link.name}/{RESULTS_FILE}")
        except HeadUnreachableError as error:
            if should_stop():
                raise
            log.warning("%s", error)
            on_note(f"{error}; trying again")
            time.sleep(_PATIENT_SECONDS)
            continue
        if job is None:
            raise HeadError(
                f"the cluster at {head.address} was started anew and knows this sweep no more; add "
                "--resume to send it there again: it goes on with the trials that the head has kept"
            )
        found = read_results(text)
        if found and found != results:
            results = found
            on_results(results)
        if job[0] == "FAILED":
            last = [line for line in head.words(link.job).splitlines() if line.strip()][-1:]
            raise HeadError(f"the job {link.job} has failed: {' '.join([job[1], *last])[:600]}")
        if job[0] in ENDED:
            return results
        time.sleep(_LOOK_SECONDS)
