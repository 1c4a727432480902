"""Laying snapshots of a space over each other."""

from __future__ import annotations

import numpy as np
import pytest

from fmvae_core.geometry.alignment import FormingMap, procrustes


def cloud(seed: int = 0, n: int = 200, d: int = 6) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(size=(n, d)) * np.array([5.0, 3.0, 2.0, 0.3, 0.2, 0.1][:d])


def turn(d: int, seed: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d)))[0]


def test_a_turned_cloud_is_turned_back() -> None:
    points = cloud() - cloud().mean(axis=0)
    there = turn(6, 1)
    back = procrustes(points @ there, points)
    np.testing.assert_allclose(points @ there @ back, points, atol=1e-9)
    np.testing.assert_allclose(back @ back.T, np.eye(6), atol=1e-12)


def test_a_space_that_only_turns_and_grows_lies_still_on_the_map() -> None:
    points = cloud()
    forming = FormingMap()
    forming.begin_with(points)
    places, spread = forming.places(points)
    turned, larger = forming.places(3.0 * points @ turn(6, 2) + 7.0)
    np.testing.assert_allclose(turned, places, atol=1e-5)
    assert larger == pytest.approx(3.0 * spread)
    assert np.sqrt(np.square(places).sum(axis=1).mean()) == pytest.approx(1.0, abs=0.05)


def test_a_newer_snapshot_hardly_moves_what_was_shown() -> None:
    """Whatever turn the newer one has, and though its principal components change places."""
    first = cloud()
    second = first @ np.diag([0.55, 1.0, 1.0, 1.0, 1.0, 1.0]) @ turn(6, 3)
    forming = FormingMap()
    forming.begin_with(first)
    before, _ = forming.places(first)
    forming.begin_with(second)
    after, _ = forming.places(first)
    assert np.linalg.norm(after - before) < 0.05 * np.linalg.norm(before)


def test_other_phrases_are_refused() -> None:
    forming = FormingMap()
    with pytest.raises(ValueError, match="newest snapshot"):
        forming.places(cloud())
    forming.begin_with(cloud())
    with pytest.raises(ValueError, match="newest snapshot"):
        forming.places(cloud(n=10))
    forming.begin_with(cloud(n=50))  # another run
    assert forming.places(cloud(n=50))[0].shape == (50, 3)
