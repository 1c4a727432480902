"""A map on a real display, hands on its mouse, and eyes on its picture."""

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QCursor, QImage, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.widgets.colours import colours_for
from app.widgets.latent_map import LatentMap

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
    native = latent_map.canvas.widget
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
