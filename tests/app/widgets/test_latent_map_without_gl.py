"""No OpenGL: the map says so and everything else goes on. In processes of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

SCRIPT = """
import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget

app = QApplication([])
from app.widgets.legend import Legend
from app.widgets.latent_map import LatentMap

failed, pins, clicks, hovered = [], [], [], []
latent_map = LatentMap()
latent_map.gl_failed.connect(failed.append)
latent_map.pin_requested.connect(lambda *pin: pins.append(pin))
latent_map.landmark_clicked.connect(clicks.append)
latent_map.hovered.connect(hovered.append)
latent_map.hover_text = str
latent_map.resize(900, 600)
points = np.random.default_rng(0).normal(size=(6000, 3))
latent_map.set_landmarks(points, np.ones((6000, 4)))
latent_map.set_colours(np.ones((6000, 4)))
latent_map.set_axes(("busier", "harder", "later"), (True, True, True))
latent_map.set_anchor("A", points[0])
latent_map.set_line(points[:2])
latent_map.set_moving(points[:2].mean(axis=0))
latent_map.set_current(3)
legend = Legend()
latent_map.add_overlay(legend, Qt.Corner.BottomLeftCorner)
legend.show_continuous("Density", 0, 1)
latent_map.reset_view()
latent_map.show()
QTest.keyClick(latent_map, Qt.Key.Key_Tab)
QTest.keyClicks(latent_map, "b")
QTest.keyClick(latent_map, Qt.Key.Key_Return)
QTest.keyClicks(latent_map, "+-")
QTest.keyClick(latent_map, Qt.Key.Key_Left)
QTest.qWait(200)
page = latent_map.findChild(QWidget, "noMap")
text = page.findChild(QLabel, "noMapText")
assert latent_map.canvas is None
assert page.isVisible() and text.isVisible(), "the text is not shown"
assert text.height() >= text.heightForWidth(text.width()), "the text is cut"
assert "OpenGL" in text.text() and "driver" in text.text()
assert len(failed) == 1 and "OpenGL" in failed[0], failed
assert pins == [("B", hovered[0])] and clicks == hovered[:1], (pins, clicks, hovered)
assert latent_map.shown_count == 6000
image = latent_map.grab().toImage()
assert len({image.pixel(x, y) for x in range(0, 900, 3) for y in range(0, 600, 3)}) > 10
print("ok")
"""


@pytest.mark.parametrize("platform", ["offscreen", "minimal"])
def test_the_map_says_what_is_missing(platform):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": platform},
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("ok")
    assert "Traceback" not in done.stderr
