from __future__ import annotations

import numpy as np
import pytest

from fmvae_core.geometry.attribute_vectors import attribute_vectors

NAMES = ("density", "velocity", "offset")


def test_vectors_join_the_centroids_of_the_outer_quarters() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(4000, 6))
    values = np.stack([z[:, 2], -z[:, 4], z[:, 0] + z[:, 1]], axis=1)
    vectors = attribute_vectors(z, values, NAMES)
    assert list(vectors) == ["density", "velocity", "offset"]
    for column, vector in enumerate(vectors.values()):
        assert vector.shape == (6,)
        low, high = np.quantile(values[:, column], [0.25, 0.75])
        expected = z[values[:, column] > high].mean(0) - z[values[:, column] < low].mean(0)
        np.testing.assert_allclose(vector, expected, atol=1e-2)
    # Between the outer quarters of a standard normal lie 2.54 standard deviations.
    np.testing.assert_allclose(vectors["density"][2], 2.54, atol=0.08)


def test_samples_are_drawn_by_seed() -> None:
    rng = np.random.default_rng(1)
    z, values = rng.normal(size=(500, 4)), rng.normal(size=(500, 3))
    a = attribute_vectors(z, values, NAMES, n=100, seed=3)
    np.testing.assert_array_equal(
        a["density"], attribute_vectors(z, values, NAMES, n=100, seed=3)["density"]
    )
    assert not np.allclose(
        a["density"], attribute_vectors(z, values, NAMES, n=100, seed=4)["density"]
    )


@pytest.mark.parametrize(("z", "values"), [((3, 4), (3, 3)), ((8, 4), (8, 2)), ((8, 4), (7, 3))])
def test_what_does_not_fit_is_refused(z: tuple[int, int], values: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="need four points"):
        attribute_vectors(np.zeros(z), np.zeros(values), NAMES)
