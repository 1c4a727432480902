import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolTip

from app.theme import COLOURS
from app.widgets.colours import VELOCITY, rgb
from app.widgets.drum_grid import DrumGrid
from app.widgets.drum_grid_places import hits_of
from fmvae_core.music.drums import DRUMS
from tests.app.widgets.pictures import picture, pixels

BASS, SNARE, CLOSED = 0, 1, 6


def frames_with(*hits, steps=32):
    """Return frames with hits (drum, step, velocity, offset)."""
    frames = np.zeros((steps, 27), np.float32)
    for drum, step, velocity, offset in hits:
        frames[step, [drum, 9 + drum, 18 + drum]] = 1.0, velocity, offset
    return frames


@pytest.fixture
def grid(qtbot):
    grid = DrumGrid()
    qtbot.addWidget(grid)
    grid.resize(1000, 260)
    grid.show()
    qtbot.waitExposed(grid)
    grid.clearFocus()
    return grid


def changed(before, after):
    """Return the box that changed: left, top, right, bottom."""
    rows, columns = np.nonzero(np.abs(after - before).max(axis=2) > 8)
    assert rows.size
    return columns.min(), rows.min(), columns.max(), rows.max()


def middle_of(grid, frames):
    """Return where the one hit of the frames is drawn."""
    grid.set_frames(np.zeros_like(frames))
    before = picture(grid)
    grid.set_frames(frames)
    left, top, right, bottom = changed(before, picture(grid))
    return (left + right) / 2, (top + bottom) / 2


def test_time_goes_right_and_the_bass_drum_lies_at_the_bottom(grid):
    step = [middle_of(grid, frames_with((BASS, step, 0.9, 0))) for step in (0, 8, 31)]
    width = (step[1][0] - step[0][0]) / 8
    assert step[2][0] - step[0][0] == pytest.approx(31 * width, abs=2)
    assert step[0][1] == step[2][1]
    rows = [middle_of(grid, frames_with((drum, 4, 0.9, 0)))[1] for drum in range(9)]
    assert rows == sorted(rows, reverse=True)
    assert rows[0] > 220


@pytest.mark.parametrize("offset", [-1.0, -0.4, 0.4, 1.0])
def test_offset_shifts_a_hit_by_up_to_half_a_step(grid, offset):
    on_grid, height = middle_of(grid, frames_with((SNARE, 10, 1.0, 0)))
    width = (middle_of(grid, frames_with((SNARE, 11, 1.0, 0)))[0]) - on_grid
    grid.set_frames(frames_with((SNARE, 10, 1.0, offset)))
    row = picture(grid)[round(height)]
    bright = np.nonzero(row.min(axis=1) > 200)[0]
    assert (bright.min() + bright.max()) / 2 == pytest.approx(on_grid + offset * width / 2, abs=1.1)
    tick = picture(grid)[round(height), round(on_grid)]
    if abs(offset) > 0.9:  # the block has left the line of the grid, which now shows
        assert tick.max() > 80


def test_velocity_is_brightness(grid):
    frames = frames_with(*((CLOSED, 2 * k, (k + 1) / 8, 0) for k in range(8)))
    grid.set_frames(frames)
    image = picture(grid)
    seen = []
    for k in range(8):
        x, y = middle_of(grid, frames_with((CLOSED, 2 * k, 0.9, 0)))
        seen.append(image[round(y), round(x)])
        np.testing.assert_allclose(seen[-1], VELOCITY[round((k + 1) / 8 * 255)] * 255, atol=3)
    assert (np.diff(np.array(seen).sum(axis=1)) > 0).all()


def test_hits_below_the_threshold_are_absent(grid):
    frames = frames_with((BASS, 0, 1, 0), (SNARE, 4, 1, 0))
    frames[0, BASS], frames[4, SNARE] = 0.45, 0.45
    thresholds = np.full(9, 0.5)
    empty = picture(grid)
    grid.set_frames(frames, thresholds)
    assert (picture(grid) == empty).all()
    thresholds[SNARE] = 0.4
    grid.set_frames(frames, thresholds)
    assert (picture(grid) != empty).any()
    assert set(hits_of(frames, thresholds)) == {(SNARE, 4)}
    assert grid.accessibleDescription() == "32 steps, 1 hits"


def test_values_out_of_range_are_clipped():
    hits = hits_of(frames_with((BASS, 0, 1.7, -3.0)), 0.5)
    assert (hits[BASS, 0].velocity, hits[BASS, 0].offset) == (1.0, -1.0)


@pytest.mark.parametrize("steps", [16, 32, 64])
def test_any_number_of_steps_fills_the_width(grid, steps):
    first, last = (
        middle_of(grid, frames_with((BASS, step, 1, 0), steps=steps))[0] for step in (0, steps - 1)
    )
    width = (last - first) / (steps - 1)
    assert last + width / 2 == pytest.approx(1000 - 10, abs=2)


