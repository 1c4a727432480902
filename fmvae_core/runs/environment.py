"""What a process that trains finds in its environment."""

from __future__ import annotations

import os
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]

# The C library of Linux gives memory back to the system after each step and takes it again, page
# by page, in the next: a quarter of a step of MusicVAE. It keeps it here, and in pages of 2 MiB.
_MEMORY = (
    "glibc.malloc.hugetlb=1",
    f"glibc.malloc.mmap_threshold={2**30}",
    f"glibc.malloc.trim_threshold={2**32}",
    f"glibc.malloc.top_pad={2**26}",
)


def training_environment() -> dict[str, str]:
    """Return the environment of a training's own process; what the user has set goes first."""
    environment = dict(os.environ)
    # Threads of torch that spin while they wait take the processor from the sound.
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    environment.setdefault("GLIBC_TUNABLES", ":".join(_MEMORY))
    paths = [str(_ROOT), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    return environment
