"""More say for what must be done in time, where the system allows it.

The interpreter runs one thread at a time. A thread of realtime priority that waits for one of
ordinary priority, which the system has put aside for other programs while it runs the interpreter,
is as late as that one. So all threads of a process that has to be in time are raised, and those
that work for long lower themselves.
"""

from __future__ import annotations

import ctypes
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
"""The same of the other threads of a process that sounds."""
ANSWERER = 1
"""The same of the model worker: it computes for long, and no engine may wait for it."""
_NICE = -10

# Of <sys/mman.h>. The last: lock what is used once it is used, and not all that could be.
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4
_CAP_IPC_LOCK = 14  # of <linux/capability.h>


def raise_priority(level: int) -> str:
    """Raise the priority of the calling thread, and of all that it starts, as far as allowed.

    Parameters
    ----------
    level
        Realtime priority, `TIMER`, `HELPER` or `ANSWERER`.

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


def lock_memory() -> bool:
    """Keep what this process uses in memory; return whether the system allows that without limit.

    Code that rests for long, such as that of a rare case, is put aside, and to get it back from the
    disk takes longer than a note may be late. Where there is a limit, memory would run out at it.
    """
    if not sys.platform.startswith("linux"):
        return False
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if limit != resource.RLIM_INFINITY and not _may_lock():
        return False
    library = ctypes.CDLL(None, use_errno=True)
    if library.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) != 0:
        log.debug("memory cannot be locked: %s", os.strerror(ctypes.get_errno()))
        return False
    return True


def _may_lock() -> bool:
    """Whether no limit of locked memory holds for this process (Linux)."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:
        granted = next((line.split()[1] for line in status if line.startswith("CapEff:")), "0")
    return bool(int(granted, 16) >> _CAP_IPC_LOCK & 1)


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
