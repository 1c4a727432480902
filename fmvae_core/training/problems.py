"""What can go wrong in a run, in words with what to do."""

from __future__ import annotations

import errno
import sys
from pathlib import Path

_CPU_MEMORY = ("can't allocate memory", "not enough memory")


class ShareTooLarge(MemoryError):
    """One of several processes has no room for its share of a batch; all of them know."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, of the GPU or the machine."""
    torch = sys.modules.get("torch")  # who never loaded it cannot have run out of its memory
    if isinstance(error, MemoryError) or (torch and isinstance(error, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _CPU_MEMORY)


def is_disk_full(error: BaseException) -> bool:
    """Whether a file could not be written for want of room (also told by safetensors in text)."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return True
    codes = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return any(f"(os error {code})" in str(error) for code in codes)


def is_parted(error: BaseException) -> bool:
    """Whether another process of the run was lost (gloo tells it in text)."""
    if not isinstance(error, RuntimeError):
        return False
    distributed = sys.modules.get("torch.distributed")
    lost = getattr(distributed, "DistError", ())
    return isinstance(error, lost) or "gloo" in str(error)


def in_words(error: BaseException, run: Path) -> str:
    """Return what went wrong and what to do, for the person who trains."""
    if is_disk_full(error):
        return (
            f"The disk that holds {run} is full. Make room, then Resume: the run goes on from its "
            "last checkpoint."
        )
    if is_out_of_memory(error):
        return (
            "There is not enough memory, even for a small batch. Choose a smaller size, or close "
            "other programs, then Resume."
        )
    if is_parted(error):
        return (
            "Another process of this run has ended, or cannot be reached any more; what it said "
            "tells why. Resume goes on from the last checkpoint."
        )
    if isinstance(error, (ValueError, OSError, FloatingPointError)):
        text = str(error) or type(error).__name__
        return text[0].upper() + text[1:] + ("" if text.endswith(".") else ".")
    return (
        f"Something went wrong that should not have: {type(error).__name__}: {error}. The log in "
        "the run's folder tells where; Resume goes on from the last checkpoint."
    )
