"""What answers can be pulled to by name."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from fmvae_core.cli.jam_steering import anchors_of, asks_of
from fmvae_core.jam.anchors import style_anchors
from fmvae_core.models.bundle import Bundle
from fmvae_core.models.landmarks import Landmarks
from tests.factories import tiny_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder: Path = tmp_path_factory.mktemp("bundles") / "tiny"
    return tiny_bundle(folder)


@pytest.fixture
def landmarks(bundle: Bundle) -> Landmarks:
    """Six landmarks: jazz, of two kinds, four times, and funk twice."""
    marks = bundle.landmarks
    six = {
        field.name: getattr(marks, field.name)[:6]
        for field in dataclasses.fields(marks)
        if isinstance(getattr(marks, field.name), np.ndarray)
    }
    style = np.array([0, 1, 2, 0, 1, 2], np.int32)
    return dataclasses.replace(
        marks, **six | {"style": style, "styles": ("jazz/swing", "funk", "jazz")}
    )


def test_the_middle_of_a_style_stands_for_it_and_the_commonest_comes_first(
    landmarks: Landmarks,
) -> None:
    jazz, funk = style_anchors(landmarks)
    assert (jazz.name, funk.name) == ("style:jazz", "style:funk")
    np.testing.assert_allclose(jazz.z, landmarks.z[[0, 2, 3, 5]].mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(funk.z, landmarks.z[[1, 4]].mean(axis=0), rtol=1e-6)


def test_the_style_that_is_asked_for_comes_first_and_a_strange_one_is_refused(
    landmarks: Landmarks,
) -> None:
    assert [each.name for each in anchors_of(landmarks, "funk")] == ["style:funk", "style:jazz"]
    assert anchors_of(landmarks, "") == style_anchors(landmarks)
    with pytest.raises(ValueError, match=r"no style 'polka'; choose one of jazz, funk"):
        anchors_of(landmarks, "polka")


def test_asks_are_read_and_what_asks_for_nothing_is_refused() -> None:
    names = ("density", "velocity", "offset")
    assert asks_of(["density=6", "offset=-0.2"], names) == {"density": 6.0, "offset": -0.2}
    for text in ("density", "density=much", "loudness=1", "density=nan"):
        with pytest.raises(ValueError, match=r"ATTRIBUTE=CHANGE.*density, velocity, offset"):
            asks_of([text], names)
