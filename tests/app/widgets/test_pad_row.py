from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.widgets.pad_row import KEYS, PadRow
from fmvae_core.music.drums import DRUMS
from tests.app.widgets.pictures import picture


@pytest.fixture
def pads(qtbot):
    pads = PadRow()
    qtbot.addWidget(pads)
    pads.resize(900, 72)
    pads.show()
    qtbot.waitExposed(pads)
    return pads


@pytest.fixture
def hits(pads):
    heard = []
    pads.hit.connect(lambda drum, velocity: heard.append((drum, velocity)))
    return heard


def test_the_mouse_hits_on_the_press_and_harder_above(pads, hits):
    for drum in range(len(DRUMS)):
        pad = pads.pad(drum)
        for share in (0.05, 0.5, 0.95):
            place = QPointF(pad.center().x(), pad.top() + share * pad.height()).toPoint()
            QTest.mousePress(pads, Qt.MouseButton.LeftButton, pos=place)
            count = len(hits)
            QTest.mouseRelease(pads, Qt.MouseButton.LeftButton, pos=place)
            assert len(hits) == count, "a release is no hit"
        (first, hard), (second, middle), (third, soft) = hits
        assert (first, second, third) == (drum, drum, drum)
        assert 127 >= hard > middle > soft >= 1
        hits.clear()


def test_gaps_and_the_other_button_hit_nothing(pads, hits):
    QTest.mousePress(pads, Qt.MouseButton.RightButton, pos=pads.pad(0).center().toPoint())
    between = QPointF(0.5 * (pads.pad(0).right() + pads.pad(1).left()), 30).toPoint()
    QTest.mousePress(pads, Qt.MouseButton.LeftButton, pos=between)
    assert hits == []


def test_two_quick_presses_are_two_hits(pads, hits):
    place = pads.pad(1).center().toPoint()
    QTest.mousePress(pads, Qt.MouseButton.LeftButton, pos=place)
    QTest.mouseRelease(pads, Qt.MouseButton.LeftButton, pos=place)
    QTest.mouseDClick(pads, Qt.MouseButton.LeftButton, pos=place)
    assert [drum for drum, _ in hits][:2] == [1, 1]


def test_each_drum_has_its_key(pads, hits):
    for key in KEYS:
        assert pads.key_pressed(key)
        assert pads.key_pressed(key, is_repeat=True), "a held key still belongs to its pad"
    assert [drum for drum, _ in hits] == list(range(len(DRUMS)))
    assert not pads.key_pressed(Qt.Key.Key_Q)
    assert len(hits) == len(DRUMS)


def test_keys_of_the_focused_row_hit_on_the_press(pads, hits):
    QTest.keyPress(pads, Qt.Key.Key_S)
    assert [drum for drum, _ in hits] == [1]
    held = QKeyEvent(
        QEvent.Type.KeyPress, Qt.Key.Key_S, Qt.KeyboardModifier.NoModifier, "s", autorep=True
    )
    QApplication.sendEvent(pads, held)
    QTest.keyRelease(pads, Qt.Key.Key_S)
    QTest.keyPress(pads, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert len(hits) == 1


def test_a_hit_lights_its_pad_for_a_moment(qtbot, pads, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("app.widgets.pad_row.time", SimpleNamespace(monotonic=lambda: now[0]))

    def light(drum):
        box = pads.pad(drum).toRect()
        return picture(pads)[box.top() + 4 : box.bottom() - 4, box.left() + 4 : box.right()].mean()

    rest = [light(drum) for drum in range(9)]
    pads.flash(6, 127)
    assert light(6) > rest[6] + 10
    assert [light(drum) for drum in (5, 7)] == [rest[5], rest[7]]
    now[0] += 1.0
    qtbot.waitUntil(lambda: light(6) == rest[6], timeout=20_000)


def test_the_keys_are_told(pads):
    told = pads.accessibleDescription()
    for drum, title in zip("ASDFGHJKL", DRUMS, strict=True):
        assert f"{drum}: {title.title}" in told
    assert np.ptp([pads.pad(drum).width() for drum in range(9)]) <= 1
