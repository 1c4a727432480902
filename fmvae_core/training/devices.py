"""Which GPU is there, how much of its memory is free, and whether this torch can use it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass

_PATIENCE = 20.0  # seconds; the driver of a GPU that sleeps takes a few
_MIB = 2**20

INSTALL = "make setup TORCH=cuda"
"""The command that installs the build of torch for NVIDIA's GPUs."""


@dataclass(frozen=True)
class Gpu:
    """A GPU of this machine.

    Parameters
    ----------
    name
        Of the device.
    free, total
        Bytes of its memory; 0 where they are not known.
    is_usable
        Whether this build of torch can use it.
    """

    name: str
    free: int
    total: int
    is_usable: bool

    def in_words(self) -> str:
        """Return the name, and the memory where it is known."""
        if not self.total:
            return self.name
        return f"{self.name}, {self.free / 2**30:.1f} of {self.total / 2**30:.1f} GB free"


def gpus() -> list[Gpu]:
    """Return the GPUs of this machine. Loads torch only where there may be one."""
    listed = _listed_by_driver()
    if not listed and sys.platform != "darwin":
        return []
    import torch

    if torch.cuda.is_available():
        found = []
        for index in range(torch.cuda.device_count()):
            free, total = torch.cuda.mem_get_info(index)
            found.append(Gpu(torch.cuda.get_device_name(index), free, total, True))
        return found
    if torch.backends.mps.is_available():
        return [Gpu("Apple GPU (MPS)", 0, 0, True)]
    return listed


def describe(found: list[Gpu]) -> str:
    """Return the GPUs in words, with what to do where this torch cannot use them."""
    if not found:
        return "No GPU was found: training uses the CPU."
    text = "; ".join(gpu.in_words() for gpu in found) + "."
    if any(gpu.is_usable for gpu in found):
        return f"{text} This torch can use {'it' if len(found) == 1 else 'them'}."
    import torch

    return (
        f"{text} This torch ({torch.__version__}) cannot use it: close Flatjam, run '{INSTALL}' in "
        "its folder, and start it again. Until then training uses the CPU."
    )


def _listed_by_driver() -> list[Gpu]:
    """Return what NVIDIA's driver says is there, not usable until torch says so."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    query = "--query-gpu=name,memory.free,memory.total"
    try:
        said = subprocess.run(
            [tool, query, "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return []  # a driver that does not answer is none
    return [gpu for line in said.splitlines() if (gpu := _parsed(line)) is not None]


def _parsed(line: str) -> Gpu | None:
    name, *memory = (part.strip() for part in line.split(","))
    try:
        free, total = (int(part) * _MIB for part in memory)
    except ValueError:
        free = total = 0  # "[N/A]" where memory is shared with the processor
    return Gpu(name, free, total, False) if name else None
