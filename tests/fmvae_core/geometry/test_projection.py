from __future__ import annotations

import numpy as np
import pytest

from fmvae_core.geometry.projection import PCA, AttributeAxes, Linear, Placement

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


VECTORS = {
    "density": RNG.normal(size=6) * 4,
    "velocity": RNG.normal(size=6),
    "offset": RNG.normal(size=6),
}


def test_attribute_axes_are_orthonormal_and_in_order() -> None:
    axes = AttributeAxes.fit(POINTS, VECTORS)
    assert axes.names == ("density", "velocity", "offset")
    np.testing.assert_allclose(axes.components @ axes.components.T, np.eye(3), atol=1e-6)
    steps = axes.components @ np.stack(list(VECTORS.values())).T
    # The first vector lies along the first axis, the second in the plane of the first two.
    assert (np.diag(steps) > 0).all()
    np.testing.assert_allclose(np.tril(steps, -1), 0, atol=1e-5)
    np.testing.assert_allclose(steps[0, 0], np.linalg.norm(VECTORS["density"]), rtol=1e-6)
    np.testing.assert_allclose(axes.project(POINTS).mean(axis=0), 0, atol=1e-4)


def test_what_two_attributes_leave_makes_the_third_axis() -> None:
    two = {"density": TURN[0], "pitch": TURN[0] + TURN[2]}
    axes = AttributeAxes.fit(POINTS, two)
    assert axes.names == ("density", "pitch", None)
    np.testing.assert_allclose(axes.components @ axes.components.T, np.eye(3), atol=1e-6)
    assert abs(float(axes.components[2] @ TURN[1])) > 0.99  # the largest variance that is left


def test_an_attribute_that_says_nothing_new_has_no_axis() -> None:
    vectors = {
        "density": TURN[3],
        "velocity": -2 * TURN[3],
        "offset": np.zeros(6),
        "pitch": TURN[4],
    }
    axes = AttributeAxes.fit(POINTS, vectors)
    assert axes.names == ("density", "pitch", None)
    np.testing.assert_allclose(axes.components @ axes.components.T, np.eye(3), atol=1e-6)
    # Points that differ in nothing else still get three axes.
    flat = AttributeAxes.fit(np.ones((10, 6)), {"density": np.eye(6)[0]})
    np.testing.assert_allclose(flat.components @ flat.components.T, np.eye(3), atol=1e-6)
    with pytest.raises(ValueError, match="more than 3 points"):
        AttributeAxes.fit(POINTS[:3], vectors)


@pytest.mark.parametrize("projection", [PCA.fit(POINTS), AttributeAxes.fit(POINTS, VECTORS)])
def test_linear_projections_keep_lines_straight_and_their_steps_even(projection: Linear) -> None:
    a, b = POINTS[:2]
    parts = np.linspace(0, 1, 9)[:, None]
    line = projection.project((1 - parts) * a + parts * b)
    assert line.shape == (9, 3)
    steps = np.diff(line, axis=0)
    np.testing.assert_allclose(steps, np.broadcast_to(steps[0], steps.shape), atol=1e-4)


def test_a_landmark_is_placed_where_it_is_and_others_between_their_nearest() -> None:
    z = RNG.normal(size=(500, 6)).astype(np.float32)
    places = RNG.normal(size=(500, 3)).astype(np.float32)
    placement = Placement(z, places)
    np.testing.assert_array_equal(placement.project(z), places)
    assert placement.project(z[3]).shape == (3,)
    assert placement.project(z[:4].reshape(2, 2, 6)).shape == (2, 2, 3)
    # Halfway between two points that have no other neighbour nearby: halfway between their places.
    apart = np.eye(6, dtype=np.float32) * 100
    two = Placement(np.concatenate([apart, apart[:1] + 1]), places[:7], neighbours=2)
    np.testing.assert_allclose(two.project(apart[0] + 0.5), (places[0] + places[6]) / 2, atol=1e-3)


def test_a_point_that_moves_steadily_never_jumps() -> None:
    z = RNG.normal(size=(300, 6)).astype(np.float32)
    places = RNG.normal(size=(300, 3)).astype(np.float32)
    parts = np.linspace(0, 1, 20_001)[:, None]
    way = Placement(z, places).project((1 - parts) * z[0] + parts * z[1])
    # Neighbours that entered or left with weight would move the point by about 0.1 at once.
    assert np.linalg.norm(np.diff(way, axis=0), axis=1).max() < 0.01
    np.testing.assert_allclose(way[[0, -1]], places[:2], atol=1e-5)


def test_equal_landmarks_share_a_place_and_a_few_are_enough() -> None:
    places = np.arange(6, dtype=np.float32).reshape(2, 3)
    twice = Placement(np.ones((2, 6)), places)
    np.testing.assert_allclose(twice.project(np.ones(6)), places.mean(axis=0))
    np.testing.assert_allclose(twice.project(np.zeros(6)), places.mean(axis=0))
    with pytest.raises(ValueError, match="two landmarks or more"):
        Placement(np.ones((1, 6)), places[:1])
    with pytest.raises(ValueError, match=r"places \(2, 3\)"):
        Placement(np.ones((3, 6)), places)
