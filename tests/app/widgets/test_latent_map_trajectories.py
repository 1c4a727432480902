"""The trajectories of a jam: what is seen of them, how they grow, and when the map draws itself."""

from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtWidgets import QWidget

from app.theme import COLOURS
from app.widgets.colours import rgb
from app.widgets.latent_map_trajectories import GROWTH_SECONDS, Head, Trajectories, light_of
from tests.app.widgets.maps import ask, picture, pixel, settle, shown_map

NOWHERE = np.zeros((0, 3))
CORNERS = np.array([[-2, -2, -2], [2, 2, 2]], np.float32)
WAY = np.array([[-1.5, 0, 1.2], [-0.5, 0, 1.2], [0.5, 0, 1.2], [1.5, 0, 1.2]])
BELOW = WAY - [0, 0, 2.0]


@pytest.fixture
def empty_map(qtbot):
    """A map with two landmarks far from all that the tests draw."""
    return shown_map(qtbot, CORNERS)


def show(qtbot, latent_map, *trajectories):
    """Show trajectories that have come to rest."""
    latent_map.set_trajectories(NOWHERE, NOWHERE, [])
    settle(qtbot, latent_map)
    latent_map.set_trajectories(*trajectories)
    settle(qtbot, latent_map)


def patch(image, at, reach=3):
    """Return the pixels about a place of the canvas, red first."""
    x, y = at.x() + 2, at.y() + 2  # the canvas lies within the frame
    return image[y - reach : y + reach + 1, x - reach : x + reach + 1, ::-1].reshape(-1, 3)


def brightest(image, at, reach=3):
    pixels = patch(image, at, reach)
    return pixels[pixels.max(axis=1).argmax()]


def seen_as(colour, name):
    tone = rgb(COLOURS[name])
    return colour @ tone / np.linalg.norm(colour) / np.linalg.norm(tone) > 0.985


def test_the_human_is_warm_and_the_machine_cool(qtbot, empty_map):
    show(qtbot, empty_map, WAY, BELOW, [])
    image = picture(empty_map)
    for way, name in ((WAY, "human"), (BELOW, "machine")):
        for place in (way[-2], 0.5 * (way[-1] + way[-2])):
            assert seen_as(brightest(image, pixel(empty_map, place)), name)
        assert patch(image, pixel(empty_map, way[-1])).min(axis=1).max() > 150, "no bright core"


def test_trails_fade_with_age(qtbot, empty_map):
    show(qtbot, empty_map, WAY, NOWHERE, [])
    image = picture(empty_map)
    middles = [0.5 * (a + b) for a, b in pairwise(WAY)]
    lights = [brightest(image, pixel(empty_map, place)).max() for place in middles]
    assert lights == sorted(lights)
    assert lights[0] < 0.8 * lights[-1]
    assert (np.diff(light_of(np.arange(500))) <= 0).all()
    assert light_of(499) > 0.02


def test_what_answered_what_is_linked(qtbot, empty_map):
    between = [pixel(empty_map, 0.5 * (a + b)) for a, b in zip(WAY, BELOW, strict=True)]
    show(qtbot, empty_map, WAY, BELOW, [])
    without = picture(empty_map)
    show(qtbot, empty_map, WAY, BELOW, [(1, 1), (3, 3)])
    image = picture(empty_map)

    def change(at):
        return int((patch(image, at, 8) - patch(without, at, 8)).max())

    assert change(between[2]) < 25
    assert change(between[1]) > 40
    assert change(between[3]) > change(between[1]), "the last exchange is not the clearest"


def test_empty_arrays_clear_the_map(qtbot, empty_map):
    before = picture(empty_map)
    show(qtbot, empty_map, WAY, BELOW, [(0, 0)])
    assert (picture(empty_map) != before).any()
    empty_map.set_trajectories(NOWHERE, NOWHERE, [])
    settle(qtbot, empty_map)
    assert (picture(empty_map) == before).all()


@pytest.mark.parametrize(
    ("human", "links", "complaint"),
    [
        (np.zeros((2, 2)), [], "human"),
        (np.full((1, 3), np.nan), [], "finite"),
        (WAY, [(4, 0)], "link"),
        (WAY, [(0, -1)], "link"),
    ],
)
def test_wrong_trajectories_are_refused_and_the_map_stays(
    qtbot, empty_map, human, links, complaint
):
    before = picture(empty_map)
    with pytest.raises(ValueError, match=complaint):
        empty_map.set_trajectories(human, BELOW, links)
    settle(qtbot, empty_map)
    assert (picture(empty_map) == before).all()


