"""Tables that commands print."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from rich.table import Column, Table

from fmvae_core.geometry.interpolation import step_changes
from fmvae_core.models.bundle import Bundle
from fmvae_core.music.drums import DRUMS
from fmvae_core.music.representation import Representation

_ATTRIBUTE_FORMATS = {"density": ".0f", "velocity": ".2f", "offset": "+.2f", "pitch": ".1f"}


def steps_table(
    music: Representation, frames: npt.NDArray[np.float32], thresholds: npt.NDArray[np.float32]
) -> Table:
    """Return the phrases of an interpolation: attributes, and the onsets that change each time."""
    names = music.attribute_names
    table = Table("step", *names, "changed hits" if music.name == "drums" else "changed notes")
    changes = ["", *map(str, step_changes(music.onsets(frames, thresholds)).tolist())]
    heard = music.attributes(frames, thresholds).tolist()
    for number, (values, changed) in enumerate(zip(heard, changes, strict=True), start=1):
        shown = (
            format(value, _ATTRIBUTE_FORMATS[name])
            for name, value in zip(names, values, strict=True)
        )
        table.add_row(str(number), *shown, changed)
    return table


def card_tables(opened: Bundle) -> list[Table]:
    """Return a bundle's card as tables: known parts as tables of their own, then all the rest."""
    card = dict(opened.card)
    splits: dict[str, Any] = {
        name: card.pop(name) for name in ("validation", "test") if name in card
    }
    by_attribute = card.pop("attributes", {})
    card.pop("configuration", None)  # long, and of no use without the code: see --json
    card.pop("thresholds", None)

    head = Table("", Column("", overflow="fold"), title=opened.name, show_header=False)
    head.add_row("folder", str(opened.path))
    head.add_row("SHA-256", opened.sha256)
    head.add_row("phrases", f"{opened.bars} bars of {opened.representation.name}")
    head.add_row("latent dimensions", str(opened.latent_dim))
    head.add_row("landmarks", f"{len(opened.landmarks):,}")
    for key, value in _flat(card):
        head.add_row(key, _shown(value))
    tables = [head]
    if splits:
        quality = Table("reconstruction", *splits)
        first = next(iter(splits.values()))
        for measure in (key for key, value in first.items() if not isinstance(value, dict)):
            quality.add_row(measure, *(_shown(part.get(measure)) for part in splits.values()))
        tables.append(quality)
        if opened.representation.name == "drums":
            tables.append(_by_drum(opened, splits))
    if by_attribute:
        columns = list(next(iter(by_attribute.values())))
        table = Table("attribute", *columns)
        for name, figures in by_attribute.items():
            table.add_row(name, *(_shown(figures.get(column)) for column in columns))
        tables.append(table)
    return tables


def _by_drum(opened: Bundle, splits: dict[str, Any]) -> Table:
    table = Table("hit F1", *splits, "threshold")
    for drum, threshold in zip(DRUMS, opened.thresholds.tolist(), strict=True):
        parts = (part.get("drums", {}).get(drum.key, {}) for part in splits.values())
        table.add_row(
            drum.title, *(_shown(part.get("hit_f1")) for part in parts), f"{threshold:.2f}"
        )
    return table


def _flat(values: dict[str, Any], before: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in values.items():
        if isinstance(value, dict):
            rows += _flat(value, f"{before}{key}.")
        else:
            rows.append((f"{before}{key}", value))
    return rows


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)
