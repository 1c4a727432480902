import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.widgets.latent_map_camera import OrbitCamera, nearest_on_line, pick, project, thin
from app.widgets.latent_map_landmarks import Landmarks
from app.widgets.latent_map_layers import disc_radii
from app.widgets.latent_map_walk import Walk

WIDTH, HEIGHT = 1172, 800


def clusters(n, seed=0):
    generator = np.random.default_rng(seed)
    middles = generator.normal(size=(9, 3)) * 2
    spread = generator.normal(size=(n, 3)) * 0.3
    return (middles[generator.integers(0, 9, n)] + spread).astype(np.float32)


def camera_on(points):
    camera = OrbitCamera()
    camera.fit(points, WIDTH, HEIGHT)
    return camera


def slow_pixel(camera, point):
    """Where a point is seen, by the pinhole alone."""
    right, up, back = camera.axes()
    way = point.astype(float) - camera.eye()
    focal = 1 / np.tan(np.radians(30.0) / 2)
    depth = -way @ back
    x = WIDTH / 2 + HEIGHT / 2 * focal * (way @ right) / depth
    y = HEIGHT / 2 - HEIGHT / 2 * focal * (way @ up) / depth
    return x, y, depth


def test_projection_is_that_of_a_pinhole():
    points = clusters(200)
    camera = camera_on(points)
    camera.orbit(33, -50)
    camera.zoom(2.5, 300, 200, WIDTH, HEIGHT)
    screen = project(points, camera.matrix(WIDTH, HEIGHT), WIDTH, HEIGHT)
    for k, point in enumerate(points):
        x, y, depth = slow_pixel(camera, point)
        if depth > 0.1:
            assert screen.x[k] == pytest.approx(x, abs=0.05)
            assert screen.y[k] == pytest.approx(y, abs=0.05)
            assert screen.depth[k] == pytest.approx(depth, rel=1e-4)


@pytest.mark.parametrize("size", [(1172, 800), (500, 900), (300, 200)])
def test_fit_shows_all_points_and_no_smaller_than_needed(size):
    points = clusters(500)
    camera = OrbitCamera()
    camera.fit(points, *size)
    screen = project(points, camera.matrix(*size), *size)
    assert screen.x.min() >= 0
    assert screen.y.min() >= 0
    assert screen.x.max() <= size[0]
    assert screen.y.max() <= size[1]
    filled = max(np.ptp(screen.x) / size[0], np.ptp(screen.y) / size[1])
    assert filled > 0.85


def test_fit_of_one_point_looks_at_it():
    camera = OrbitCamera()
    camera.fit(np.array([[3.0, -2.0, 5.0]], np.float32), WIDTH, HEIGHT)
    assert np.isfinite(camera.matrix(WIDTH, HEIGHT)).all()
    np.testing.assert_allclose(camera.centre, [3, -2, 5], atol=1e-6)


def test_zoom_keeps_what_is_under_the_cursor():
    points = clusters(50)
    camera = camera_on(points)
    screen = project(points, camera.matrix(WIDTH, HEIGHT), WIDTH, HEIGHT)
    # Exact for what lies as deep as the centre.
    nearest = int(np.argmin(np.abs(screen.depth - camera.distance)))
    x, y = float(screen.x[nearest]), float(screen.y[nearest])
    camera.zoom(1.5, x, y, WIDTH, HEIGHT)
    after = project(points, camera.matrix(WIDTH, HEIGHT), WIDTH, HEIGHT)
    assert after.x[nearest] == pytest.approx(x, abs=8)
    assert after.y[nearest] == pytest.approx(y, abs=8)


def test_pan_shifts_the_picture_by_as_many_pixels():
    camera = camera_on(clusters(50))
    middle = camera.centre.astype(np.float32)[None]
    camera.pan(37, -21, WIDTH, HEIGHT)
    screen = project(middle, camera.matrix(WIDTH, HEIGHT), WIDTH, HEIGHT)
    assert screen.x[0] == pytest.approx(WIDTH / 2 + 37, abs=0.1)
    assert screen.y[0] == pytest.approx(HEIGHT / 2 - 21, abs=0.1)


def test_zoom_and_elevation_stay_within_limits():
    camera = camera_on(clusters(50))
    for _ in range(100):
        camera.zoom(1.5, 5, 5, WIDTH, HEIGHT)
        camera.orbit(10, 10)
    assert camera.distance > 0
    assert camera.elevation < 90
    assert np.isfinite(camera.matrix(WIDTH, HEIGHT)).all()


