from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fmvae_core.inference.networks import Networks
from fmvae_core.inference.solver import Box, solve
from fmvae_core.models.config import RepresentationName
from tests.factories import tiny_bundle


@pytest.mark.parametrize("representation", ["drums", "melody"])
@pytest.mark.parametrize("is_music_vae", [False, True])
def test_every_kind_of_bundle_is_decoded_encoded_and_steered(
    tmp_path: Path, representation: RepresentationName, is_music_vae: bool
) -> None:
    bundle = tiny_bundle(
        tmp_path / "tiny", 60, representation=representation, is_music_vae=is_music_vae
    )
    networks = Networks(bundle)
    z = bundle.landmarks.z
    frames = networks.decode(z[:5])
    assert frames.shape == (5, bundle.representation.steps, bundle.representation.features)
    np.testing.assert_array_equal(networks.decode(z[:5]), frames)
    assert networks.encode(frames).shape == (5, bundle.latent_dim)
    phrase = bundle.representation.decode(frames[0], 100.0, bundle.thresholds)
    assert phrase.is_drums == (representation == "drums")

    solution = solve(
        networks.decode,
        z[np.argsort(bundle.landmarks.attributes[:, 0])[30]],
        {"density": 3.0},
        bundle.attribute_vectors,
        Box.around(z),
        bundle.representation,
        bundle.thresholds,
    )
    heard = bundle.representation.attributes(
        networks.decode(solution.z[None])[0], bundle.thresholds
    )
    np.testing.assert_array_equal(heard, solution.achieved)
    change = (solution.achieved - solution.base)[0]
    assert abs(change - 3.0) <= 3.0  # never worse than staying
