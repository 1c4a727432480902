"""Parsing the Groove corpus, and reading it again."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from fmvae_core.data.groove import load_groove


def measure() -> dict[str, Any]:
    """Return seconds to parse the published zip, and to load it a second time."""
    data = os.environ.get("FLATJAM_DATA")
    if not data:
        print("  FLATJAM_DATA does not name a folder with the Groove zip", file=sys.stderr)
        return {}
    with tempfile.TemporaryDirectory() as cache:
        begun = time.perf_counter()
        load_groove(Path(data), cache=Path(cache))
        parsed = time.perf_counter()
        load_groove(Path(data), cache=Path(cache))
        loaded = time.perf_counter()
    return {"parse_s": parsed - begun, "cached_load_s": loaded - parsed}