@pytest.mark.parametrize("zoom", [1.0, 4.0, 10.0])
def test_picking_equals_brute_force(zoom):
    points = clusters(800)
    camera = camera_on(points)
    camera.orbit(70, 10)
    camera.zoom(zoom, 500, 400, WIDTH, HEIGHT)
    screen = project(points, camera.matrix(WIDTH, HEIGHT), WIDTH, HEIGHT)
    radii = disc_radii(screen.depth, 6.0, camera.fitted_distance, camera.distance)
    pixels = [slow_pixel(camera, point) for point in points]
    generator = np.random.default_rng(1)
    found = 0
    seen = np.flatnonzero(
        (screen.depth > 0) & (np.abs(screen.x) < 2000) & (np.abs(screen.y) < 2000)
    )
    for target in generator.choice(seen, 100):
        x, y = screen.x[target] + generator.normal(0, 4), screen.y[target] + generator.normal(0, 4)
        best, best_depth, near, near_gap = None, np.inf, None, np.inf
        for k, (px, py, depth) in enumerate(pixels):
            gap = np.hypot(px - x, py - y)
            if depth <= 0 or gap > radii[k] + 4:
                continue
            if gap <= radii[k] and depth < best_depth:
                best, best_depth = k, depth
            if gap - radii[k] < near_gap:
                near, near_gap = k, gap - radii[k]
        assert pick(screen, radii, x, y, slack=4.0) == (near if best is None else best)
        found += best is not None
    assert found > 30


def test_nothing_behind_the_eye_is_picked():
    camera = OrbitCamera(azimuth=0, elevation=0, distance=1)
    points = np.array([[5.0, 0, 0]], np.float32)  # the eye is at 1, 0, 0 and looks at 0
    screen = project(points, camera.matrix(100, 100), 100, 100)
    assert pick(screen, np.array([50.0], np.float32), 50, 50, 50) is None


@given(st.floats(0, 1), st.integers(2, 9))
def test_a_place_on_the_line_is_found_again_through_perspective(place, corners):
    camera = OrbitCamera()
    camera.fit(clusters(100), WIDTH, HEIGHT)
    start, end = np.array([-2.0, -3.0, -1.0]), np.array([2.5, 3.0, 1.0])
    line = (start + np.linspace(0, 1, corners)[:, None] * (end - start)).astype(np.float32)
    matrix = camera.matrix(WIDTH, HEIGHT)
    screen = project(line, matrix, WIDTH, HEIGHT)
    assert np.ptp(screen.depth) > 1  # one end is clearly nearer
    point = project((start + place * (end - start)).astype(np.float32)[None], matrix, WIDTH, HEIGHT)
    found = nearest_on_line(screen, float(point.x[0]), float(point.y[0]))
    assert found == pytest.approx(place, abs=2e-3)


def test_beyond_the_ends_of_the_line_the_ends_are_nearest():
    line = np.array([[0, -1, 0], [0, 1, 0]], np.float32)
    camera = OrbitCamera(azimuth=0, elevation=0)
    screen = project(line, camera.matrix(400, 400), 400, 400)
    assert nearest_on_line(screen, -500, 200) == 0
    assert nearest_on_line(screen, 900, 200) == 1


def test_thinning_is_repeatable_and_keeps_every_region():
    points = np.concatenate([clusters(17900), clusters(100) + 30]).astype(np.float32)
    chosen = thin(points, 5000)
    assert len(chosen) == len(np.unique(chosen)) == 5000
    assert (np.diff(chosen) > 0).all()
    np.testing.assert_array_equal(chosen, thin(points, 5000))
    outer = (chosen >= 17900).sum()
    assert 20 <= outer <= 36  # a share of 5/18 of 100
    np.testing.assert_array_equal(thin(points[:10], 5000), np.arange(10))


def test_kept_landmarks_are_drawn_whatever_the_sample():
    points = clusters(2000)
    landmarks = Landmarks()
    landmarks.set(points, np.ones((2000, 4)), limit=100)
    hidden = next(k for k in range(2000) if k not in landmarks.shown)
    assert landmarks.keep([hidden])
    assert hidden in landmarks.shown
    assert len(landmarks.shown) == 101
    assert not landmarks.keep([hidden])
    assert landmarks.keep([])
    assert len(landmarks.shown) == 100
    assert landmarks.at(points[hidden]) == hidden
    assert landmarks.at(points[hidden] + 0.5) is None


def test_walk_visits_the_nearest_first_and_none_twice():
    points = np.array([[0, 0, 0], [1, 0, 0], [2.5, 0, 0], [-1.2, 0, 0]], np.float32)
    walk = Walk()
    way = [walk.on(points, np.arange(4), 0)]
    while (index := walk.on(points, np.arange(4), way[-1])) is not None:
        way.append(index)
    assert way == [1, 2, 3]
    assert [walk.back(), walk.back(), walk.back(), walk.back()] == [2, 1, 0, None]
