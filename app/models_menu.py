"""What is said of models, and which can be chosen: those that come with Flatjam, and the user's."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fmvae_core.files import resource
from fmvae_core.models.bundle import Bundle
from fmvae_core.models.bundle_files import CARD, BundleError, read_manifest
from fmvae_core.music.instruments import INSTRUMENTS, instrument_of

log = logging.getLogger(__name__)

_OURS = "FM-Music-VAE"


@dataclass(frozen=True)
class ModelEntry:
    """A bundle in the menu.

    Parameters
    ----------
    path
        Its folder.
    name
        For people.
    kind
        What it plays: ``2 bars of drums``.
    is_shipped
        Whether it came with Flatjam.
    """

    path: Path
    name: str
    kind: str
    is_shipped: bool


def kind_of(representation: str, bars: int, card: Mapping[str, Any]) -> str:
    """Return what a model plays, in a few words: ``4 bars of melody, cello``."""
    words = [f"{bars} bar{'s' if bars > 1 else ''} of {representation}"]
    data = card.get("data")
    if representation == "melody" and isinstance(data, dict):
        words.append(INSTRUMENTS[instrument_of(str(data.get("corpus", "")))].lower())
    model = card.get("model", _OURS)
    if model != _OURS:
        words.append(str(model))
    return ", ".join(words)


def about(bundle: Bundle) -> list[tuple[str, str]]:
    """Return what there is to say of a model, as titles and texts."""
    marks, card = bundle.landmarks, bundle.card
    kind = kind_of(bundle.representation.name, bundle.bars, card)
    rows = [
        ("Model", f"{bundle.name}: {kind}, {bundle.latent_dim} dimensions"),
        ("Folder", str(bundle.path)),
        ("Landmarks", f"{len(marks)} from {len(marks.performances)} performances"),
    ]
    for key, title in (("size", "Size"), ("steps", "Training steps")):
        if key in card:
            rows.append((title, str(card[key])))
    test, data = card.get("test"), card.get("data")
    if isinstance(test, dict) and "hit_f1" in test:
        rows.append(("Hit F1 on unseen takes", f"{test['hit_f1']:.2f}"))
    if isinstance(data, dict) and "licence" in data:
        rows.append(("Learnt from", str(data["licence"])))
    return rows


def model_entries(recent: Iterable[str]) -> tuple[ModelEntry, ...]:
    """Return the shipped bundles by name, then the recent ones that are not among them.

    What lies there but is no bundle any more is left out.
    """
    folder = resource("models")
    shipped = sorted(path.resolve() for path in folder.iterdir()) if folder.is_dir() else []
    own = [path for path in map(Path, recent) if path.resolve() not in shipped]
    found = [_entry(path, path in shipped) for path in (*shipped, *own)]
    return tuple(entry for entry in found if entry is not None)


def _entry(path: Path, is_shipped: bool) -> ModelEntry | None:
    try:
        _, manifest = read_manifest(path)
        card = json.loads((path / CARD).read_text("utf-8"))
    except (BundleError, OSError, ValueError) as error:
        log.info("not in the menu of models: %s", error)
        return None
    kind = kind_of(manifest.representation, manifest.bars, card if isinstance(card, dict) else {})
    return ModelEntry(path, manifest.name, kind, is_shipped)
