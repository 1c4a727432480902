"""What a training does: a preset, at a size, in a variant, with changes."""

from __future__ import annotations

import dataclasses
import math
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from fmvae_core.files import resource
from fmvae_core.models.config import ModelConfig
from fmvae_core.training.constraint import PUBLISHED_STEPS, ConstraintConfig
from fmvae_core.training.flatness_config import FlatnessConfig

MODEL_NAMES = {
    "": "FM-Music-VAE",
    "no-flatness": "FM-Music-VAE without flatness",
    "paper-flatness": "FM-Music-VAE with equation 6",
    "without-vhp": "FM-Music-VAE without the hierarchical prior",
    "music-vae": "MusicVAE",
    "music-vae-parallel": "MusicVAE with our decoder",
}
"""What the variants of the presets are called."""

Learns = Literal["all", "encoder"]

_PARTS = ("model", "optimiser", "constraint", "flatness")


@dataclass(frozen=True)
class OptimiserConfig:
    """Settings of Adam, of the run's length and of what a step is given.

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
    scheduled_sampling
        k of the inverse sigmoid ``k / (k + exp(step / k))``, the share of true frames that an
        autoregressive decoder hears (Bengio et al. 2015), at MusicVAE's published length of a run;
        0 is all of them.
    learns
        ``all`` of the model, or the ``encoder`` alone: then the space stays as it is, and only
        where in it a phrase is found is learnt.
    recombine
        Share of drum phrases in which some drums play as in another of the batch
        (`fmvae_core.training.recombine`).
    replay
        Share of a step's phrases that are of the bundle which a run begins with
        (`fmvae_core.training.replay`), so that it forgets less.
    """

    steps: int = 30_000
    batch_size: int = 512
    learning_rate: float = 5e-4
    final_learning_rate: float = 2e-5
    clip: float = 100.0
    averaging: float = 0.999
    hop_steps: int = 16
    scheduled_sampling: float = 0.0
    learns: Learns = "all"
    recombine: float = 0.0
    replay: float = 0.0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch_size < 2:
            raise ValueError("a run needs at least one step and two phrases a step")
        if self.learns not in get_args(Learns):
            raise ValueError(f"a run learns {' or '.join(get_args(Learns))}, not '{self.learns}'")
        if not 0 <= self.recombine <= 1 or not 0 <= self.replay < 1:
            raise ValueError("recombine and replay are shares, from 0 to (replay: below) 1")

    def rate(self, step: int) -> float:
        """Return the learning rate of a step (from 0)."""
        share = min(1.0, step / self.steps)
        ratio = self.final_learning_rate / self.learning_rate
        return float(self.learning_rate * ratio**share)

    def teacher_share(self, step: int) -> float:
        """Return the share of true frames at a step (from 0)."""
        k = self.scheduled_sampling
        if k == 0:
            return 1.0
        exponent = min(step * PUBLISHED_STEPS / self.steps / k, 700.0)
        return float(k / (k + math.exp(exponent)))


