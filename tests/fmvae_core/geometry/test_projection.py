from __future__ import annotations

import numpy as np
import pytest

from fmvae_core.geometry.projection import PCA

RNG = np.random.default_rng(5)
SPREAD = np.array([5.0, 3.0, 2.0, 1.0, 0.5, 0.1])
TURN = np.linalg.qr(RNG.normal(size=(6, 6)))[0]
POINTS = (RNG.normal(size=(4000, 6)) * SPREAD) @ TURN + 7


def test_components_are_those_of_the_largest_variance() -> None:
    pca = PCA.fit(POINTS)
    np.testing.assert_allclose(pca.mean, POINTS.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(pca.components @ pca.components.T, np.eye(3), atol=1e-6)
    assert (np.abs((pca.components * TURN[:3]).sum(axis=1)) > 0.99).all()
    np.testing.assert_allclose(pca.explained, (SPREAD**2)[:3] / (SPREAD**2).sum(), atol=0.03)
    landed = pca.project(POINTS)
    assert landed.shape == (4000, 3)
    assert landed.dtype == np.float32
    np.testing.assert_allclose(landed.var(axis=0) / POINTS.var(axis=0).sum(), pca.explained, 1e-4)


def test_agrees_with_scikit_learn() -> None:
    from sklearn.decomposition import PCA as Reference  # noqa: N811

    reference = Reference(3).fit(POINTS)
    pca = PCA.fit(POINTS)
    np.testing.assert_allclose(np.abs(pca.components), np.abs(reference.components_), atol=1e-4)
    np.testing.assert_allclose(pca.explained, reference.explained_variance_ratio_, rtol=1e-4)


def test_straight_lines_stay_straight_and_signs_repeat() -> None:
    pca = PCA.fit(POINTS)
    a, b = POINTS[:2]
    np.testing.assert_allclose(
        pca.project((a + b) / 2), (pca.project(a) + pca.project(b)) / 2, atol=1e-4
    )
    shuffled = PCA.fit(RNG.permutation(POINTS))
    np.testing.assert_allclose(shuffled.components, pca.components, atol=1e-5)


def test_oriented_by_a_quantity_that_grows_along_every_axis() -> None:
    pca = PCA.fit(POINTS)
    density = -pca.project(POINTS) @ np.array([1.0, -2.0, 0.5])
    landed = pca.oriented(POINTS, density).project(POINTS)
    assert (np.array([np.corrcoef(axis, density)[0, 1] for axis in landed.T]) > 0).all()
    np.testing.assert_allclose(np.abs(landed), np.abs(pca.project(POINTS)), atol=1e-4)
    constant = pca.oriented(POINTS, np.full(4000, 3.0))
    np.testing.assert_array_equal(constant.components, pca.components)


def test_too_few_points_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 3 points"):
        PCA.fit(POINTS[:3])


def test_identical_points_explain_nothing() -> None:
    pca = PCA.fit(np.ones((10, 6)))
    np.testing.assert_array_equal(pca.explained, np.zeros(3))
    assert np.isfinite(pca.components).all()
