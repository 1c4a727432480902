"""The settings of a training that the window offers, each with what it does."""

from __future__ import annotations

import dataclasses
import inspect
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from fmvae_core.training.config import TrainingConfig


@dataclass(frozen=True)
class Setting:
    """One number of the configuration.

    Parameters
    ----------
    table, name
        Where it is: ``optimiser``, ``steps``.
    title
        On screen.
    about
        What it does, in a sentence or two.
    """

    table: str
    name: str
    title: str
    about: str


IMPORTANT: tuple[Setting, ...] = (
    Setting(
        "optimiser",
        "steps",
        "Steps",
        "How often the model is corrected. More is better until the validation figures stop "
        "rising, and takes longer.",
    ),
    Setting(
        "optimiser",
        "batch_size",
        "Batch size",
        "Phrases a step. Larger is steadier and takes more memory. It is halved where the corpus "
        "or the memory is too small.",
    ),
    Setting(
        "optimiser",
        "learning_rate",
        "Learning rate",
        "How far each correction goes. Too large ends in a loss that is no number; too small "
        "learns slowly.",
    ),
    Setting(
        "constraint",
        "kappa",
        "κ",
        "The error that is allowed: reconstruction first gets below κ², then the space is put in "
        "order. Smaller is closer to what was played, larger a smoother space.",
    ),
    Setting(
        "flatness",
        "eta",
        "η, flatness",
        "How hard the space is flattened, so that straight lines are smooth transitions. 0 "
        "switches it off. The paper's number is of another form of the term (see advanced).",
    ),
    Setting(
        "model",
        "latent_dim",
        "Latent dimensions",
        "Numbers that describe a phrase. It cannot be changed when a bundle is fine-tuned.",
    ),
)

_TABLES = ("model", "optimiser", "constraint", "flatness")
_FIXED = {("model", "representation"), ("model", "features"), ("model", "bars")}


def advanced() -> list[tuple[str, str]]:
    """Return table and name of all other settings."""
    known = {(setting.table, setting.name) for setting in IMPORTANT} | _FIXED
    default = TrainingConfig("", "")
    return [
        (table, field.name)
        for table in _TABLES
        for field in dataclasses.fields(getattr(default, table))
        if (table, field.name) not in known
    ]


def explanation(table: str, name: str) -> str:
    """Return what a setting does: the words of its docstring, where the parameters are told."""
    described = inspect.getdoc(type(getattr(TrainingConfig("", ""), table))) or ""
    return _parameters(described).get(name, "See docs/training.md.")


@cache
def _parameters(docstring: str) -> dict[str, str]:
    """Return the parameters that a numpy docstring tells of, each with its text."""
    _, _, section = docstring.partition("Parameters\n----------\n")
    found: dict[str, str] = {}
    names: list[str] = []
    for line in section.splitlines():
        if line.startswith(" ") and names:
            text = re.sub(r"`{1,2}([^`]+)`{1,2}", r"\1", line.strip())
            found |= {name: f"{found.get(name, '')} {text}".strip() for name in names}
        elif line:
            names = line.split(", ")
    return found


def value_of(config: TrainingConfig, table: str, name: str) -> Any:
    """Return the value of a setting."""
    return config.to_dict()[table][name]


def as_text(value: Any) -> str:
    """Return a value as it is typed."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(as_text(item) for item in value)
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def from_text(text: str, like: Any) -> Any:
    """Return what was typed as a value of the same kind as another.

    Raises
    ------
    ValueError
        If it is not of that kind.
    """
    text = text.strip()
    if isinstance(like, bool):
        if text not in ("true", "false"):
            raise ValueError(f"'{text}' is neither true nor false")
        return text == "true"
    if isinstance(like, int):
        return int(text.replace(",", ""))
    if isinstance(like, float):
        return float(text)
    if isinstance(like, list):
        return [int(part) for part in text.split(",")]
    return text
