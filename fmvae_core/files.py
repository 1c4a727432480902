"""Where things lie, and writing files so that nothing half-written is ever seen."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_APP = "flatjam"
_LOCK_FILE = ".lock"
_LOOK_SECONDS = 0.02
_ROOT = Path(__file__).resolve().parents[1]


def resource(*parts: str) -> Path:
    """Return the path of something under ``resources/``, in a checkout or an installed package."""
    checkout = _ROOT / "resources"
    base = checkout if checkout.is_dir() else Path(__file__).resolve().parent / "_resources"
    return base.joinpath(*parts)


def _platform_dir(variable: str, function: str) -> Path:
    if chosen := os.environ.get(variable):
        return Path(chosen)
    import platformdirs  # not needed where a training runs from a frames cache alone

    return Path(getattr(platformdirs, function)(_APP, False))


def cache_dir() -> Path:
    """Return the folder for corpora: the platform's cache, or ``FLATJAM_CACHE``."""
    return _platform_dir("FLATJAM_CACHE", "user_cache_dir")


def config_dir() -> Path:
    """Return the folder for settings: the platform's configuration, or ``FLATJAM_CONFIG``."""
    return _platform_dir("FLATJAM_CONFIG", "user_config_dir")


def data_dir() -> Path:
    """Return the folder for takes and keeps: the platform's for data, or ``FLATJAM_USER_DATA``."""
    return _platform_dir("FLATJAM_USER_DATA", "user_data_dir")


def soundfont_dirs() -> tuple[Path, ...]:
    """Return the folders that are searched for SoundFonts, ``soundfonts/`` first."""
    return (
        _ROOT / "soundfonts",
        cache_dir() / "soundfonts",
        Path("/usr/share/sounds/sf2"),
        Path("/usr/share/sounds/sf3"),
        Path("/usr/share/soundfonts"),
        Path("/opt/homebrew/share/soundfonts"),
        Path("/usr/local/share/soundfonts"),
    )


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a scratch path beside `path` that takes its place once the block ends without error."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield scratch
        with open(scratch, "rb") as written:
            os.fsync(written.fileno())
        os.replace(scratch, target)
    finally:
        scratch.unlink(missing_ok=True)


@contextmanager
def alone_in(folder: Path, patience: float = 0.0) -> Iterator[None]:
    """Hold a folder for this process, so that no two write to it at once.

    Parameters
    ----------
    folder
        Which.
    patience
        Seconds to wait for another process to let go.

    Raises
    ------
    ValueError
        If another process holds it.
    """
    from filelock import FileLock, Timeout  # torch brings it along; a window needs neither

    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / _LOCK_FILE, timeout=patience):
            yield
    except Timeout:
        raise ValueError(
            f"another process is at work in {folder}; wait for its end, or choose another folder"
        ) from None


def is_held(folder: Path) -> bool:
    """Whether a process is alone in a folder (`alone_in`)."""
    return is_locked(folder / _LOCK_FILE)


def is_locked(file: Path) -> bool:
    """Whether a process holds a lock file for longer than it takes to look at it."""
    from filelock import FileLock, Timeout

    if not file.exists():
        return False
    try:
        # To look is to take it for a moment, so one who finds it taken looks again.
        with FileLock(file, timeout=_LOOK_SECONDS, poll_interval=_LOOK_SECONDS / 4):
            return False
    except Timeout:
        return True
