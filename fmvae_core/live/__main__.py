"""The engine process: ``python -m fmvae_core.live``.

Reads one line of JSON from standard input, ``{"address": ..., "key": ...}`` (and, if wished,
``"linger"``: seconds to play on when the last client is gone), prints ``ready`` once it listens
there, and tells the rest on standard error. The end of standard input means nothing: the engine
outlives a window that crashes.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import queue
import signal
import sys
from types import FrameType

from fmvae_core.ipc import Endpoint
from fmvae_core.live.engine import LINGER_SECONDS, Engine
from fmvae_core.live.priority import HELPER, lock_memory, raise_priority

log = logging.getLogger("fmvae_core.live")


def main() -> int:
    """Run the engine; return the exit status."""
    raise_priority(HELPER)  # before there are threads, which all get it
    is_locked = lock_memory()
    # A window that stands still does not read our standard error: only one thread may wait for it.
    lines: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    logging.basicConfig(
        level=logging.INFO,
        format="engine: %(levelname)s: %(message)s",
        handlers=[logging.handlers.QueueHandler(lines)],
        force=True,
    )
    logging.handlers.QueueListener(lines, logging.StreamHandler()).start()
    # Whoever logs to no logger of its own is no part of us: python-osc does so at each bad message.
    logging.getLogger().addFilter(lambda record: False)
    logging.raiseExceptions = False  # nobody may be left to read them

    log.info("memory: %s", "locked" if is_locked else "not locked")

    line = sys.stdin.readline()
    try:
        start = json.loads(line)
        endpoint = Endpoint(str(start["address"]), str(start["key"]))
        linger = float(start.get("linger", LINGER_SECONDS))
    except (ValueError, TypeError, KeyError, AttributeError):
        print(
            'expected one line on standard input: {"address": "...", "key": "..."}; '
            "the engine is started by Flatjam, not by hand",
            file=sys.stderr,
        )
        return 2
    engine = Engine(endpoint, linger)

    def end(number: int, frame: FrameType | None) -> None:
        engine.quit()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    print("ready", flush=True)
    engine.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
