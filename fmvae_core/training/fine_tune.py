"""Fine-tuning: a run that begins with the weights of a bundle."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fmvae_core.runs.record import RunRecord
from fmvae_core.training.config import TrainingConfig

if TYPE_CHECKING:
    from fmvae_core.models.bundle import Bundle

STEPS = 2000
BATCH_SIZE = 64
LEARNING_RATE = 1e-3
FINAL_LEARNING_RATE = 1e-4
_RECOMBINE = 0.5
_REPLAY = 0.5
_RAMP = 100
_CLOSER = 0.6


def fine_tuning(bundle: Bundle, corpus: str) -> TrainingConfig:
    """Return what a run does that begins with a bundle and learns another corpus.

    The run is short, and the encoder alone learns: where in the bundle's space the new phrases lie.
    The space stays as it is, and as flat, and what was pinned in it sounds as it did. (Decoding
    points that were sought by gradient, the first shipped model gave back unseen grooves with an
    F1 of .88, where its own encoder led to .84: what it could not do yet is find them.) Drums are
    recombined, so that a few pieces show enough, and half of each step is what the bundle knows
    already. The weight of the KL begins where the bundle's training ended.

    Where a run is told to learn all (``optimiser.learns``), the bound on the error lies below what
    the bundle reached, or nothing would ask for a better likeness.

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
            learns="encoder",
            recombine=_RECOMBINE if config.model.representation == "drums" else 0.0,
            replay=_REPLAY,
        ),
        constraint=dataclasses.replace(
            bounds,
            kappa=min(bounds.kappa, math.sqrt(goal)),
            initial_beta=min(bounds.max_beta, max(bounds.min_beta, beta)),
        ),
        flatness=dataclasses.replace(config.flatness, ramp=_RAMP),
    )


def starting_bundle(record: RunRecord) -> Bundle | None:
    """Return the bundle that a run is to fine-tune, if there is one.

    Raises
    ------
    BundleError, ValueError
        If it is gone, or not the one the run was made for.
    """
    if record.bundle is None:
        return None
    from fmvae_core.models.bundle import Bundle  # a bare GPU machine cannot read bundles

    bundle = Bundle.open(Path(record.bundle))
    if bundle.sha256 != record.config.fine_tuned_from:
        raise ValueError(
            f"the bundle in {record.bundle} has changed since the run was made; make a new run"
        )
    return bundle
