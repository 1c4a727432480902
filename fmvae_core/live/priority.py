"""More say for a thread that must wake in time, where the system allows it."""

from __future__ import annotations

import logging
import os
import sys
import threading

log = logging.getLogger(__name__)

_REALTIME = 5  # low among realtime priorities: well below the audio threads
_NICE = -10


def raise_priority() -> str:
    """Raise the priority of the calling thread as far as allowed; return what was granted."""
    if sys.platform.startswith("linux"):
        thread = threading.get_native_id()
        try:
            os.sched_setscheduler(thread, os.SCHED_RR, os.sched_param(_REALTIME))
            return "realtime"
        except OSError as error:
            log.debug("no realtime priority: %s", error)
        try:
            os.setpriority(os.PRIO_PROCESS, thread, _NICE)
            return "raised"
        except OSError as error:
            log.debug("no raised priority: %s", error)
    return "ordinary"
