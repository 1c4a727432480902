"""Priorities are those of threads, so each test has a thread of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from fmvae_core.live.priority import (
    HELPER,
    TIMER,
    at_priority,
    lower_priority,
    raise_priority,
)

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="priorities of threads are Linux's"
)


def on_a_thread(work: Callable[[], None]) -> None:
    """Run something on a thread that was started from an ordinary one, and pass its error on."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            lower_priority()
            work()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


def standing() -> tuple[int, int, int]:
    thread = threading.get_native_id()
    return (
        os.sched_getscheduler(thread),
        os.sched_getparam(thread).sched_priority,
        os.getpriority(os.PRIO_PROCESS, thread),
    )


def is_raised() -> bool:
    policy, _, nice = standing()
    return policy == os.SCHED_RR or nice < 0


def test_what_is_granted_is_told_and_lowered_again() -> None:
    def work() -> None:
        before = standing()
        granted = raise_priority(TIMER)
        assert is_raised() == (granted != "ordinary")
        if granted == "realtime":
            assert standing()[1] == TIMER
        lower_priority()
        assert standing() == before

    on_a_thread(work)


def test_threads_that_are_started_later_have_it_too_and_lower_themselves_alone() -> None:
    def work() -> None:
        raise_priority(HELPER)
        ours = standing()
        theirs = []

        def child() -> None:
            theirs.append(standing())
            lower_priority()
            theirs.append(standing())

        thread = threading.Thread(target=child)
        thread.start()
        thread.join()
        assert theirs[0] == ours
        assert theirs[1][:2] == (os.SCHED_OTHER, 0)
        assert standing() == ours

    on_a_thread(work)


def test_a_while_at_another_priority_ends_with_the_one_before() -> None:
    def work() -> None:
        raise_priority(HELPER)
        before = standing()
        with at_priority(None):
            assert not is_raised()
            with at_priority(HELPER):
                assert standing() == before
            assert not is_raised()
        assert standing() == before

    on_a_thread(work)


_LOCK = """
from pathlib import Path
from fmvae_core.live.priority import lock_memory
print(lock_memory(), "VmLck:\t       0 kB" in Path("/proc/self/status").read_text())
"""


def test_memory_is_locked_where_that_is_said() -> None:
    # In a process of its own, whose memory is locked for good.
    told = subprocess.run(
        [sys.executable, "-c", _LOCK], capture_output=True, text=True, check=True
    ).stdout.split()
    is_locked, is_nothing = (word == "True" for word in told)
    assert is_locked != is_nothing
