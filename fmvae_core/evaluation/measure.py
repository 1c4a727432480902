"""Everything that the paper measures, of one bundle (section 4)."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import safe_open
from safetensors.numpy import save_file

from fmvae_core import __version__
from fmvae_core.data.corpus import Corpus
from fmvae_core.evaluation.attribute_correlation import attribute_correlation
from fmvae_core.evaluation.coding import Array, Coding
from fmvae_core.evaluation.flatness import flatness
from fmvae_core.evaluation.geodesics import geodesic_ratio
from fmvae_core.evaluation.interpolation_quality import interpolation_quality
from fmvae_core.evaluation.reconstruction import reconstruction
from fmvae_core.evaluation.smoothness import Smoothness, smoothness
from fmvae_core.files import replacing
from fmvae_core.geometry.interpolation import lerp, slerp
from fmvae_core.inference.networks import Networks
from fmvae_core.models.bundle import Bundle
from fmvae_core.models.config import RepresentationName
from fmvae_core.training.config import TrainingConfig
from fmvae_core.training.phrases import phrases

PICTURE_POINTS = 7
"""Phrases of a pictured interpolation or sweep, as in Figures 3 and 4."""
_PICTURED = 2
_SEED = 0
_FILE = "measured.safetensors"


@dataclass(frozen=True)
class Subject:
    """Which model was measured, or should have been.

    Parameters
    ----------
    preset, variant, size, seed
        Of its training; see `fmvae_core.training.config.load_preset`.
    latents
        Dimensions of its latent space.
    held_out
        Attribute and share that training did not see (Table 1), or none.
    representation
        Of its phrases.
    """

    preset: str
    variant: str
    size: str
    seed: int
    latents: int
    held_out: tuple[str, float] | None = None
    representation: RepresentationName = "drums"

    @classmethod
    def of(cls, config: TrainingConfig) -> Subject:
        """Return the subject that a training makes."""
        out = config.hold_out
        return cls(
            config.preset,
            config.variant,
            config.size,
            config.seed,
            config.model.latent_dim,
            (out.attribute, out.share) if out else None,
            config.model.representation,
        )


@dataclass(frozen=True)
class Measured:
    """What was measured of a model.

    Parameters
    ----------
    subject
        Which model.
    name
        Of its bundle.
    figures
        ``hit_f1`` and ``reconstruction`` of test phrases; then ``table1`` if something was held
        out, or else ``fig2``, ``table2`` and ``flatness``.
    provenance
        Configuration, seeds, hashes, times and versions, and the notes of the bundle's card.
    arrays
        What pictures are drawn from: ``max_step`` by pair, ``interpolations`` ``(pairs, 7, steps,
        features)`` and ``sweep.NAME`` of the same shape; ``thresholds``.
    """

    subject: Subject
    name: str
    figures: dict[str, Any]
    provenance: dict[str, Any]
    arrays: dict[str, npt.NDArray[np.float32]]

    def save(self, folder: Path) -> None:
        """Write everything to a folder."""
        description = json.dumps(
            {
                "subject": asdict(self.subject),
                "name": self.name,
                "figures": self.figures,
                "provenance": self.provenance,
            }
        )
        arrays = {key: np.ascontiguousarray(array) for key, array in self.arrays.items()}
        with replacing(folder / _FILE) as scratch:
            save_file(arrays, scratch, {"measured": description})

    @classmethod
    def load(cls, folder: Path) -> Measured | None:
        """Read what `save` wrote, if it is there."""
        if not (folder / _FILE).exists():
            return None
        with safe_open(folder / _FILE, framework="numpy") as file:
            description = json.loads(file.metadata()["measured"])
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        subject = description["subject"]
        if subject["held_out"] is not None:
            subject["held_out"] = tuple(subject["held_out"])
        return cls(
            Subject(**subject),
            description["name"],
            description["figures"],
            description["provenance"],
            arrays,
        )


def configuration(bundle: Bundle) -> TrainingConfig:
    """Return the configuration that a bundle was trained with.

    Raises
    ------
    ValueError
        If its card has none.
    """
    fields = bundle.card.get("configuration")
    if not isinstance(fields, dict):
        raise ValueError(
            f"the card of {bundle.path} does not say how it was trained, so its test phrases "
            "cannot be found; make the bundle again with flatjam bundle"
        )
    return TrainingConfig.from_dict(fields)


def measure(
    bundle: Bundle, corpus: Corpus, on_stage: Callable[[str], None] = lambda stage: None
) -> Measured:
    """Measure a bundle on the test phrases of the corpus it learnt from.

    Everything is decoded deterministically from posterior means. Attribute vectors are those of the
    bundle: from training phrases alone, never rescaled. Pairs and points are drawn by a fixed seed,
    so that models of the same data are measured on the same phrases.

    Parameters
    ----------
    bundle
        The model.
    corpus
        What it learnt from.
    on_stage
        Called with what is being done.

    Raises
    ------
    ValueError
        If the corpus is another one, or the bundle does not say how it was trained.
    """
    config = configuration(bundle)
    learnt_from = bundle.card.get("data", {}).get("digest")
    if learnt_from != corpus.digest:
        raise ValueError(
            f"{bundle.path} learnt from another version of the corpus '{corpus.name}'; "
            "give that one with --data"
        )
    begun = time.monotonic()
    coding = Coding(Networks(bundle).model, bundle.thresholds)
    on_stage("reconstruction")
    split = phrases(corpus, config)
    played = split["test"].frames(corpus)
    z = coding.encode(played)
    test = reconstruction(coding.music, played, coding.decode(z), bundle.thresholds)
    figures: dict[str, Any] = {"hit_f1": test["hit_f1"], "reconstruction": test}
    arrays: dict[str, npt.NDArray[np.float32]] = {"thresholds": bundle.thresholds}
    if config.hold_out is not None:
        on_stage("interpolation quality (Table 1)")
        figures["table1"] = interpolation_quality(coding, played)
    else:
        on_stage("smoothness (Figure 2)")
        straight = smoothness(coding, z, seed=_SEED)
        figures["fig2"] = straight.figures() | {
            "histogram": _histogram(straight),
            "slerp": smoothness(coding, z, seed=_SEED, way=slerp).figures(),
        }
        arrays["max_step"] = straight.max_step.astype(np.float32)
        on_stage("attribute correlation (Table 2)")
        # Not the bundle's landmarks, which are melodies as they were played, in no transposition.
        training = split["training"].frames(corpus)
        figures["table2"] = attribute_correlation(
            coding,
            z,
            coding.music.attributes(played),
            coding.encode(training),
            coding.music.attributes(training).astype(np.float32),
            bundle.attribute_vectors,
            seed=_SEED,
        )
        on_stage("flatness")
        figures["flatness"] = flatness(coding.model, z, config.flatness, seed=_SEED)
        on_stage("geodesics")
        figures["flatness"] |= geodesic_ratio(coding.model, z, config.flatness, seed=_SEED)
        geometry = bundle.card.get("geometry", {})
        if "before_calibration" in geometry:
            figures["flatness"]["before_calibration"] = geometry["before_calibration"]
        on_stage("pictures")
        arrays |= _pictured(coding, z, bundle.attribute_vectors)
    provenance = {
        "bundle": bundle.sha256,
        "weights": bundle.weights_sha256,
        "corpus": corpus.name,
        "corpus_digest": corpus.digest,
        "test_phrases": len(played),
        "training_phrases": len(split["training"]),
        "training_seed": config.seed,
        "measuring_seed": _SEED,
        "steps": bundle.card.get("steps"),
        "parameters": bundle.card.get("parameters"),
        "training_minutes": bundle.card.get("training_minutes"),
        "measuring_seconds": round(time.monotonic() - begun, 1),
        "measured": f"{time.strftime('%Y-%m-%d')}, {_made_with()}",
        "notes": bundle.card.get("notes", ""),
        "configuration": config.to_dict(),
    }
    return Measured(Subject.of(config), bundle.name, figures, provenance, arrays)


def _made_with() -> str:
    return f"Flatjam {__version__}, torch {torch.__version__}, {platform.system()}"


def _histogram(measured: Smoothness) -> dict[str, int]:
    steps, counts = np.unique(measured.max_step, return_counts=True)
    return {str(step): int(count) for step, count in zip(steps, counts, strict=True)}


def _pictured(coding: Coding, z: Array, vectors: dict[str, Array]) -> dict[str, Array]:
    """Return the phrases to draw, chosen by seed before anything of them is known."""
    random = np.random.default_rng(_SEED)
    ends = np.stack([random.choice(len(z), 2, replace=False) for _ in range(_PICTURED)])
    share = np.linspace(0.0, 1.0, PICTURE_POINTS)
    lines = {"interpolations": lerp(z[ends[:, 0]], z[ends[:, 1]], share)}
    for name, vector in vectors.items():
        start = z[ends[:, 0]]
        lines[f"sweep.{name}"] = lerp(start - vector, start + vector, share)
    return {
        name: coding.decode(line.transpose(1, 0, 2).reshape(-1, z.shape[1])).reshape(
            _PICTURED, PICTURE_POINTS, coding.music.steps, coding.music.features
        )
        for name, line in lines.items()
    }
