"""Checkpoints: one safetensors file that holds all that a run needs to go on exactly."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from fmvae_core.files import replacing
from fmvae_core.training.config import TrainingConfig
from fmvae_core.training.constraint import ConstraintState

FORMAT = "flatjam-checkpoint"
FORMAT_VERSION = 1


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Checkpoint:
    """The state of a run after `step` steps.

    Parameters
    ----------
    tensors
        Weights (``model.*``), their moving average (``average.*``) and Adam's moments
        (``first.*``, ``second.*``), on the CPU.
    constraint
        Phase, moving average, bound and multiplier.
    seconds
        Training time so far.
    corpus
        Digest of the corpus that is being learnt.
    """

    config: TrainingConfig
    step: int
    constraint: ConstraintState
    seconds: float
    corpus: str
    tensors: dict[str, Tensor]

    def group(self, prefix: str) -> dict[str, Tensor]:
        """Return the tensors whose names begin with ``prefix.``, without it."""
        start = f"{prefix}."
        return {
            name.removeprefix(start): tensor
            for name, tensor in self.tensors.items()
            if name.startswith(start)
        }


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint, whole or not at all."""
    description = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "config": checkpoint.config.to_dict(),
        "step": checkpoint.step,
        "constraint": asdict(checkpoint.constraint),
        "seconds": checkpoint.seconds,
        "corpus": checkpoint.corpus,
    }
    with replacing(path) as scratch:
        save_file(checkpoint.tensors, scratch, {"flatjam": json.dumps(description)})


def load_checkpoint(path: Path) -> Checkpoint:
    """Read what `save_checkpoint` wrote.

    Raises
    ------
    CheckpointError
        If the file is missing, broken, foreign or of a newer format.
    """
    try:
        with safe_open(path, framework="pt") as file:
            description: dict[str, Any] = json.loads((file.metadata() or {})["flatjam"])
            if description["format"] != FORMAT or description["format_version"] > FORMAT_VERSION:
                raise CheckpointError(f"{path} was written by a newer Flatjam; update to use it")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return Checkpoint(
            config=TrainingConfig.from_dict(description["config"]),
            step=int(description["step"]),
            constraint=ConstraintState(**description["constraint"]),
            seconds=float(description["seconds"]),
            corpus=str(description["corpus"]),
            tensors=tensors,
        )
    except (OSError, SafetensorError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{path} is not a checkpoint of Flatjam ({error})") from None


def optimiser_tensors(optimiser: torch.optim.Adam, names: dict[Tensor, str]) -> dict[str, Tensor]:
    """Return Adam's moments by the names of their parameters."""
    tensors = {}
    for parameter, name in names.items():
        state = optimiser.state.get(parameter)
        if state:
            tensors[f"first.{name}"] = state["exp_avg"].detach().cpu().contiguous()
            tensors[f"second.{name}"] = state["exp_avg_sq"].detach().cpu().contiguous()
    return tensors


def restore_optimiser(
    optimiser: torch.optim.Adam, names: dict[Tensor, str], checkpoint: Checkpoint
) -> None:
    """Put Adam's moments back where `optimiser_tensors` took them from."""
    first, second = checkpoint.group("first"), checkpoint.group("second")
    for parameter, name in names.items():
        if name in first:
            optimiser.state[parameter] = {
                "step": torch.tensor(float(checkpoint.step)),
                "exp_avg": first[name].to(parameter),
                "exp_avg_sq": second[name].to(parameter),
            }
