"""Fine-tuning: a run that begins with the weights of a bundle."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from fmvae_core.models.bundle import Bundle
from fmvae_core.training.config import TrainingConfig

STEPS = 1500
BATCH_SIZE = 32
LEARNING_RATE = 5e-4
FINAL_LEARNING_RATE = 5e-5
_RAMP = 100
_CLOSER = 0.6


def fine_tuning(bundle: Bundle, corpus: str) -> TrainingConfig:
    """Return what a run does that begins with a bundle and learns another corpus.

    The shape is that of the bundle. The run is short, at a small learning rate; the weight of the
    KL begins where the bundle's training ended, and the bound on the error lies below what that
    reached.

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
    bounds = config.constraint
    beta = float(ended.get("beta") or bounds.initial_beta)
    # Below the error that the bundle has already: else nothing would ask for a better likeness.
    goal = _CLOSER * float(ended.get("average") or bounds.kappa**2)
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
            bounds,
            kappa=min(bounds.kappa, math.sqrt(goal)),
            initial_beta=min(bounds.max_beta, max(bounds.min_beta, beta)),
        ),
        flatness=dataclasses.replace(config.flatness, ramp=_RAMP),
    )
