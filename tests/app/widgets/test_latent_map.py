"""What the map shows, from which side, and what is left where it cannot draw."""

import sys

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QSurface, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from app.widgets.colours import colours_for
from app.widgets.latent_map import LatentMap
from app.widgets.latent_map_bench import measure_fps
from app.widgets.legend import Legend
from tests.app.widgets.maps import (
    LEFT,
    ask,
    clusters,
    drag,
    empty_place,
    journey,
    lonely,
    picture,
    pixel,
    settle,
    shown_map,
)


def test_where_a_processor_draws_the_window_is_not_put_together_with_opengl(latent_map):
    if not latent_map.graphics.is_software:
        pytest.skip("a graphics card draws here")
    surface = latent_map.window().windowHandle().surfaceType()
    assert surface == QSurface.SurfaceType.RasterSurface


def test_landmarks_are_on_the_screen_in_their_colours(latent_map, points):
    image = picture(latent_map)
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 300
    for index in lonely(latent_map, points, 5):
        at = pixel(latent_map, points[index])
        # The canvas lies within the frame.
        seen = image[at.y() + 2, at.x() + 2][::-1] / 255
        wanted = colours_for(points[:, 0], "density")[index, :3]
        direction = seen @ wanted / np.linalg.norm(seen) / np.linalg.norm(wanted)
        assert direction > 0.97
        assert seen.max() > 0.25


def test_a_drag_on_empty_space_turns_the_map(qtbot, latent_map, points):
    before, azimuth = picture(latent_map), latent_map.camera.azimuth
    start = empty_place(latent_map, points)
    clicks = ask(qtbot, latent_map, "landmark_clicked")
    drag(latent_map, start, start + QPoint(80, 0))
    assert latent_map.camera.azimuth != pytest.approx(azimuth, abs=5)
    settle(qtbot, latent_map)
    assert (np.abs(picture(latent_map) - before).max(axis=2) > 20).sum() > 2000
    assert clicks == []


def test_shift_and_the_middle_button_pan(qtbot, latent_map, points):
    start = empty_place(latent_map, points)
    azimuth = latent_map.camera.azimuth
    for button, modifier in (
        (LEFT, Qt.KeyboardModifier.ShiftModifier),
        (Qt.MouseButton.MiddleButton, Qt.KeyboardModifier.NoModifier),
    ):
        middle = pixel(latent_map, latent_map.camera.centre)
        fixed = latent_map.camera.centre.copy()
        drag(latent_map, start, start + QPoint(60, 40), button, modifier)
        moved = pixel(latent_map, fixed)
        assert abs(moved.x() - middle.x() - 60) <= 2
        assert abs(moved.y() - middle.y() - 40) <= 2
    assert latent_map.camera.azimuth == azimuth


