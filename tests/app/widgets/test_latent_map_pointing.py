"""Pointing, choosing and dragging with a real mouse."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from app.widgets.latent_map_camera import project
from tests.app.widgets.maps import (
    LEFT,
    ask,
    drag,
    empty_place,
    far_pair,
    journey,
    lonely,
    picture,
    pixel,
    settle,
    whiteness,
)


def test_hover_names_the_landmark_and_lights_it(qtbot, latent_map, points):
    latent_map.hover_text = lambda index: f"groove {index}"
    index = lonely(latent_map, points)[0]
    heard = ask(qtbot, latent_map, "hovered")
    before = picture(latent_map)
    QTest.mouseMove(latent_map.canvas.widget, pixel(latent_map, points[index]))
    qtbot.waitUntil(lambda: heard[-1:] == [(index,)])
    label = latent_map.findChild(QWidget, "mapHover")
    assert label.isVisible()
    assert label.text() == f"groove {index}"
    assert latent_map.accessibleDescription() == f"groove {index}"
    assert latent_map.canvas.widget.cursor().shape() == Qt.CursorShape.PointingHandCursor
    settle(qtbot, latent_map)
    at = pixel(latent_map, points[index])
    box = np.s_[at.y() - 10 : at.y() + 14, at.x() - 10 : at.x() + 14]
    assert (np.abs(picture(latent_map)[box] - before[box]).max(axis=2) > 40).sum() > 20
    QTest.mouseMove(latent_map.canvas.widget, empty_place(latent_map, points))
    qtbot.waitUntil(lambda: heard[-1] == (-1,))
    assert not label.isVisible()


def test_a_click_is_a_click_in_spite_of_a_shaking_hand(qtbot, latent_map, points):
    index = lonely(latent_map, points)[0]
    clicks = ask(qtbot, latent_map, "landmark_clicked")
    azimuth = latent_map.camera.azimuth
    at = pixel(latent_map, points[index])
    drag(latent_map, at, at + QPoint(2, 1))
    assert clicks == [(index,)]
    assert latent_map.camera.azimuth == azimuth
    QTest.mouseClick(latent_map.canvas.widget, LEFT, pos=empty_place(latent_map, points))
    assert clicks == [(index,)]


def test_every_click_picks_what_brute_force_finds(qtbot, latent_map, points):
    clicks = ask(qtbot, latent_map, "landmark_clicked")
    width, height = latent_map.canvas.size
    screen = project(points, latent_map.camera.matrix(width, height), width, height)
    radii = latent_map.canvas.disc_radii(screen)
    generator = np.random.default_rng(5)
    tried = 0
    for target in generator.integers(0, len(points), 60):
        x, y = round(float(screen.x[target])), round(float(screen.y[target]))
        covering = [
            (screen.depth[k], k)
            for k in range(len(points))
            if np.hypot(screen.x[k] - x, screen.y[k] - y) <= radii[k]
        ]
        QTest.mouseClick(latent_map.canvas.widget, LEFT, pos=QPoint(x, y))
        assert clicks[-1] == (min(covering)[1],)
        tried += len(covering) > 1
    assert tried > 5  # some were hidden behind others


def test_the_right_button_asks_for_a_menu(qtbot, latent_map, points):
    index = lonely(latent_map, points)[0]
    menus = ask(qtbot, latent_map, "landmark_menu")
    at = pixel(latent_map, points[index])
    native = latent_map.canvas.widget
    QTest.mouseClick(native, Qt.MouseButton.RightButton, pos=at)
    assert menus == [(index, native.mapToGlobal(at))]
    QTest.mouseClick(native, Qt.MouseButton.RightButton, pos=empty_place(latent_map, points))
    assert len(menus) == 1


# Dragging


def test_the_moving_point_is_dragged_along_the_line(qtbot, latent_map, points):
    a, b = far_pair(latent_map, points)
    journey(latent_map, points, a, b)
    settle(qtbot, latent_map)
    before = picture(latent_map)
    heard = ask(qtbot, latent_map, "moving_dragged")
    started, finished = (
        ask(qtbot, latent_map, f"moving_drag_{what}") for what in ("started", "finished")
    )
    latent_map.moving_dragged.connect(
        lambda share: latent_map.set_moving((1 - share) * points[a] + share * points[b])
    )
    azimuth = latent_map.camera.azimuth
    start = pixel(latent_map, 0.5 * (points[a] + points[b]))
    end = pixel(latent_map, 0.2 * points[a] + 0.8 * points[b])
    drag(latent_map, start, end, drop=False)
    assert started == [()]
    assert finished == []
    QTest.mouseRelease(latent_map.canvas.widget, LEFT, pos=end)
    assert finished == [()]
    shares = [share for (share,) in heard]
    assert shares[-1] == pytest.approx(0.8, abs=0.02)
    assert shares == sorted(shares)
    assert latent_map.camera.azimuth == azimuth
    settle(qtbot, latent_map)
    after = picture(latent_map)
    assert whiteness(after, start) < whiteness(before, start)
    assert whiteness(after, end) > whiteness(before, end)


def test_the_moving_point_stops_at_the_ends(qtbot, latent_map, points):
    a, b = far_pair(latent_map, points)
    journey(latent_map, points, a, b)
    heard = ask(qtbot, latent_map, "moving_dragged")
    start = pixel(latent_map, 0.5 * (points[a] + points[b]))
    drag(latent_map, start, pixel(latent_map, points[b]) + QPoint(60, 5))
    assert heard[-1] == (1.0,)


def test_an_anchor_is_dropped_on_a_landmark(qtbot, latent_map, points):
    a, b = far_pair(latent_map, points)
    journey(latent_map, points, a, b)
    target = next(k for k in lonely(latent_map, points, 6) if k not in (a, b))
    dropped = ask(qtbot, latent_map, "anchor_dropped")
    clicks = ask(qtbot, latent_map, "landmark_clicked")
    hovered = ask(qtbot, latent_map, "hovered")
    drag(latent_map, pixel(latent_map, points[a]), pixel(latent_map, points[target]), drop=False)
    assert hovered[-1] == (target,)  # it lights up before it is let go
    QTest.mouseRelease(latent_map.canvas.widget, LEFT, pos=pixel(latent_map, points[target]))
    assert dropped == [("A", target)]
    assert clicks == []


def test_an_anchor_dropped_elsewhere_returns(qtbot, latent_map, points):
    a, b = far_pair(latent_map, points)
    journey(latent_map, points, a, b)
    settle(qtbot, latent_map)
    before = picture(latent_map)
    dropped = ask(qtbot, latent_map, "anchor_dropped")
    start, end = pixel(latent_map, points[b]), QPoint(890, 5)
    drag(latent_map, start, end, drop=False)
    settle(qtbot, latent_map)
    box = np.s_[start.y() - 6 : start.y() + 10, start.x() - 6 : start.x() + 10]
    assert (np.abs(picture(latent_map)[box] - before[box]).max(axis=2) > 30).sum() > 50
    QTest.mouseRelease(latent_map.canvas.widget, LEFT, pos=end)
    settle(qtbot, latent_map)
    assert dropped == []
    assert (np.abs(picture(latent_map)[box] - before[box]).max(axis=2) > 30).sum() == 0


def test_escape_gives_up_a_drag(qtbot, latent_map, points):
    a, b = far_pair(latent_map, points)
    journey(latent_map, points, a, b)
    target = next(k for k in lonely(latent_map, points, 6) if k not in (a, b))
    dropped = ask(qtbot, latent_map, "anchor_dropped")
    at = pixel(latent_map, points[target])
    drag(latent_map, pixel(latent_map, points[a]), at, drop=False)
    QTest.keyClick(latent_map, Qt.Key.Key_Escape)
    QTest.mouseRelease(latent_map.canvas.widget, LEFT, pos=at)
    assert dropped == []
