"""Where things lie on a cluster: in a job's package, on its head, in what its log server shows."""

from __future__ import annotations

from pathlib import Path

from fmvae_core.files import data_dir

INPUT = Path("input")
"""Folder of the package with all that is not code; paths in it are relative to the package."""

RUN_INPUT = INPUT / "run"
"""The folder of the run as it is where it was sent from."""

CORPUS_INPUT = INPUT / "corpus.safetensors"

BUNDLE_INPUT = INPUT / "bundle"

SHOWN = "flatjam"
"""Folder below Ray's logs: what lies in it can be read through the head's job server."""


def kept_dir() -> Path:
    """Return the folder, on a head, that outlives jobs and Ray itself."""
    return data_dir() / "cluster"


def show(logs: Path, name: str) -> None:
    """Have the job server show a folder of `kept_dir`; Ray follows links out of its log folder."""
    link = logs / SHOWN / name
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(kept_dir() / name, target_is_directory=True)
