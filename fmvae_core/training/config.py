"""What a training does: a preset, at a size, with changes."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fmvae_core.files import resource
from fmvae_core.models.config import ModelConfig
from fmvae_core.training.constraint import ConstraintConfig
from fmvae_core.training.objective import FlatnessConfig


@dataclass(frozen=True)
class OptimiserConfig:
    """Settings of Adam and of the run's length.

    Parameters
    ----------
    steps, batch_size
        Planned steps, and phrases a step.
    learning_rate, final_learning_rate
        At the first and the last planned step; in between it decays exponentially.
    clip
        Largest norm of the gradient.
    averaging
        Share of the past in the moving average of the weights that evaluation and bundle use.
    hop_steps
        Distance of the training windows in sixteenths. 16 is one bar; 8 adds those that begin in
        the middle of a bar.
    """

    steps: int = 30_000
    batch_size: int = 512
    learning_rate: float = 5e-4
    final_learning_rate: float = 2e-5
    clip: float = 100.0
    averaging: float = 0.999
    hop_steps: int = 16

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch_size < 2:
            raise ValueError("a run needs at least one step and two phrases a step")

    def rate(self, step: int) -> float:
        """Return the learning rate of a step (from 0)."""
        share = min(1.0, step / self.steps)
        ratio = self.final_learning_rate / self.learning_rate
        return float(self.learning_rate * ratio**share)


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides what a run does; stored in the run and in each checkpoint."""

    preset: str
    size: str
    corpus: str = "groove"
    seed: int = 0
    model: ModelConfig = field(default_factory=ModelConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    constraint: ConstraintConfig = field(default_factory=ConstraintConfig)
    flatness: FlatnessConfig = field(default_factory=FlatnessConfig)

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as plain JSON values."""
        fields = dataclasses.asdict(self)
        fields["model"] = self.model.to_dict()
        return fields

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> TrainingConfig:
        """Return the configuration that `to_dict` described.

        Raises
        ------
        ValueError
            If a field is unknown or has an impossible value.
        """
        parts = {
            "optimiser": OptimiserConfig,
            "constraint": ConstraintConfig,
            "flatness": FlatnessConfig,
        }
        built: dict[str, Any] = {}
        try:
            for name, value in fields.items():
                if name == "model":
                    built[name] = ModelConfig.from_dict(value)
                else:
                    built[name] = parts[name](**value) if name in parts else value
            return cls(**built)
        except TypeError as error:
            raise ValueError(f"unknown setting in the training configuration: {error}") from None


def presets() -> list[str]:
    """Return the names of the presets that ship with Flatjam."""
    return sorted(path.stem for path in resource("presets").glob("*.toml"))


def load_preset(
    name: str,
    size: str = "paper",
    overrides: dict[str, dict[str, Any]] | None = None,
    *,
    seed: int = 0,
    path: Path | None = None,
) -> TrainingConfig:
    """Return the configuration of a preset at a size.

    Parameters
    ----------
    name
        Of a file in ``resources/presets``; `path` names another file.
    size
        ``paper`` is the row of Table 3 itself; others are tables ``[size.NAME]`` in the preset.
    overrides
        Changes by table (``model``, ``optimiser``, ``constraint``, ``flatness``), applied last.

    Raises
    ------
    ValueError
        If preset or size do not exist, or a setting is unknown.
    """
    file = path or resource("presets", f"{name}.toml")
    if not file.is_file():
        raise ValueError(f"there is no preset '{name}'; choose one of: {', '.join(presets())}")
    table = tomllib.loads(file.read_text("utf-8"))
    sizes = table.pop("size", {})
    if size != "paper" and size not in sizes:
        known = ", ".join(["paper", *sizes])
        raise ValueError(f"preset '{name}' has no size '{size}'; choose one of: {known}")
    fields: dict[str, Any] = {"preset": name, "size": size, "seed": seed, "corpus": table["corpus"]}
    for part in ("model", "optimiser", "constraint", "flatness"):
        fields[part] = {
            **table.get(part, {}),
            **sizes.get(size, {}).get(part, {}),
            **(overrides or {}).get(part, {}),
        }
    return TrainingConfig.from_dict(fields)
