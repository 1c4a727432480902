"""The log file, and errors nobody expected: written down and shown, never swallowed."""

from __future__ import annotations

import logging
import logging.handlers
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from fmvae_core.files import config_dir

log = logging.getLogger(__name__)


def log_dir() -> Path:
    """Return the folder of the log files; it is made where it is missing."""
    folder = config_dir() / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def start_log() -> None:
    """Write everything from level INFO on to ``flatjam.log``, warnings to the terminal too."""
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.WARNING)
    terminal.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    root.addHandler(terminal)
    try:
        file = logging.handlers.RotatingFileHandler(
            log_dir() / "flatjam.log", maxBytes=1_000_000, backupCount=2, encoding="utf-8"
        )
    except OSError as error:
        log.warning("no log file can be written: %s", error)
        return
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.addHandler(file)


def report_unexpected(show: Callable[[str], None]) -> None:
    """Log errors that reach the top of any thread, and show them.

    Parameters
    ----------
    show
        Called with one line of text, on whichever thread the error happened.
    """

    def on_error(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        log.critical("unexpected error", exc_info=(kind, error, trace))
        show(f"{kind.__name__}: {error}" if str(error) else kind.__name__)

    def on_thread_error(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            on_error(args.exc_type, args.exc_value, args.exc_traceback)

    sys.excepthook = on_error
    threading.excepthook = on_thread_error
