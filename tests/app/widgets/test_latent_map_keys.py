"""The map's keys, and who else hears them."""

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from app.widgets.latent_map import LatentMap
from tests.app.widgets.maps import LEFT, ask, empty_place, far_pair, picture, pixel


def test_arrows_plus_and_home(latent_map):
    camera = latent_map.camera
    home = (camera.azimuth, camera.elevation, camera.distance)
    centre = camera.centre.copy()
    QTest.keyClick(latent_map, Qt.Key.Key_Left)
    assert camera.azimuth != home[0]
    QTest.keyClick(latent_map, Qt.Key.Key_Up)
    assert camera.elevation != home[1]
    QTest.keyClicks(latent_map, "+")
    assert camera.distance < home[2]
    QTest.keyClicks(latent_map, "--")
    assert camera.distance > home[2]
    QTest.keyClick(latent_map, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert np.linalg.norm(camera.centre - centre) > 0.01
    QTest.keyClick(latent_map, Qt.Key.Key_Home)
    assert (camera.azimuth, camera.elevation, camera.distance) == home
    np.testing.assert_allclose(camera.centre, centre)


def test_walking_playing_and_pinning(qtbot, latent_map, points):
    heard = ask(qtbot, latent_map, "hovered")
    clicks = ask(qtbot, latent_map, "landmark_clicked")
    pins = ask(qtbot, latent_map, "pin_requested")
    latent_map.set_current(7)
    gaps = np.linalg.norm(points - points[7], axis=1)
    first = int(np.argsort(gaps)[1])
    QTest.keyClick(latent_map, Qt.Key.Key_Tab)
    assert heard == [(first,)]
    QTest.keyClicks(latent_map, "]")
    second = heard[-1][0]
    assert second not in (7, first)
    QTest.keyClick(latent_map, Qt.Key.Key_Return)
    QTest.keyClicks(latent_map, "[")
    assert heard[-1] == (first,)
    QTest.keyClicks(latent_map, "a")
    QTest.keyClicks(latent_map, "b")
    assert clicks == [(second,)]
    assert pins == [("A", first), ("B", first)]
    QTest.keyClick(latent_map, Qt.Key.Key_Escape)
    assert heard[-1] == (-1,)
    QTest.keyClick(latent_map, Qt.Key.Key_A)
    assert pins[-1] == ("A", 7)


def test_keys_without_a_landmark_do_nothing(qtbot, latent_map):
    pins = ask(qtbot, latent_map, "pin_requested")
    clicks = ask(qtbot, latent_map, "landmark_clicked")
    QTest.keyClicks(latent_map, "ab")
    QTest.keyClick(latent_map, Qt.Key.Key_Return)
    assert pins == clicks == []


def test_a_landmark_reached_by_keys_is_brought_into_view(qtbot, latent_map, points):
    for _ in range(14):
        QTest.keyClicks(latent_map, "+")
    latent_map.set_current(far_pair(latent_map, points)[0])
    heard = ask(qtbot, latent_map, "hovered")
    QTest.keyClick(latent_map, Qt.Key.Key_Tab)
    at = pixel(latent_map, points[heard[-1][0]])
    assert latent_map.canvas.widget.rect().contains(at)


def test_map_keys_win_over_shortcuts_and_tab_order_only_while_focused(qtbot, points):
    window = QWidget()
    qtbot.addWidget(window)
    latent_map, field = LatentMap(), QLineEdit()
    layout = QVBoxLayout(window)
    layout.addWidget(field)
    layout.addWidget(latent_map)
    latent_map.set_landmarks(points, np.ones((len(points), 4)))
    taken = []
    QShortcut(Qt.Key.Key_B, window, lambda: taken.append("b"))
    QShortcut(Qt.Key.Key_Space, window, lambda: taken.append("space"))
    window.show()
    qtbot.waitExposed(window)
    window.activateWindow()
    latent_map.setFocus()
    qtbot.waitUntil(latent_map.hasFocus)
    pins = ask(qtbot, latent_map, "pin_requested")
    QTest.keyClick(latent_map, Qt.Key.Key_Tab)
    QTest.keyClick(latent_map, Qt.Key.Key_B)
    QTest.keyClick(latent_map, Qt.Key.Key_Space)
    assert len(pins) == 1
    assert taken == ["space"]
    assert latent_map.hasFocus()
    QTest.keyClick(latent_map, Qt.Key.Key_Backtab, Qt.KeyboardModifier.ShiftModifier)
    assert field.hasFocus()


def test_focus_is_visible_and_comes_with_a_click(qtbot, latent_map, points):
    latent_map.clearFocus()
    qtbot.waitUntil(lambda: not latent_map.hasFocus())
    before = picture(latent_map)[0, 400]
    QTest.mouseClick(latent_map.canvas.widget, LEFT, pos=empty_place(latent_map, points))
    latent_map.activateWindow()
    qtbot.waitUntil(latent_map.hasFocus)
    assert np.abs(picture(latent_map)[0, 400] - before).max() > 40
