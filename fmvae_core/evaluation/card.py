"""The card of a bundle: what the model is, what it learnt from, and how well it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fmvae_core.data.corpus import Corpus
from fmvae_core.evaluation.attribute_correlation import attribute_correlation
from fmvae_core.evaluation.coding import Array, decode, encode
from fmvae_core.evaluation.flatness import flatness
from fmvae_core.evaluation.reconstruction import hit_thresholds, reconstruction
from fmvae_core.evaluation.smoothness import smoothness
from fmvae_core.geometry.attribute_vectors import attribute_vectors
from fmvae_core.models.fm_music_vae import FMMusicVAE
from fmvae_core.music.attributes import attributes
from fmvae_core.training.objective import FlatnessConfig


@dataclass(frozen=True)
class Evaluation:
    """What evaluating a model yields for its bundle, beside the figures of the card."""

    training_z: Array
    training_attributes: Array
    vectors: dict[str, Array]
    thresholds: Array
    figures: dict[str, Any]


def evaluate(model: FMMusicVAE, corpus: Corpus, config: FlatnessConfig) -> Evaluation:
    """Measure a model on its corpus: thresholds on validation, figures on validation and test.

    Attributes and vectors come from training phrases alone. Smoothness, geometry and attribute
    correlations start from test phrases.
    """
    bars = model.config.bars
    played = {
        split: corpus.cut(corpus.windows(bars, split))
        for split in ("training", "validation", "test")
    }
    z = {split: encode(model, frames) for split, frames in played.items()}
    decoded = {split: decode(model, z[split]) for split in ("validation", "test")}
    thresholds = hit_thresholds(played["validation"], decoded["validation"])
    training_attributes = attributes(played["training"]).astype(np.float32)
    vectors = attribute_vectors(z["training"], training_attributes)
    figures: dict[str, Any] = {
        split: reconstruction(played[split], decoded[split], thresholds)
        | {"hit_f1_at_half": reconstruction(played[split], decoded[split])["hit_f1"]}
        for split in ("validation", "test")
    }
    figures["smoothness"] = smoothness(model, z["test"], thresholds)
    figures["geometry"] = flatness(model, z["test"], config)
    figures["attributes"] = attribute_correlation(
        model, z["test"], z["training"], training_attributes, vectors, thresholds
    )
    return Evaluation(z["training"], training_attributes, vectors, thresholds, figures)
