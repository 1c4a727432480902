"""Fine-tuning: a run that begins with the weights of a bundle."""

from __future__ import annotations

import dataclasses
from typing import Any

from fmvae_core.models.bundle import Bundle
from fmvae_core.training.config import TrainingConfig

STEPS = 1500
BATCH_SIZE = 32
LEARNING_RATE = 5e-4
FINAL_LEARNING_RATE = 5e-5
_RAMP = 100


def fine_tuning(bundle: Bundle, corpus: str) -> TrainingConfig:
    """Return what a run does that begins with a bundle and learns another corpus.

    Shape and constraint are those of the bundle's own training; the run is short, at a small
    learning rate, and the weight of the KL begins where that training ended.

    Raises
    ------
    ValueError
        If the bundle does not tell how it was trained.
    """
    card = bundle.card
    try:
        config = TrainingConfig.from_dict(dict(card["configuration"]))
        ended: dict[str, Any] = dict(card.get("constraint", {}))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"the bundle '{bundle.name}' does not tell how it was trained ({error}), so it cannot "
            "be trained on; choose another, or train from scratch"
        ) from None
    beta = float(ended.get("beta") or config.constraint.initial_beta)
    bounds = config.constraint
    return dataclasses.replace(
        config,
        corpus=corpus,
        hold_out=None,
        fine_tuned_from=bundle.sha256,
        optimiser=dataclasses.replace(
            config.optimiser,
            steps=STEPS,
            batch_size=BATCH_SIZE,
            learning_rate=LEARNING_RATE,
            final_learning_rate=FINAL_LEARNING_RATE,
        ),
        constraint=dataclasses.replace(
            bounds, initial_beta=min(bounds.max_beta, max(bounds.min_beta, beta))
        ),
        flatness=dataclasses.replace(config.flatness, ramp=_RAMP),
    )
