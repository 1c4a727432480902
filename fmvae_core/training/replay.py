"""What a bundle knows already, to be learnt along with what is new: else it would be forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from fmvae_core.runs.record import RunRecord
from fmvae_core.training.fine_tune import starting_bundle
from fmvae_core.training.phrases import spread

if TYPE_CHECKING:
    from fmvae_core.models.bundle import Bundle

_MOST = 2048
_AT_ONCE = 256


def known_phrases(bundle: Bundle) -> Tensor:
    """Return landmarks of a bundle as it decodes them, ``(n, steps, features)``, 2048 at most.

    They need no corpus, which may not be there, or may not be passed on. What is likelier than not
    sounds, since hits and notes are learnt from, not probabilities.
    """
    from fmvae_core.inference.networks import Networks  # a bare GPU machine cannot read bundles

    model = Networks(bundle).model
    chosen = spread(len(bundle.landmarks), _MOST)
    z = torch.from_numpy(np.asarray(bundle.landmarks.z, np.float32)[chosen])
    with torch.no_grad():
        return torch.cat(
            [model.likelihood.decided(model.decode(part)) for part in z.split(_AT_ONCE)]
        )


def replayed(record: RunRecord) -> Tensor | None:
    """Return what a run is to learn again, if anything.

    Raises
    ------
    BundleError, ValueError
        If the bundle is gone, or not the one the run was made for.
    """
    bundle = starting_bundle(record)
    if bundle is None or record.config.optimiser.replay == 0:
        return None
    return known_phrases(bundle)
