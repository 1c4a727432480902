"""The space of a run as it forms: where a fixed set of its phrases lay, every so many steps.

Small files in a folder of the run: what the phrases are, once, and their latents at each of the
steps. A window reads them without torch.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from fmvae_core.files import replacing

FOLDER = "space"
"""In the folder of the run."""

_MARKS_FILE = "phrases.safetensors"
_STEP_FILE = re.compile(r"step-(\d{8})\.safetensors")


@dataclass(frozen=True)
class SpaceMarks:
    """The phrases whose places are told.

    Parameters
    ----------
    attributes
        ``(n, len(names))``.
    names
        Of the attributes.
    styles
        The style of each phrase, ``n`` words.
    representation
        ``drums``, ``melody`` or ``motion``.
    """

    attributes: npt.NDArray[np.float32]
    names: tuple[str, ...]
    styles: tuple[str, ...]
    representation: str

    def __len__(self) -> int:
        return len(self.styles)


def write_marks(run: Path, marks: SpaceMarks) -> None:
    """Write what the phrases of a run's snapshots are."""
    told = {
        "names": marks.names,
        "styles": marks.styles,
        "representation": marks.representation,
    }
    with replacing(run / FOLDER / _MARKS_FILE) as scratch:
        save_file({"attributes": marks.attributes}, scratch, {"phrases": json.dumps(told)})


def write_snapshot(run: Path, step: int, z: npt.NDArray[np.float32]) -> None:
    """Write the latents ``(n, d)`` of the phrases after a number of steps, at half precision."""
    with replacing(run / FOLDER / f"step-{step:08}.safetensors") as scratch:
        save_file({"z": z.astype(np.float16)}, scratch)


def drop_snapshots(run: Path, after: int) -> None:
    """Remove the snapshots of later steps: those of a leg that was lost."""
    for step, file in _files(run).items():
        if step > after:
            file.unlink(missing_ok=True)


def snapshot_steps(run: Path) -> list[int]:
    """Return the steps of which there are snapshots, ascending."""
    return sorted(_files(run))


def read_marks(run: Path) -> SpaceMarks | None:
    """Return what the phrases of a run's snapshots are; None where it has none."""
    try:
        with safe_open(run / FOLDER / _MARKS_FILE, framework="numpy") as file:
            told = json.loads((file.metadata() or {})["phrases"])
            attributes = file.get_tensor("attributes")
        return SpaceMarks(
            attributes, tuple(told["names"]), tuple(told["styles"]), str(told["representation"])
        )
    except (OSError, SafetensorError, KeyError, ValueError, TypeError):
        return None


def read_snapshot(run: Path, step: int) -> npt.NDArray[np.float32] | None:
    """Return the latents ``(n, d)`` after a number of steps; None where they cannot be read."""
    try:
        with safe_open(run / FOLDER / f"step-{step:08}.safetensors", framework="numpy") as file:
            return np.asarray(file.get_tensor("z"), np.float32)
    except (OSError, SafetensorError):
        return None


def _files(run: Path) -> dict[int, Path]:
    found = ((_STEP_FILE.fullmatch(file.name), file) for file in (run / FOLDER).glob("step-*"))
    return {int(match[1]): file for match, file in found if match}