def test_frames_of_another_shape_are_refused(grid):
    with pytest.raises(ValueError, match=r"\(steps, 27\)"):
        grid.set_frames(np.zeros((32, 9), np.float32))
    with pytest.raises(ValueError, match=r"\(steps, 27\)"):
        grid.set_reference(np.zeros(27, np.float32))


def test_the_difference_from_the_reference_is_marked(grid):
    both, only_heard, only_played = (BASS, 0, 0.8, 0), (SNARE, 4, 0.8, 0), (CLOSED, 8, 0.8, 0)
    where = {hit: middle_of(grid, frames_with(hit)) for hit in (both, only_heard, only_played)}
    grid.set_frames(frames_with(both, only_heard))
    plain = picture(grid)
    grid.set_reference(frames_with(both, only_played))
    image = picture(grid)

    def around(picture, hit, reach=10):
        x, y = (round(value) for value in where[hit])
        return picture[y - reach : y + reach, x - reach : x + reach]

    def count(box, tone):
        return int((np.abs(box - rgb(tone) * 255).max(axis=2) < 40).sum())

    assert (around(image, both) == around(plain, both)).all()
    # Hollow and warm: the rim is there, the middle is not.
    assert count(around(image, only_played), COLOURS["human"]) > 15
    assert count(around(image, only_played, 2), COLOURS["human"]) == 0
    # A dark plus in the middle of the block.
    assert around(image, only_heard, 2).min() < 60
    assert around(plain, only_heard, 2).min() > 60
    grid.set_reference(None)
    assert (picture(grid) == plain).all()


def test_what_the_model_heard_is_marked(grid):
    heard, missed, added = (BASS, 0, 0.8, 0), (SNARE, 4, 0.8, 0.4), (CLOSED, 8, 0.8, 0)
    where = {hit: middle_of(grid, frames_with(hit)) for hit in (heard, missed, added)}
    grid.set_frames(frames_with(heard, missed))
    plain = picture(grid)
    grid.set_heard([(0, BASS), (8, CLOSED), (99, CLOSED)])
    image = picture(grid)

    def around(picture, hit, reach=10):
        x, y = (round(value) for value in where[hit])
        return picture[y - reach : y + reach, x - reach : x + reach]

    assert (around(image, heard) == around(plain, heard)).all()
    # Hollow: the rim is there, the middle is not.
    assert around(plain, missed, 2).max() > 150
    assert around(image, missed, 2).max() < 80
    assert around(image, missed).max() > 150
    # A ring where nothing was played.
    assert around(plain, added).max() < 80
    assert around(image, added).max() > 100
    assert around(image, added, 1).max() < 80
    assert grid.accessibleDescription() == "32 steps, 2 hits, 1 of them heard"
    assert grid.describe(SNARE, 4).endswith(", not heard")
    assert grid.describe(BASS, 0).endswith(", heard")
    assert grid.describe(CLOSED, 8).endswith("heard, but not played")
    assert grid.tip_at(QPointF(*where[added]))[0] == grid.describe(CLOSED, 8)
    grid.set_heard(None)
    assert (picture(grid) == plain).all()


def test_each_player_has_a_colour(qtbot):
    tones = []
    for accent in ("human", "machine"):
        grid = DrumGrid(accent=accent)
        qtbot.addWidget(grid)
        grid.resize(1000, 260)
        grid.set_frames(frames_with((BASS, 0, 0.66, 0)))
        rows = picture(grid)
        tones.append(rows[tuple(round(at) for at in reversed(middle_of_first(grid)))])
    human, machine = tones
    assert human[0] > human[2] + 40
    assert machine[2] > machine[0] + 40


def middle_of_first(grid):
    """Return where the bass drum's first hit is drawn."""
    middle = grid.cell(BASS, 0).center()
    return middle.x(), middle.y()


def test_a_timing_difference_is_marked(grid):
    grid.set_frames(frames_with((BASS, 5, 0.9, 0.0)))
    before = picture(grid)
    grid.set_reference(frames_with((BASS, 5, 0.9, 0.0)))
    same = picture(grid)
    grid.set_reference(frames_with((BASS, 5, 0.9, 0.5)))
    left, top, right, _ = changed(same, picture(grid))
    assert right - left <= 4
    assert top > 200
    assert (before[60:] == same[60:]).all()


def test_the_playhead_moves_within_its_strip(qtbot, grid):
    grid.set_frames(frames_with(*((CLOSED, step, 0.6, 0) for step in range(32))))
    still = picture(grid)
    grid.set_playhead(12.0)
    left, _, right, bottom = changed(still, picture(grid))
    x, _ = middle_of(grid, frames_with((BASS, 12, 0.9, 0)))
    assert right == pytest.approx(x, abs=20)
    assert right - left < 4 * 28
    assert bottom > 240
    grid.set_frames(frames_with(*((CLOSED, step, 0.6, 0) for step in range(32))))
    grid.set_playhead(None)
    assert (picture(grid) == still).all()


