"""The card of a bundle: what the model is, what it learnt from, and how well it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fmvae_core.data.corpus import SPLITS, Corpus, Split
from fmvae_core.evaluation.attribute_correlation import attribute_correlation
from fmvae_core.evaluation.coding import Array, Coding, decode, encode, music_of
from fmvae_core.evaluation.flatness import flatness
from fmvae_core.evaluation.reconstruction import reconstruction, thresholds_for
from fmvae_core.evaluation.smoothness import smoothness
from fmvae_core.geometry.attribute_vectors import attribute_vectors
from fmvae_core.models.recurrent_vae import RecurrentVAE
from fmvae_core.training.config import TrainingConfig
from fmvae_core.training.phrases import phrases, standing_in

_MEASURED: tuple[Split, ...] = ("validation", "test")


@dataclass(frozen=True)
class Evaluation:
    """What evaluating a model yields for its bundle, beside the figures of the card."""

    vectors: dict[str, Array]
    thresholds: Array
    figures: dict[str, Any]


def evaluate(
    model: RecurrentVAE,
    corpus: Corpus,
    config: TrainingConfig,
    thresholds: npt.ArrayLike = 0.5,
) -> Evaluation:
    """Measure a model on its corpus: thresholds on validation, figures on validation and test.

    Attributes and vectors come from training phrases alone. Smoothness, geometry and attribute
    correlations start from test phrases. Where a small corpus has none, others stand in, and
    ``split`` beside the figures says which.

    Parameters
    ----------
    model, corpus, config
        What to measure, on what.
    thresholds
        For a corpus with too few validation pieces to find them
        (`fmvae_core.evaluation.reconstruction.thresholds_for`).
    """
    music = music_of(model)
    split = phrases(corpus, config)
    used = {name: standing_in(split, name) for name in SPLITS}
    split = {name: split[used[name]] for name in SPLITS}
    played = {name: split[name].frames(corpus) for name in SPLITS}
    z = {name: encode(model, frames) for name, frames in played.items()}
    decoded = {name: decode(model, z[name]) for name in _MEASURED}
    is_unseen = used["validation"] != "training"
    pieces = len(np.unique(split["validation"].windows.performance)) if is_unseen else 0
    thresholds = thresholds_for(
        music, played["validation"], decoded["validation"], pieces, thresholds
    )
    coding = Coding(model, thresholds)
    training_attributes = music.attributes(played["training"]).astype(np.float32)
    vectors = attribute_vectors(z["training"], training_attributes, music.attribute_names)
    figures: dict[str, Any] = {
        name: reconstruction(music, played[name], decoded[name], thresholds) for name in _MEASURED
    }
    for name in _MEASURED:
        if used[name] != name:
            figures[name]["split"] = used[name]
    if len(thresholds):
        for name in _MEASURED:
            at_half = reconstruction(music, played[name], decoded[name])
            figures[name]["hit_f1_at_half"] = at_half["hit_f1"]
    figures["smoothness"] = smoothness(coding, z["test"]).figures()
    figures["geometry"] = flatness(model, z["test"], config.flatness)
    figures["attributes"] = attribute_correlation(
        coding,
        z["test"],
        music.attributes(played["test"]),
        z["training"],
        training_attributes,
        vectors,
    )
    return Evaluation(vectors, thresholds, figures)
