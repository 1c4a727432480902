import numpy as np
import pytest
from PySide6.QtGui import QColor

from app.widgets.colours import (
    ANCHOR_A,
    ANCHOR_B,
    BACKGROUND,
    CATEGORIES,
    OTHER,
    SCHEMES,
    VELOCITY,
    categories_for,
    colours_for,
    hexadecimal,
    limits_for,
    linear,
    oklab,
    rgb,
)
from app.widgets.legend import Legend

# Machado, Oliveira and Fernandes 2009, severity 1.0, for linear RGB.
COLOUR_BLINDNESS = {
    "none": np.eye(3),
    "protan": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deutan": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritan": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}


def seen(colours, kind):
    light = np.clip(linear(np.asarray(colours)) @ COLOUR_BLINDNESS[kind].T, 0, 1)
    return oklab(np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055))


def contrast(one, other):
    weights = np.array([0.2126, 0.7152, 0.0722])
    a, b = sorted((float(linear(rgb(tone)) @ weights) for tone in (one, other)), reverse=True)
    return (a + 0.05) / (b + 0.05)


@pytest.mark.parametrize(
    ("kind", "least"), [("none", 0.12), ("protan", 0.08), ("deutan", 0.08), ("tritan", 0.06)]
)
def test_every_pair_of_categories_stays_apart(kind, least):
    lab = seen([rgb(tone) for tone in (*CATEGORIES, OTHER)], kind)
    gaps = np.linalg.norm(lab[:, None] - lab[None], axis=2)[np.triu_indices(len(lab), 1)]
    assert gaps.min() > least


@pytest.mark.parametrize("kind", COLOUR_BLINDNESS)
def test_anchors_and_ends_of_the_diverging_scale_stay_apart(kind):
    ramp = SCHEMES["offset"].ramp
    for pair in ((rgb(ANCHOR_A), rgb(ANCHOR_B)), (ramp[0], ramp[-1])):
        one, other = seen(pair, kind)
        assert np.linalg.norm(one - other) > 0.12


@pytest.mark.parametrize("tone", [*CATEGORIES, OTHER, ANCHOR_A, ANCHOR_B])
def test_marks_stand_out_from_the_ground(tone):
    assert contrast(tone, BACKGROUND) > 3


@pytest.mark.parametrize("ramp", [SCHEMES["density"].ramp, VELOCITY])
def test_sequential_scales_grow_evenly_in_lightness(ramp):
    lightness = oklab(ramp)[:, 0]
    steps = np.diff(lightness)
    assert (steps > 0).all()
    assert lightness[-1] - lightness[0] > 0.4


def test_diverging_scale_is_darkest_in_the_middle():
    lightness = oklab(SCHEMES["offset"].ramp)[:, 0]
    assert lightness[0] - lightness.min() > 0.15
    assert lightness[-1] - lightness.min() > 0.15
    assert abs(int(np.argmin(lightness)) - 127.5) < 30


def test_colours_follow_values():
    colours = colours_for([0.0, 5.0, 10.0, 99.0, np.nan], "density", limits=(0.0, 10.0))
    assert colours.shape == (5, 4)
    assert colours.dtype == np.float32
    ramp = SCHEMES["density"].ramp
    np.testing.assert_allclose(colours[0, :3], ramp[0], atol=1e-6)
    np.testing.assert_allclose(colours[1, :3], ramp[128], atol=0.01)
    np.testing.assert_allclose(colours[3], colours[2])
    np.testing.assert_allclose(colours[4, :3], rgb(OTHER), atol=1e-6)
    assert (colours[:, 3] == 1).all()


def test_limits_ignore_outliers_and_centre_offsets():
    values = np.concatenate([np.linspace(10, 20, 1000), [900.0]])
    low, high = limits_for(values, "density")
    assert 10 <= low < 11
    assert 19 < high < 21
    low, high = limits_for([-0.1, 0.0, 0.4], "offset")
    assert low == -high
    assert limits_for([3.0, 3.0], "density") == (3.0, 4.0)
    assert limits_for([], "density") == (0.0, 1.0)


def test_nine_most_frequent_styles_get_a_colour():
    names = [f"style{k}/variant{j}" for k in range(12) for j in range(20 - k)]
    entries = categories_for(names)
    assert [name for name, _ in entries] == [f"style{k}" for k in range(9)] + ["other"]
    colours = colours_for(names, "style")
    table = dict(entries)
    for name, tone in zip(names, colours, strict=True):
        assert hexadecimal(tone) == table.get(name.split("/")[0], OTHER)


def test_few_styles_need_no_other():
    assert categories_for(["rock", "funk/groove1", "rock/shuffle"]) == [
        ("rock", CATEGORIES[0]),
        ("funk", CATEGORIES[1]),
    ]


def test_no_landmarks_have_no_colours():
    assert colours_for([], "density").shape == (0, 4)
    assert colours_for([], "style").shape == (0, 4)


def test_unknown_scheme_is_refused():
    with pytest.raises(ValueError, match="choose one of: density"):
        colours_for([1.0], "sparkle")


def pixels(widget):
    image = widget.grab().toImage()
    return {
        image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())
    }


def test_legend_shows_the_scale_and_says_it(qtbot):
    legend = Legend()
    qtbot.addWidget(legend)
    assert not legend.isVisible()
    legend.show_continuous("Density (hits)", 4, 61)
    assert legend.isVisible()
    drawn = pixels(legend)
    ramp = SCHEMES["density"].ramp
    assert hexadecimal(ramp[0]) in drawn or QColor(hexadecimal(ramp[16])).name() in drawn
    assert legend.accessibleName() == "Legend: Density (hits)"
    assert "4 (sparse)" in legend.accessibleDescription()
    assert "61 (busy)" in legend.accessibleDescription()


def test_legend_shows_every_category(qtbot):
    legend = Legend()
    qtbot.addWidget(legend)
    legend.show_continuous("Density", 0, 1)
    before = legend.size()
    entries = [(f"style {k}", tone) for k, tone in enumerate((*CATEGORIES, OTHER))]
    legend.show_categories("Style", entries)
    assert legend.size() != before
    assert {tone for _, tone in entries} <= pixels(legend)
    assert "style 3" in legend.accessibleDescription()


def test_legend_refuses_a_scale_of_categories(qtbot):
    legend = Legend()
    qtbot.addWidget(legend)
    with pytest.raises(ValueError, match="style"):
        legend.show_continuous("Style", 0, 1, scheme="style")