def test_the_playhead_repaints_only_its_strip(qtbot, grid):
    grid.set_frames(frames_with((BASS, 0, 0.9, 0)))
    grid.set_playhead(15.0)
    qtbot.wait(50)
    painted = []

    class Spy(DrumGrid):
        def paintEvent(self, event):  # noqa: N802
            painted.append(event.rect())
            super().paintEvent(event)

    spy = Spy()
    qtbot.addWidget(spy)
    spy.resize(1000, 260)
    spy.show()
    qtbot.waitUntil(lambda: bool(painted))
    spy.set_playhead(15.0)
    qtbot.waitUntil(lambda: len(painted) > 1)
    painted.clear()
    spy.set_playhead(15.1)
    qtbot.waitUntil(lambda: bool(painted))
    assert all(rect.width() < 150 for rect in painted)


def test_a_moving_playhead_leaves_no_trace(qtbot, grid):
    grid.set_frames(frames_with(*((drum, 3 * drum, 0.7, 0.3) for drum in range(9))))
    for step in np.arange(28, 66, 0.4):  # over the end of the loop
        grid.set_playhead(float(step) % 32)
        qtbot.wait(1)
    on_screen = grid.screen().grabWindow(0, *grid.mapToGlobal(QPoint()).toTuple(), 1000, 260)
    assert (pixels(on_screen) == picture(grid)).all()


def test_the_playhead_wraps_half_a_step_before_the_end(grid):
    still = picture(grid)
    places = []
    for step in (31.4, 31.6, 0.0):
        grid.set_playhead(step)
        places.append(changed(still, picture(grid))[2])
    assert places[0] > 960
    assert places[1] < places[2] < 160


def test_cells_are_told_in_words(grid):
    grid.set_tempo(120.0)
    grid.set_frames(frames_with((SNARE, 21, 96 / 127, 0.4), (BASS, 0, 1.0, 0.0)))
    assert grid.describe(SNARE, 21) == "Snare  2.2.2\nvelocity 96, 25 ms late"
    assert grid.describe(BASS, 0) == "Bass  1.1.1\nvelocity 127, on the grid"
    assert grid.describe(BASS, 1) == "Bass  1.1.2\nno hit"
    grid.set_tempo(60.0)
    assert grid.describe(SNARE, 21).endswith("50 ms late")
    grid.set_reference(frames_with((SNARE, 21, 0.5, -0.4), (CLOSED, 3, 0.5, 0)))
    assert grid.describe(SNARE, 21).endswith(
        "played: velocity 64, 50 ms early\nheard: velocity 96, 50 ms late"
    )
    assert grid.describe(CLOSED, 3).endswith("played only: velocity 64, on the grid")
    assert grid.describe(BASS, 0).endswith("heard only: velocity 127, on the grid")


def test_the_mouse_finds_hits_and_only_hits(qtbot, grid):
    x, y = middle_of(grid, frames_with((SNARE, 21, 0.9, 0.7)))
    grid.set_frames(frames_with((SNARE, 21, 0.9, 0.7)))
    assert grid.hit_at(QPointF(x + 4, y)) is not None
    assert grid.hit_at(QPointF(x + 60, y)) is None
    QTest.mouseMove(grid, QPoint(round(x) + 4, round(y)))
    qtbot.waitUntil(QToolTip.isVisible)
    assert QToolTip.text().startswith("Snare  2.2.2")
    QTest.mouseMove(grid, QPoint(300, 60))
    qtbot.waitUntil(lambda: not QToolTip.isVisible())


def test_keys_go_from_cell_to_cell_and_read_them_out(qtbot, grid):
    grid.set_frames(frames_with((BASS, 31, 0.9, 0)))
    grid.setFocus()
    grid.activateWindow()
    qtbot.waitUntil(grid.hasFocus)
    before = picture(grid)
    QTest.keyClick(grid, Qt.Key.Key_Right)
    assert grid.accessibleDescription() == "Bass  1.1.1, no hit"
    QTest.keyClick(grid, Qt.Key.Key_Left)
    assert grid.accessibleDescription() == "Bass  2.4.4, velocity 114, on the grid"
    for _ in range(12):
        QTest.keyClick(grid, Qt.Key.Key_Up)
    assert grid.accessibleDescription().startswith(DRUMS[8].title)
    assert (picture(grid) != before).any()
    frames = frames_with((BASS, 3, 0.9, 0), steps=16)
    grid.set_frames(frames)
    assert grid.accessibleDescription() == "16 steps, 1 hits"
