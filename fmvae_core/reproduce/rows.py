"""The rows of the queue: trainings behind the paper's figures and tables."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Collection
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from fmvae_core.evaluation.measure import Measured, Subject
from fmvae_core.training.config import HoldOut, TrainingConfig, load_preset

EXPERIMENTS = ("fig2", "table1", "table2")
"""What can be asked for. Figure 2, Table 2 and the flatness are measured on the same models."""


@dataclass(frozen=True)
class Row:
    """One training, and what is measured of it.

    Parameters
    ----------
    preset, variant, seed
        See `load_preset`.
    latents
        Instead of the preset's, if not ``None``.
    hold_out
        For Table 1.
    changes
        To the preset, by its tables.
    """

    preset: str
    variant: str
    seed: int
    latents: int | None = None
    hold_out: HoldOut | None = None
    changes: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Name of its folder."""
        model = self.variant or "fm-music-vae"
        parts = [self.preset, model if self.latents is None else f"{model}-{self.latents}"]
        if self.hold_out is not None:
            percent = round(100 * self.hold_out.share)
            parts.append(f"without-{self.hold_out.attribute}-{percent}")
        return ".".join([*parts, f"seed-{self.seed}"])

    @property
    def experiments(self) -> tuple[str, ...]:
        """Which of `EXPERIMENTS` it serves."""
        return ("fig2", "table2") if self.hold_out is None else ("table1",)

    @property
    def overrides(self) -> dict[str, dict[str, Any]]:
        """Changes to the preset, by its tables."""
        if self.latents is None:
            return self.changes
        return self.changes | {
            "model": self.changes.get("model", {}) | {"latent_dim": self.latents}
        }

    def configuration(self, size: str) -> TrainingConfig:
        """Return the configuration of its training at a size."""
        return load_preset(
            self.preset,
            size,
            self.overrides,
            variant=self.variant,
            hold_out=self.hold_out,
            seed=self.seed,
        )


def rows(only: Collection[str] = EXPERIMENTS, path: Path | None = None) -> list[Row]:
    """Return the rows that serve some experiments, in their order.

    Parameters
    ----------
    only
        Out of `EXPERIMENTS`.
    path
        Of another table than ours.

    Raises
    ------
    ValueError
        If there is no such experiment.
    """
    for name in only:
        if name not in EXPERIMENTS:
            raise ValueError(f"there is no '{name}' to reproduce; choose {', '.join(EXPERIMENTS)}")
    source = path or files("fmvae_core.reproduce") / "rows.toml"
    found = []
    for entry in tomllib.loads(source.read_text("utf-8"))["rows"]:
        attributes = entry.get("hold_out", [None])
        for seed, attribute, model in itertools.product(
            entry.get("seeds", [0]), attributes, entry["models"]
        ):
            variant, _, latents = model.partition("@")
            held_out = HoldOut(attribute, entry["share"]) if attribute else None
            row = Row(
                entry["preset"],
                variant,
                seed,
                int(latents) if latents else None,
                held_out,
                entry.get("overrides", {}),
            )
            if set(row.experiments) & set(only):
                found.append(row)
    return found


@dataclass(frozen=True)
class Place:
    """The folder of a row: its run, its bundle, and what was measured of it."""

    folder: Path

    @property
    def run(self) -> Path:
        """Folder of the run."""
        return self.folder / "run"

    @property
    def bundle(self) -> Path:
        """Folder of the bundle."""
        return self.folder / "bundle"

    @property
    def result(self) -> Path:
        """The figures as JSON, for people and other programs."""
        return self.folder / "result.json"

    @property
    def log(self) -> Path:
        """What the row's process printed."""
        return self.folder / "log.txt"

    @property
    def measured(self) -> Measured | None:
        """What was measured, if the row is finished."""
        return Measured.load(self.folder)

    def is_finished(self, config: TrainingConfig) -> bool:
        """Return whether what was measured is there.

        Raises
        ------
        ValueError
            If it was trained with other settings than `config`, so that it belongs in no table with
            rows that are trained now.
        """
        measured = self.measured
        if measured is None:
            return False
        if TrainingConfig.from_dict(measured.provenance["configuration"]) != config:
            raise ValueError(
                f"{self.folder} was trained with other settings than the preset has now; "
                "delete it, or give another --out"
            )
        return True


def place(out: Path, size: str, row: Row) -> Place:
    """Return where a row is kept."""
    return Place(out / size / row.key)


def subject(row: Row, size: str) -> Subject:
    """Return the model that a row makes."""
    return Subject.of(row.configuration(size))
