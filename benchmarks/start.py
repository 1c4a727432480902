"""From the command to a window that can be used."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

_RUNS = 3


def measure() -> dict[str, Any]:
    """Return seconds to the first map with controls enabled, and to the model worker ready.

    Medians of three starts after one that warms the disk.
    """
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "FLATJAM_CONFIG": folder,
            "FLATJAM_AUDIO_DRIVER": "file",
            "FLATJAM_AUDIO_FILE": os.path.join(folder, "out.wav"),
        }
        starts = [_start(environment) for _ in range(_RUNS + 1)][1:]
    return {
        "start_s": statistics.median(start["map"] for start in starts),
        "worker_ready_s": statistics.median(start["model"] for start in starts),
    }


def _start(environment: dict[str, str]) -> dict[str, float]:
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "main.py", "--times"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    marks: dict[str, float] = {}
    try:
        assert process.stdout is not None
        for line in process.stdout:
            mark = json.loads(line)["mark"]
            marks[mark] = time.perf_counter() - begun
            if mark == "model":
                break
    finally:
        process.terminate()
        process.communicate(timeout=30)
    return marks