def test_long_trajectories_are_drawn(qtbot, empty_map):
    steps = np.random.default_rng(0).normal(size=(2, 500, 3)) * 0.05
    human, machine = np.cumsum(steps, axis=1)
    show(qtbot, empty_map, human, machine, [(k, k) for k in range(500)])
    image = picture(empty_map)
    assert seen_as(brightest(image, pixel(empty_map, human[-1]), 14), "human")


# Movement


def test_a_new_place_is_reached_by_growing():
    head = Head()
    first, second, elsewhere = (np.full((1, 3), x, np.float32) for x in (0.0, 1.0, 5.0))
    head.follow(NOWHERE, first, 10.0)
    assert head.place(10.0) == pytest.approx(first[0])
    both = np.concatenate([first, second])
    head.follow(first, both, 20.0)
    assert head.place(20.0) == pytest.approx(first[0])
    assert first[0, 0] < head.place(20.0 + 0.3 * GROWTH_SECONDS)[0] < second[0, 0]
    # What the other player does meanwhile changes nothing.
    head.follow(both, both, 20.0 + 0.3 * GROWTH_SECONDS)
    assert head.place(20.0 + GROWTH_SECONDS) == pytest.approx(second[0])
    # The model has heard more of the same phrase: its place moves.
    moved = np.concatenate([first, elsewhere])
    head.follow(both, moved, 30.0)
    assert head.place(30.0) == pytest.approx(second[0])
    assert head.place(30.0 + GROWTH_SECONDS) == pytest.approx(elsewhere[0])
    # Another projection: all is elsewhere at once.
    head.follow(moved, moved + 3.0, 40.0)
    assert head.place(40.0) == pytest.approx(elsewhere[0] + 3.0)
    head.follow(moved + 3.0, NOWHERE, 50.0)
    assert head.place(50.0) is None


def test_the_newest_places_pulse_while_they_can_be_seen(qtbot, empty_map):
    assert not empty_map.pulses
    empty_map.set_trajectories(WAY, BELOW, [(3, 3)])
    assert empty_map.pulses
    drawn = empty_map.canvas.drawn
    qtbot.waitUntil(lambda: empty_map.canvas.drawn > drawn + 3, timeout=20_000)
    empty_map.hide()
    assert not empty_map.pulses
    empty_map.show()
    assert empty_map.pulses
    empty_map.set_trajectories(NOWHERE, NOWHERE, [])
    assert not empty_map.pulses


def test_trajectories_may_come_before_the_map_is_shown(qtbot, empty_map):
    empty_map.hide()
    empty_map.set_trajectories(WAY, BELOW, [(3, 3)])
    assert not empty_map.pulses
    empty_map.show()
    settle(qtbot, empty_map)
    assert seen_as(brightest(picture(empty_map), pixel(empty_map, WAY[-2])), "human")


# On stage


def test_landmarks_step_back_and_axes_are_read_from_afar(qtbot, latent_map, points):
    def light(image):
        """Return how much light the landmarks give."""
        return np.clip(image - image[:20, :20].max(), 0, None).sum()

    latent_map.set_axes(("", "", ""))
    settle(qtbot, latent_map)
    loud = picture(latent_map)
    latent_map.set_quiet(True)
    settle(qtbot, latent_map)
    assert light(picture(latent_map)) < 0.5 * light(loud)
    latent_map.set_quiet(False)
    settle(qtbot, latent_map)
    assert (picture(latent_map) == loud).all()


def test_axes_are_read_from_afar(qtbot, empty_map):
    def ink():
        bare = picture(empty_map)
        empty_map.set_axes(("busier", "harder", "later"))
        settle(qtbot, empty_map)
        labelled = picture(empty_map)
        empty_map.set_axes(("", "", ""))
        settle(qtbot, empty_map)
        return int((np.abs(labelled - bare).max(axis=2) > 20).sum())

    empty_map.set_axes(("", "", ""))
    settle(qtbot, empty_map)
    near = ink()
    empty_map.set_quiet(True)
    settle(qtbot, empty_map)
    assert ink() > 1.3 * near


def test_a_map_that_cannot_be_drawn_takes_trajectories(qtbot, empty_map):
    failed = ask(qtbot, empty_map, "gl_failed")
    empty_map.set_trajectories(WAY, BELOW, [])
    empty_map.canvas._discs._program.set_shaders("this is no shader", "nor is this")
    empty_map.canvas.changed("camera")
    qtbot.waitUntil(lambda: len(failed) == 1)
    assert empty_map.findChild(QWidget, "noMap") is not None
    assert not empty_map.pulses
    empty_map.set_trajectories(WAY, BELOW, [(0, 0)])
    empty_map.set_quiet(True)
    assert not empty_map.pulses


def test_trajectories_are_copied():
    places = WAY.copy()
    kept = Trajectories.checked(places, [], [])
    places[:] = 0.0
    assert kept.human == pytest.approx(WAY)
    assert kept.machine.shape == (0, 3)
