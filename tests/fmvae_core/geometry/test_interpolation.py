from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fmvae_core.geometry.interpolation import lerp, slerp, step_changes

points = arrays(np.float32, 5, elements=st.floats(-3, 3, width=32))


@given(points, points)
def test_both_ways_join_the_ends(a: np.ndarray, b: np.ndarray) -> None:
    for way in (lerp, slerp):
        ends = way(a, b, np.array([0.0, 1.0]))
        assert ends.dtype == np.float32
        np.testing.assert_allclose(ends, [a, b], atol=1e-5)


@given(points, points)
def test_steps_of_lerp_are_equal(a: np.ndarray, b: np.ndarray) -> None:
    way = lerp(a, b, np.linspace(0, 1, 6))
    np.testing.assert_allclose(np.diff(way, axis=0), np.tile((b - a) / 5, (5, 1)), atol=1e-5)


def test_slerp_keeps_to_the_sphere_with_equal_angles() -> None:
    a, b = np.array([2.0, 0, 0]), np.array([0, 2.0, 0])
    way = slerp(a, b, np.linspace(0, 1, 4))
    angles = np.arctan2(way[:, 1], way[:, 0])
    np.testing.assert_allclose(np.linalg.norm(way, axis=1), 2, rtol=1e-6)
    np.testing.assert_allclose(angles, np.linspace(0, np.pi / 2, 4), atol=1e-6)


@pytest.mark.parametrize("b", [[2.0, 4.0], [-1.0, -2.0], [0.0, 0.0], [1.0, 2.0]])
def test_slerp_goes_straight_where_there_is_no_arc(b: list[float]) -> None:
    a, t = [1.0, 2.0], np.linspace(0, 1, 5)
    np.testing.assert_allclose(slerp(a, b, t), lerp(a, b, t), atol=1e-6)


@pytest.mark.parametrize("way", [lerp, slerp])
def test_shapes(way: type(lerp)) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 3, 8))
    assert way(a, b, 0.3).shape == (3, 8)
    many = way(a, b, [0.0, 0.3])
    assert many.shape == (2, 3, 8)
    np.testing.assert_allclose(many[1], way(a, b, 0.3), atol=1e-6)
    np.testing.assert_allclose(many[1, 2], way(a[2], b[2], 0.3), atol=1e-6)


def test_step_changes_counts_hits_that_come_and_go() -> None:
    onsets = np.zeros((3, 32, 9), bool)
    onsets[0, 0, 0] = True
    onsets[1, 3, 8] = True
    onsets[1:, 5, 2] = True
    np.testing.assert_array_equal(step_changes(onsets), [3, 1])
    pairs = np.stack([onsets, onsets[::-1]], axis=1)
    np.testing.assert_array_equal(step_changes(pairs), [[3, 1], [1, 3]])
