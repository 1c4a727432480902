"""The map on a real display, with real mouse and keys."""

import sys

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QCursor, QImage, QMouseEvent, QShortcut, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QVBoxLayout, QWidget

from app.widgets.colours import Legend, colours_for
from app.widgets.latent_map import LatentMap
from app.widgets.latent_map_bench import measure_fps
from app.widgets.latent_map_camera import project

LEFT = Qt.MouseButton.LeftButton


def clusters(n, seed=0):
    generator = np.random.default_rng(seed)
    middles = generator.normal(size=(9, 3)) * (2, 1.5, 1)
    spread = generator.normal(size=(n, 3)) * 0.3
    return (middles[generator.integers(0, 9, n)] + spread).astype(np.float32)


def shown_map(qtbot, points, **options):
    QCursor.setPos(1590, 990)  # the display's own pointer must not hover over the map
    latent_map = LatentMap(**options)
    qtbot.addWidget(latent_map)
    latent_map.resize(900, 640)
    latent_map.set_landmarks(points, colours_for(points[:, 0], "density"))
    latent_map.show()
    assert latent_map.canvas is not None, latent_map.graphics.problem
    qtbot.waitUntil(lambda: latent_map.canvas.drawn > 0)
    settle(qtbot, latent_map)
    return latent_map


def settle(qtbot, latent_map):
    """Wait until all changes are drawn."""
    drawn = latent_map.canvas.drawn
    latent_map.canvas.changed()
    qtbot.waitUntil(lambda: latent_map.canvas.drawn > drawn)


@pytest.fixture
def points():
    return clusters(300)


@pytest.fixture
def latent_map(qtbot, points):
    return shown_map(qtbot, points)


def pixel(latent_map, place):
    screen = latent_map.canvas.projected(np.asarray(place))
    return QPoint(round(float(screen.x[0])), round(float(screen.y[0])))


def lonely(latent_map, points, count=1):
    """Return landmarks that no other disc comes near on the screen."""
    screen = latent_map.canvas.projected(points)
    gaps = np.hypot(screen.x[:, None] - screen.x, screen.y[:, None] - screen.y)
    np.fill_diagonal(gaps, np.inf)
    inside = (screen.x > 60) & (screen.x < 820) & (screen.y > 60) & (screen.y < 560)
    return np.argsort(np.where(inside, -gaps.min(axis=1), np.inf))[:count].tolist()


def empty_place(latent_map, points):
    """Return a pixel far from every landmark."""
    screen = latent_map.canvas.projected(points)
    x, y = np.meshgrid(np.arange(150, 700, 20), np.arange(100, 500, 20))
    gap = np.hypot(x[..., None] - screen.x, y[..., None] - screen.y).min(axis=2)
    best = np.unravel_index(np.argmax(gap), gap.shape)
    return QPoint(int(x[best]), int(y[best]))


def drag(latent_map, start, end, button=LEFT, modifier=Qt.KeyboardModifier.NoModifier, drop=True):
    native = latent_map.canvas.native
    QTest.mousePress(native, button, modifier, start)
    way = end - start
    for step in range(1, 9):
        place = QPointF(start.x() + way.x() * step / 8, start.y() + way.y() * step / 8)
        # QTest.mouseMove also moves the display's pointer, whose own events hold no button.
        event = QMouseEvent(
            QEvent.Type.MouseMove,
            place,
            native.mapToGlobal(place),
            Qt.MouseButton.NoButton,
            button,
            modifier,
        )
        QApplication.sendEvent(native, event)
    if drop:
        QTest.mouseRelease(native, button, modifier, end)


def picture(latent_map):
    """Return what is seen, ``(height, width, 3)`` as blue, green, red."""
    image = latent_map.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)
    return rows[..., :3].astype(int)


def whiteness(image, at):
    """Return how many pixels about a place are as white as the moving point."""
    return int((image[at.y() - 4 : at.y() + 9, at.x() - 4 : at.x() + 9].min(axis=2) > 240).sum())