@dataclass(frozen=True)
class HoldOut:
    """The middle of an attribute's distribution, kept from training (section 4.2, Table 1).

    Parameters
    ----------
    attribute
        Of the representation.
    share
        Of all phrases, about the median: 0.1 is the middle decile.
    """

    attribute: str
    share: float

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ValueError(f"the share to hold out lies between 0 and 1, not {self.share}")


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides what a run does; stored in the run and in each checkpoint.

    Parameters
    ----------
    preset, size, variant
        Where the settings come from; see `load_preset`.
    corpus
        What to learn.
    seed
        Of everything random.
    hold_out
        What to keep from training, if anything.
    fine_tuned_from
        SHA-256 of the bundle whose weights the run begins with; empty for a run from scratch.
    """

    preset: str
    size: str
    variant: str = ""
    corpus: str = "groove"
    seed: int = 0
    fine_tuned_from: str = ""
    hold_out: HoldOut | None = None
    model: ModelConfig = field(default_factory=ModelConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    constraint: ConstraintConfig = field(default_factory=ConstraintConfig)
    flatness: FlatnessConfig = field(default_factory=FlatnessConfig)

    def __post_init__(self) -> None:
        needs_bundle = self.optimiser.learns == "encoder" or self.optimiser.replay > 0
        if needs_bundle and not self.fine_tuned_from:
            raise ValueError(
                "to learn the encoder alone, or to replay, takes a bundle that brings the rest; "
                "begin with one, or set optimiser.learns to all and optimiser.replay to 0"
            )
        if self.hold_out is not None and self.optimiser.recombine > 0:
            raise ValueError(
                "recombined phrases could be like those held out; set optimiser.recombine to 0"
            )

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
            "hold_out": HoldOut,
        }
        built: dict[str, Any] = {}
        try:
            for name, value in fields.items():
                if name == "model":
                    built[name] = ModelConfig.from_dict(value)
                else:
                    is_part = name in parts and value is not None
                    built[name] = parts[name](**value) if is_part else value
            return cls(**built)
        except TypeError as error:
            raise ValueError(f"unknown setting in the training configuration: {error}") from None


def changed(config: TrainingConfig, overrides: dict[str, dict[str, Any]]) -> TrainingConfig:
    """Return a configuration with changes by table (``model``, ``optimiser`` ...).

    Raises
    ------
    ValueError
        If a table or setting is unknown, or a value impossible.
    """
    _check_tables(overrides)
    fields = config.to_dict()
    return TrainingConfig.from_dict(
        fields | {part: {**fields[part], **changes} for part, changes in overrides.items()}
    )


def _check_tables(overrides: dict[str, dict[str, Any]] | None) -> None:
    if unknown := set(overrides or {}) - set(_PARTS):
        raise ValueError(
            f"there is no table '{sorted(unknown)[0]}' of settings; choose {', '.join(_PARTS)}"
        )


def presets() -> list[str]:
    """Return the names of the presets that ship with Flatjam."""
    return sorted(path.stem for path in resource("presets").glob("*.toml"))


def sizes(preset: str) -> list[str]:
    """Return the sizes that a preset has, the paper's own last."""
    table = tomllib.loads(resource("presets", f"{preset}.toml").read_text("utf-8"))
    return [*table.get("size", {}), "paper"]


def variants(preset: str) -> list[str]:
    """Return the other models that a preset has."""
    table = tomllib.loads(resource("presets", f"{preset}.toml").read_text("utf-8"))
    return list(table.get("variant", {}))


def load_preset(
    name: str,
    size: str = "paper",
    overrides: dict[str, dict[str, Any]] | None = None,
    *,
    variant: str = "",
    hold_out: HoldOut | None = None,
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
    variant
        Another model than FM-Music-VAE on the same data: a table ``[variant.NAME]`` in the preset.
        What it needs at one size only is in ``[variant.NAME.size.SIZE]``.
    hold_out
        What to keep from training. Nothing is recombined then.

    Raises
    ------
    ValueError
        If preset, size or variant do not exist, or a setting is unknown.
    """
    file = path or resource("presets", f"{name}.toml")
    if not file.is_file():
        raise ValueError(f"there is no preset '{name}'; choose one of: {', '.join(presets())}")
    table = tomllib.loads(file.read_text("utf-8"))
    of_size = {"paper": {}, **table.pop("size", {})}
    of_variant = {"": {}, **table.pop("variant", {})}
    for kind, chosen, known in (("size", size, of_size), ("variant", variant, of_variant)):
        if chosen not in known:
            raise ValueError(
                f"preset '{name}' has no {kind} '{chosen}'; choose one of: "
                f"{', '.join(filter(None, known))}"
            )
    _check_tables(overrides)
    own = of_variant[variant]
    parts: dict[str, dict[str, Any]] = {
        part: {
            **table.get(part, {}),
            **of_size[size].get(part, {}),
            **own.get(part, {}),
            **own.get("size", {}).get(size, {}).get(part, {}),
            **(overrides or {}).get(part, {}),
        }
        for part in _PARTS
    }
    if hold_out is not None and "recombine" not in (overrides or {}).get("optimiser", {}):
        parts["optimiser"]["recombine"] = 0.0
    return TrainingConfig.from_dict(
        {
            "preset": name,
            "size": size,
            "variant": variant,
            "corpus": table["corpus"],
            "seed": seed,
            "hold_out": None if hold_out is None else dataclasses.asdict(hold_out),
            **parts,
        }
    )
