"""Loading the FluidSynth library."""

from __future__ import annotations

import os
import subprocess
import sys


def test_loading_writes_nothing_to_where_processes_tell_what_they_do() -> None:
    code = "from fmvae_core.live.library import load_library; load_library(); print('loaded')"
    told = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"CI": "true"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == "loaded\n"
