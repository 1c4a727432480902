"""What a run shall do, and how it stands: two small files in its folder."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from fmvae_core.files import is_held, replacing
from fmvae_core.music.drums import DEFAULT_DRUM_MAP
from fmvae_core.runs.files import RECORD_FILE, STATE_FILE
from fmvae_core.training.choices import Precision
from fmvae_core.training.config import TrainingConfig

StateName = Literal[
    "new", "starting", "running", "paused", "jam", "stopped", "finished", "failed", "lost"
]
"""``jam``: it waits until a jam is over. ``lost``: its process is gone without a word."""

ACTIVE: frozenset[StateName] = frozenset({"starting", "running", "paused", "jam"})
"""States in which there is a process."""

_STALE_SECONDS = 4.0
_START_SECONDS = 60.0  # a process that loads torch on a busy machine does not hold its folder yet
_LITTLE_ROOM = 64 * 1024 * 1024


class RunError(ValueError):
    """A run that cannot be read or used; the message says why and what to do."""


@dataclass(frozen=True)
class RunRecord:
    """What a run shall do.

    Parameters
    ----------
    name
        For people.
    config
        Everything that decides what is learnt.
    data
        See `fmvae_core.data.sources.open_corpus`.
    drum_map
        Kit that played a folder of MIDI files.
    device, devices, nodes, precision, deterministic
        See `fmvae_core.training.hardware.Hardware.choose`.
    threads
        Of the CPU; all but one if ``None``, shared by the processes of the run.
    bundle
        Folder of the bundle whose weights it begins with, for fine-tuning.
    cluster
        Address of the cluster that trains it (`fmvae_core.cluster`); ``None`` is this machine.
    created
        Local time, ISO 8601.
    tags
        Words of the user.
    """

    name: str
    config: TrainingConfig
    data: str | None = None
    drum_map: str = DEFAULT_DRUM_MAP
    device: str = "auto"
    threads: int | None = None
    devices: int = 1
    nodes: int = 1
    precision: Precision = "32-true"
    deterministic: bool = False
    bundle: str | None = None
    cluster: str | None = None
    created: str = ""
    tags: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain JSON values."""
        fields = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        return fields | {"config": self.config.to_dict(), "tags": list(self.tags)}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> RunRecord:
        """Return the record that `to_dict` described.

        Raises
        ------
        ValueError
            If a field is missing or has an impossible value.
        """
        try:
            config = TrainingConfig.from_dict(fields["config"])
            tags = tuple(str(tag) for tag in fields.get("tags", ()))
            return cls(**(fields | {"config": config, "tags": tags}))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"this is not the record of a run ({error})") from None


@dataclass(frozen=True)
class RunState:
    """How a run stands.

    Parameters
    ----------
    step, steps
        Done and planned.
    seconds, seconds_per_step
        Training time so far, and of a step at present.
    phrases, parameters
        Of training, and trained weights.
    batch_size
        As it is used, which may be less than asked for.
    figures
        Of the last evaluation.
    note
        What was changed to make the run possible.
    reason
        Of a failure, in words with what to do.
    updated
        Seconds since 1970.
    """

    state: StateName = "new"
    pid: int = 0
    step: int = 0
    steps: int = 0
    seconds: float = 0.0
    seconds_per_step: float = 0.0
    phrases: int = 0
    parameters: int = 0
    batch_size: int = 0
    device: str = ""
    figures: dict[str, float] = field(default_factory=dict)
    note: str = ""
    reason: str = ""
    updated: float = 0.0

    @property
    def is_active(self) -> bool:
        """Whether there is a process."""
        return self.state in ACTIVE

    @property
    def remaining(self) -> float:
        """Seconds to the last planned step at the present speed."""
        return max(0, self.steps - self.step) * self.seconds_per_step


def write_record(folder: Path, record: RunRecord) -> None:
    """Write the record of a run, whole or not at all."""
    with replacing(folder / RECORD_FILE) as scratch:
        scratch.write_text(json.dumps(record.to_dict(), indent=1) + "\n", "utf-8")


def read_record(folder: Path) -> RunRecord:
    """Return the record of a run.

    Raises
    ------
    RunError
        If there is none or it is broken.
    """
    try:
        return RunRecord.from_dict(json.loads((folder / RECORD_FILE).read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise RunError(f"{folder} holds no run that can be read ({error})") from None


def write_state(folder: Path, state: RunState) -> None:
    """Write how a run stands, whole or not at all, with number of the process and time."""
    state = dataclasses.replace(state, pid=os.getpid(), updated=time.time())
    with replacing(folder / STATE_FILE) as scratch:
        scratch.write_text(json.dumps(dataclasses.asdict(state)), "utf-8")


def stored_state(folder: Path) -> RunState:
    """Return what was last told of a run, whether or not its process is still there."""
    try:
        return state_from(json.loads((folder / STATE_FILE).read_text("utf-8")))
    except FileNotFoundError:
        return RunState()
    except (OSError, ValueError):
        return RunState(state="lost", reason=f"{STATE_FILE} is damaged; Resume writes it anew")


def state_from(fields: dict[str, Any]) -> RunState:
    """Return the state with these fields.

    Raises
    ------
    ValueError
        If one is unknown, or it is in no state that there is.
    """
    try:
        state = RunState(**fields)
    except TypeError as error:
        raise ValueError(f"this is not the state of a run ({error})") from None
    if state.state not in get_args(StateName):
        raise ValueError(f"there is no state '{state.state}'")
    return state


def read_state(folder: Path) -> RunState:
    """Return how a run stands; a process that is gone without a word is told as ``lost``."""
    state = stored_state(folder)
    patience = _START_SECONDS if state.state == "starting" else _STALE_SECONDS
    is_stale = abs(time.time() - state.updated) > patience
    if state.is_active and is_stale and not is_held(folder):
        return dataclasses.replace(state, state="lost", reason=_why_lost(folder))
    return state


def _why_lost(folder: Path) -> str:
    kept = "Resume goes on from its last checkpoint."
    if shutil.disk_usage(folder).free < _LITTLE_ROOM:
        return f"The disk is full, and its process is gone. Make room first. {kept}"
    return (
        "Its process was killed, or the machine was switched off. Where that comes again, memory "
        f"ran out: choose a smaller batch size or model. {kept}"
    )
