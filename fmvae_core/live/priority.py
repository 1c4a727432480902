"""More say for what must be done in time, where the system allows it.

The interpreter runs one thread at a time. A thread of realtime priority that waits for one of
ordinary priority, which the system has put aside for other programs while it runs the interpreter,
is as late as that one. So all threads of a process that has to be in time are raised, and those
that work for long lower themselves.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

TIMER = 3
"""Realtime priority of threads that wake at a moment. Audio threads have 5 and more."""
HELPER = 2
"""The same of the other threads of a process that sounds, and of who answers it."""
_NICE = -10


def raise_priority(level: int) -> str:
    """Raise the priority of the calling thread, and of all that it starts, as far as allowed.

    Parameters
    ----------
    level
        Realtime priority, `TIMER` or `HELPER`.

    Returns
    -------
    granted
        In words, for the log.
    """
    if sys.platform.startswith("linux"):
        thread = threading.get_native_id()
        try:
            os.sched_setscheduler(thread, os.SCHED_RR, os.sched_param(level))
            return "realtime"
        except OSError as error:
            log.debug("no realtime priority: %s", error)
        try:
            os.setpriority(os.PRIO_PROCESS, thread, _NICE)
            return "raised"
        except OSError as error:
            log.debug("no raised priority: %s", error)
    return "ordinary"


def lower_priority() -> None:
    """Give the calling thread, and all that it starts, an ordinary priority again."""
    if sys.platform.startswith("linux"):
        thread = threading.get_native_id()
        if os.sched_getscheduler(thread) == os.SCHED_RR:
            os.sched_setscheduler(thread, os.SCHED_OTHER, os.sched_param(0))
        if os.getpriority(os.PRIO_PROCESS, thread) < 0:
            os.setpriority(os.PRIO_PROCESS, thread, 0)


@contextmanager
def at_priority(level: int | None) -> Iterator[None]:
    """Run something at another priority, ordinary for ``None``, and go back to the one before."""
    if not sys.platform.startswith("linux"):
        yield
        return
    thread = threading.get_native_id()
    before = os.sched_getscheduler(thread), os.sched_getparam(thread)
    nice = os.getpriority(os.PRIO_PROCESS, thread)
    if level is None:
        lower_priority()
    else:
        raise_priority(level)
    try:
        yield
    finally:
        try:
            os.sched_setscheduler(thread, *before)
            os.setpriority(os.PRIO_PROCESS, thread, nice)
        except OSError as error:
            log.debug("the priority before is not granted any more: %s", error)