def ask(qtbot, latent_map, name):
    heard = []
    getattr(latent_map, name).connect(lambda *values: heard.append(values))
    return heard


def journey(latent_map, points, a, b, share=0.5):
    latent_map.set_anchor("A", points[a])
    latent_map.set_anchor("B", points[b])
    latent_map.set_line(points[[a, b]])
    latent_map.set_moving((1 - share) * points[a] + share * points[b])


def far_pair(latent_map, points):
    screen = latent_map.canvas.projected(points)
    return int(np.argmin(screen.x)), int(np.argmax(screen.x))


# Looking


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
    native = latent_map.canvas.native
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


# Pointing and choosing


def test_hover_names_the_landmark_and_lights_it(qtbot, latent_map, points):
    latent_map.hover_text = lambda index: f"groove {index}"
    index = lonely(latent_map, points)[0]
    heard = ask(qtbot, latent_map, "hovered")
    before = picture(latent_map)
    QTest.mouseMove(latent_map.canvas.native, pixel(latent_map, points[index]))
    qtbot.waitUntil(lambda: heard[-1:] == [(index,)])
    label = latent_map.findChild(QWidget, "mapHover")
    assert label.isVisible()
    assert label.text() == f"groove {index}"
    assert latent_map.accessibleDescription() == f"groove {index}"
    assert latent_map.canvas.native.cursor().shape() == Qt.CursorShape.PointingHandCursor
    settle(qtbot, latent_map)
    at = pixel(latent_map, points[index])
    box = np.s_[at.y() - 10 : at.y() + 14, at.x() - 10 : at.x() + 14]
    assert (np.abs(picture(latent_map)[box] - before[box]).max(axis=2) > 40).sum() > 20
    QTest.mouseMove(latent_map.canvas.native, empty_place(latent_map, points))
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
    QTest.mouseClick(latent_map.canvas.native, LEFT, pos=empty_place(latent_map, points))
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
        QTest.mouseClick(latent_map.canvas.native, LEFT, pos=QPoint(x, y))
        assert clicks[-1] == (min(covering)[1],)
        tried += len(covering) > 1
    assert tried > 5  # some were hidden behind others


def test_the_right_button_asks_for_a_menu(qtbot, latent_map, points):
    index = lonely(latent_map, points)[0]
    menus = ask(qtbot, latent_map, "landmark_menu")
    at = pixel(latent_map, points[index])
    native = latent_map.canvas.native
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
    QTest.mouseRelease(latent_map.canvas.native, LEFT, pos=end)
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
    QTest.mouseRelease(latent_map.canvas.native, LEFT, pos=pixel(latent_map, points[target]))
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
    QTest.mouseRelease(latent_map.canvas.native, LEFT, pos=end)
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
    QTest.mouseRelease(latent_map.canvas.native, LEFT, pos=at)
    assert dropped == []


# Keys


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
    assert latent_map.canvas.native.rect().contains(at)


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
    QTest.mouseClick(latent_map.canvas.native, LEFT, pos=empty_place(latent_map, points))
    latent_map.activateWindow()
    qtbot.waitUntil(latent_map.hasFocus)
    assert np.abs(picture(latent_map)[0, 400] - before).max() > 40


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
    QTest.mouseClick(latent_map.canvas.native, LEFT, pos=QPoint(90, 90))
    latent_map.set_landmarks(np.zeros((1, 3)), np.ones((1, 4)))
    settle(qtbot, latent_map)
    latent_map.set_landmarks(np.zeros((0, 3)), np.ones((0, 4)))
    settle(qtbot, latent_map)


def test_axes_are_labelled(qtbot, latent_map):
    before = picture(latent_map)
    latent_map.set_axes(explained=[0.31, 0.12, 0.08])
    settle(qtbot, latent_map)
    assert (np.abs(picture(latent_map) - before).max(axis=2) > 30).sum() > 30


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