def test_the_wheel_zooms_to_the_cursor(qtbot, latent_map):
    distance = latent_map.camera.distance
    place = QPointF(300, 200)
    native = latent_map.canvas.widget
    for delta, nearer in ((120, True), (-240, False)):
        event = QWheelEvent(
            place,
            native.mapToGlobal(place),
            QPoint(),
            QPoint(0, delta),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(native, event)
        assert (latent_map.camera.distance < distance) is nearer


def test_nothing_is_drawn_while_nothing_changes(qtbot, latent_map):
    settle(qtbot, latent_map)
    drawn = latent_map.canvas.drawn
    qtbot.wait(150)
    assert latent_map.canvas.drawn == drawn


def test_the_default_view_follows_the_size_until_it_is_changed(qtbot, latent_map, points):
    latent_map.resize(500, 640)
    qtbot.waitUntil(lambda: latent_map.canvas.size[0] == 496)
    screen = latent_map.canvas.projected(points)
    assert screen.x.min() > 0
    assert screen.x.max() < 496
    QTest.keyClick(latent_map, Qt.Key.Key_Left)
    distance = latent_map.camera.distance
    latent_map.resize(800, 640)
    qtbot.waitUntil(lambda: latent_map.canvas.size[0] == 796)
    assert latent_map.camera.distance == distance


# What is shown


def test_a_software_renderer_gets_a_sample_and_always_what_is_held(qtbot):
    points = clusters(6000)
    latent_map = shown_map(qtbot, points, software_limit=1000)
    assert latent_map.graphics.is_software, "these figures are of a software renderer"
    assert (latent_map.total_count, latent_map.shown_count) == (6000, 1000)
    hidden = np.setdiff1d(np.arange(6000), latent_map.shown)
    latent_map.set_current(int(hidden[0]))
    latent_map.set_anchor("A", points[hidden[1]])
    assert set(hidden[:2]) <= set(latent_map.shown)
    assert latent_map.shown_count == 1002
    latent_map.set_current(None)
    latent_map.set_anchor("A", None)
    assert latent_map.shown_count == 1000
    settle(qtbot, latent_map)


def test_colours_change_without_the_places(qtbot, latent_map, points):
    latent_map.set_colours(np.tile(np.array([1, 0, 0, 1], np.float32), (len(points), 1)))
    settle(qtbot, latent_map)
    at = pixel(latent_map, points[lonely(latent_map, points)[0]])
    blue, green, red = picture(latent_map)[at.y() + 2, at.x() + 2]
    assert red > 90
    assert red > 2.5 * max(blue, green)


def test_wrong_landmarks_are_refused_and_the_map_stays(latent_map, points):
    with pytest.raises(ValueError, match="finite"):
        latent_map.set_landmarks(np.full((3, 3), np.nan), np.ones((3, 4)))
    with pytest.raises(ValueError, match=r"\(n, 3\)"):
        latent_map.set_landmarks(np.zeros((3, 2)), np.ones((3, 4)))
    with pytest.raises(ValueError, match="colours"):
        latent_map.set_colours(np.ones((3, 4)))
    with pytest.raises(ValueError, match="no landmark 999"):
        latent_map.set_current(999)
    with pytest.raises(ValueError, match="A and B"):
        latent_map.set_anchor("C", points[0])
    assert latent_map.total_count == len(points)


def test_an_empty_map_draws_and_hears(qtbot):
    latent_map = LatentMap()
    qtbot.addWidget(latent_map)
    latent_map.show()
    qtbot.waitUntil(lambda: latent_map.canvas.drawn > 0)
    QTest.keyClick(latent_map, Qt.Key.Key_Tab)
    QTest.mouseClick(latent_map.canvas.widget, LEFT, pos=QPoint(90, 90))
    latent_map.set_landmarks(np.zeros((1, 3)), np.ones((1, 4)))
    settle(qtbot, latent_map)
    latent_map.set_landmarks(np.zeros((0, 3)), np.ones((0, 4)))
    settle(qtbot, latent_map)


def test_axes_are_labelled(qtbot, latent_map):
    before = picture(latent_map)
    latent_map.set_axes(("PC1  31%", "PC2  12%", "PC3  8%"))
    settle(qtbot, latent_map)
    labelled = picture(latent_map)
    assert (np.abs(labelled - before).max(axis=2) > 30).sum() > 30
    latent_map.set_axes(("busier", "higher", ""), (True, True, False))
    settle(qtbot, latent_map)
    directed = picture(latent_map)
    assert (np.abs(directed - labelled).max(axis=2) > 30).sum() > 60
    # The arrows stay with the same way when the eye goes round.
    latent_map.camera.orbit(180.0, 0.0)
    latent_map.canvas.changed("camera")
    settle(qtbot, latent_map)
    assert (np.abs(picture(latent_map) - directed).max(axis=2) > 30).sum() > 60


def test_the_legend_keeps_its_corner(qtbot, latent_map):
    legend = Legend()
    latent_map.add_overlay(legend, Qt.Corner.BottomLeftCorner)
    legend.show_continuous("Density (hits)", 2, 60)
    for size in ((900, 640), (700, 500)):
        latent_map.resize(*size)
        qtbot.waitUntil(lambda size=size: legend.geometry().bottom() == size[1] - 13)
        assert legend.x() == 12


# Failures


def test_a_failing_drawing_is_told_once_and_leaves_a_text(qtbot, latent_map, points):
    failed = ask(qtbot, latent_map, "gl_failed")
    latent_map.canvas._discs._program.set_shaders("this is no shader", "nor is this")
    latent_map.canvas.changed("camera")
    qtbot.waitUntil(lambda: len(failed) == 1)
    assert latent_map.canvas is None
    assert latent_map.findChild(QWidget, "noMap") is not None
    pins = ask(qtbot, latent_map, "pin_requested")
    journey(latent_map, points, 0, 1)
    latent_map.set_current(5)
    QTest.keyClick(latent_map, Qt.Key.Key_Tab)
    QTest.keyClick(latent_map, Qt.Key.Key_A)
    assert len(pins) == 1
    qtbot.wait(100)
    assert len(failed) == 1


def test_qt_does_not_eat_references_of_none(latent_map):
    """PySide6 6.12 loses one at each call on CPython before 3.12, and the process dies soon."""
    before = sys.getrefcount(None)
    for _ in range(1000):
        latent_map.update()
    assert abs(sys.getrefcount(None) - before) < 100


def test_speed_is_measured(qtbot):
    assert measure_fps(500, 0.3) > 0
