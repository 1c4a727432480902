"""Starts the window."""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from fmvae_core.files import cache_dir, resource

DEFAULT_BUNDLE = ("models", "drums-2bar")


def main(argv: Sequence[str] | None = None) -> int:
    """Show the window and run until it is closed; return the exit code."""
    began = time.perf_counter()
    options = _options(sys.argv[1:] if argv is None else argv)
    _choose_platform()

    from PySide6.QtCore import QSocketNotifier
    from PySide6.QtWidgets import QApplication

    from app.application import Application
    from app.logs import report_unexpected, start_log
    from app.state.settings import load_settings
    from app.theme import apply_theme

    start_log()
    app = QApplication(sys.argv[:1])
    app.setApplicationName("Flatjam")
    app.setDesktopFileName("flatjam")
    apply_theme(app)
    settings, trouble = load_settings()
    flatjam = Application(settings, options.bundle, options.data)
    report_unexpected(flatjam.report_unexpected)
    if options.times:
        flatjam.reached.connect(
            lambda mark: print(
                json.dumps({"mark": mark, "seconds": round(time.perf_counter() - began, 4)}),
                flush=True,
            )
        )
    if trouble is not None:
        flatjam.say("settings", trouble, "Flatjam begins with the usual ones.")
    # Python handles signals between two of its own instructions, which an idle Qt never comes to:
    # a byte in this socket wakes it.
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.fileno())
    notifier = QSocketNotifier(reader.fileno(), QSocketNotifier.Type.Read)
    notifier.activated.connect(lambda: reader.recv(16))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: flatjam.window.close())
    flatjam.start()
    code = app.exec()
    flatjam.close()
    signal.set_wakeup_fd(-1)
    return code


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="flatjam", description="Explore a map of real grooves.")
    parser.add_argument(
        "bundle",
        nargs="?",
        type=Path,
        default=resource(*DEFAULT_BUNDLE),
        help="folder of a trained model (default: the one that comes with Flatjam)",
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="PATH",
        help="the Groove dataset, zip or folder, to hear landmarks as played "
        "(default: the copy in the cache)",
    )
    parser.add_argument(
        "--times",
        action="store_true",
        help="print a line of JSON when the window, the map and the model are there",
    )
    options = parser.parse_args(arguments)
    if options.data is None:
        from fmvae_core.data.download import GROOVE

        options.data = cache_dir() / "corpora" / GROOVE.name
    return options


def _choose_platform() -> None:
    """Take X11 where Wayland offers it too: the map's library is not at home on Wayland yet."""
    wayland = os.environ.get("XDG_SESSION_TYPE") == "wayland" or "WAYLAND_DISPLAY" in os.environ
    if wayland and os.environ.get("DISPLAY") and "QT_QPA_PLATFORM" not in os.environ:
        os.environ["QT_QPA_PLATFORM"] = "xcb"


if __name__ == "__main__":
    sys.exit(main())
