import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolTip

from app.widgets.miniature import miniatures
from app.widgets.piano_roll import PianoRoll
from app.widgets.piano_roll_places import notes_of, pitch_name, pitch_range
from fmvae_core.music.melody_representation import (
    LOWEST_PITCH,
    MelodyRepresentation,
    melody_events,
    one_hot,
)
from fmvae_core.music.phrase import Note
from tests.app.widgets.test_drum_grid import changed, picture


def frames_with(*notes, steps=64):
    """Return frames with notes (pitch, step, steps)."""
    placed = [Note(step / 4, pitch, 90, long / 4) for pitch, step, long in notes]
    return one_hot(melody_events(placed, steps))


@pytest.fixture
def roll(qtbot):
    roll = PianoRoll()
    qtbot.addWidget(roll)
    roll.resize(1000, 260)
    roll.show()
    qtbot.waitExposed(roll)
    roll.clearFocus()
    return roll


def box_of(roll, *notes):
    """Return the box in which one more note changes the picture of these notes."""
    roll.set_frames(frames_with(*notes[:-1]))
    before = picture(roll)
    roll.set_frames(frames_with(*notes))
    return changed(before, picture(roll))


# These two leave the range of pitches as it is, so that only the third note moves.
LOW, HIGH = (55, 0, 4), (67, 4, 4)


def test_a_note_is_as_long_as_its_bar_and_high_ones_lie_higher(roll):
    boxes = [box_of(roll, LOW, HIGH, (60, 8, long)) for long in (2, 8)]
    assert [box[0] for box in boxes] == [boxes[0][0]] * 2
    step = roll.places.field.width() / 64
    for box, long in zip(boxes, (2, 8), strict=True):
        assert box[2] - box[0] == pytest.approx(long * step, abs=3)
    assert boxes[0][0] == pytest.approx(roll.places.x(8), abs=2)
    higher = box_of(roll, LOW, HIGH, (64, 8, 2))
    assert higher[3] < boxes[0][1]


def test_the_range_holds_the_notes_with_a_margin_and_stays_calm():
    low, high = pitch_range([Note(0, 60, 90), Note(1, 62, 90)])
    assert low <= 58
    assert high >= 64
    assert high - low >= 12
    assert pitch_range([Note(0, 59, 90)], (low, high)) == (low, high)
    wide = pitch_range([Note(0, 40, 90), Note(1, 90, 90)], (low, high))
    assert wide == (38, 92)
    assert pitch_range([Note(0, 60, 90)], wide) != wide
    assert pitch_range([], wide) == wide
    for pitch in (LOWEST_PITCH, LOWEST_PITCH + 87):
        low, high = pitch_range([Note(0, pitch, 90)])
        assert LOWEST_PITCH <= low <= pitch <= high <= LOWEST_PITCH + 87
        assert high - low >= 12


def test_pitches_are_named_as_musicians_do():
    assert [pitch_name(pitch) for pitch in (21, 36, 60, 61, 108)] == ["A0", "C2", "C4", "C♯4", "C8"]


def test_what_is_shown_is_told(roll):
    assert roll.accessibleDescription() == "32 steps, no notes"
    roll.set_frames(frames_with((60, 0, 4), (67, 21, 6)))
    assert roll.accessibleDescription() == "64 steps, 2 notes from C4 to G4"
    assert roll.describe(60, 0) == "C4  1.1.1\nlasts 1 beat"
    assert roll.describe(67, 21) == "G4  2.2.2\nlasts 1 beat and 2 sixteenths"
    assert roll.describe(67, 24) == "G4  2.3.1\nsounds since 2.2.2"
    assert roll.describe(60, 4) == "C4  1.2.1\nsilent"
    roll.set_frames(None)
    assert roll.accessibleDescription() == "64 steps, no notes"


def test_frames_of_another_shape_are_refused(roll):
    for frames in (np.zeros((32, 27)), np.zeros((33, 90)), np.zeros(90), np.zeros((0, 90))):
        with pytest.raises(ValueError, match="steps"):
            roll.set_frames(frames)


def test_the_mouse_finds_notes_and_only_notes(qtbot, roll):
    roll.set_frames(frames_with((60, 8, 8)))
    places = roll.places
    y = places.row(60)[0] + places.row(60)[1] / 2
    inside = QPointF(places.x(14), y)
    assert roll.note_at(inside) == Note(2.0, 60, 90, 2.0)
    assert roll.note_at(QPointF(places.x(20), y)) is None
    QTest.mouseMove(roll, inside.toPoint())
    qtbot.waitUntil(QToolTip.isVisible)
    assert QToolTip.text().startswith("C4  1.3.1")
    QTest.mouseMove(roll, QPoint(round(places.x(40)), round(y)))
    qtbot.waitUntil(lambda: not QToolTip.isVisible())


def test_keys_go_from_cell_to_cell_and_read_them_out(qtbot, roll):
    roll.set_frames(frames_with((60, 0, 4), (67, 8, 4)))
    roll.setFocus()
    roll.activateWindow()
    qtbot.waitUntil(roll.hasFocus)
    low, high = roll.rows
    QTest.keyClick(roll, Qt.Key.Key_Right)
    assert roll.accessibleDescription() == f"{pitch_name(low)}  1.1.1, silent"
    for _ in range(60 - low):
        QTest.keyClick(roll, Qt.Key.Key_Up)
    assert roll.accessibleDescription() == "C4  1.1.1, lasts 1 beat"
    for _ in range(40):
        QTest.keyClick(roll, Qt.Key.Key_Up)
    assert roll.accessibleDescription().startswith(pitch_name(high))


def test_a_moving_playhead_leaves_no_trace(qtbot, roll):
    roll.set_frames(frames_with(*((55 + 2 * n, 5 * n, 5) for n in range(12))))
    for step in np.arange(56, 130, 0.4):  # over the end of the loop
        roll.set_playhead(float(step) % 64)
        qtbot.wait(1)
    on_screen = roll.screen().grabWindow(0, *roll.mapToGlobal(QPoint()).toTuple(), 1000, 260)
    image = on_screen.toImage().convertToFormat(picture_format())
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)
    assert (rows[..., 2::-1].astype(int) == picture(roll)).all()


def picture_format():
    from PySide6.QtGui import QImage

    return QImage.Format.Format_RGB32


def test_miniatures_of_a_journey_share_their_range():
    phrases = [frames_with((48, 0, 4)), frames_with((48, 0, 4), (72, 32, 32))]
    low, both = miniatures(phrases, MelodyRepresentation(4), ())
    assert low[0] == both[0]
    assert both[1].top < both[0].top
    assert (both[1].left, both[1].width) == (0.5, 0.5)
    assert [note.pitch for note in notes_of(phrases[1])] == [48, 72]
