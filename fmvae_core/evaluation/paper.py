"""The paper's own figures, to be printed beside what is measured."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


def table1(preset: str, variant: str, share: float) -> dict[str, tuple[float, float]] | None:
    """Return mean and standard deviation by held-out attribute, if the paper has that row."""
    row = _find("table1", preset=preset, variant=variant, share=share)
    return row and {name: (mean, sd) for name, (mean, sd) in row.items()}


def table2(preset: str, variant: str, latents: int) -> dict[str, float] | None:
    """Return the correlation by attribute, if the paper has that row."""
    return _find("table2", preset=preset, variant=variant, latents=latents)


def _find(table: str, **keys: Any) -> dict[str, Any] | None:
    for row in _tables()[table]:
        if all(row[key] == value for key, value in keys.items()):
            return {name: value for name, value in row.items() if name not in keys}
    return None


@cache
def _tables() -> dict[str, list[dict[str, Any]]]:
    return tomllib.loads((files("fmvae_core.evaluation") / "paper.toml").read_text("utf-8"))
