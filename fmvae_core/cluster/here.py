"""A sweep on this machine, with a Ray of its own for as long as it lasts."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from fmvae_core.cluster.sweep import Result, Sweep
from fmvae_core.data.corpus import save_corpus
from fmvae_core.data.sources import open_corpus
from fmvae_core.runs.record import RunRecord

_FRAMES_FILE = "corpus.safetensors"


def sweep_here(
    folder: Path,
    sweep: Sweep,
    at_once: int | None = None,
    on_change: Callable[[list[Result]], None] = lambda found: None,
) -> list[Result]:
    """Do what is left of a sweep; return how all trials stand, the best first.

    Ctrl-C ends it, and another call goes on.

    Parameters
    ----------
    folder, sweep
        The caller holds the folder.
    at_once
        Trials side by side; as many as leave a processor free by default.
    on_change
        Given how all stand whenever that changes.

    Raises
    ------
    ValueError
        If Ray is not installed, or a value that was drawn is impossible.
    CorpusError, DownloadError
        If the corpus cannot be had.
    """
    if importlib.util.find_spec("ray") is None:
        raise ValueError(
            "a sweep needs Ray: .venv/bin/pip install -c constraints.txt 'ray[default,tune]'"
        )
    _keep_to_this_machine()
    from fmvae_core.cluster.tuning import draw_trials, ray_here, tune_trials

    threads = sweep.record.threads or 1
    count = at_once or max(1, ((os.cpu_count() or 2) - 1) // threads)
    trained = dataclasses.replace(sweep, record=_with_frames(folder, sweep.record))
    draw_trials(folder, trained)
    with ray_here(count * threads):
        return tune_trials(folder, trained, on_change)


def _with_frames(folder: Path, record: RunRecord) -> RunRecord:
    """Return the run with its corpus as frames, so that no trial has to parse it."""
    frames = (folder / _FRAMES_FILE).resolve()
    if not frames.exists():
        corpus = open_corpus(
            record.config.corpus,
            None if record.data is None else Path(record.data),
            representation=record.config.model.representation,
            drum_map=record.drum_map,
        )
        save_corpus(corpus, frames)
    return dataclasses.replace(record, data=str(frames))


def _keep_to_this_machine() -> None:
    """Set what Ray reads when it is first imported: it listens to nobody else."""
    # Whatever its name says: off, it has every system's Ray keep to the loopback interface.
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    os.environ["RAY_AUTH_MODE"] = "token"
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_AIR_NEW_OUTPUT"] = "0"  # Tune's own tables would stand between ours
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
