"""How fast the map turns here."""

from __future__ import annotations

import time

import numpy as np
from PySide6.QtCore import QEventLoop
from PySide6.QtWidgets import QApplication

from app.widgets.colours import colours_for
from app.widgets.latent_map import LatentMap

_CLUSTERS = 24


def measure_fps(n_points: int, seconds: float) -> float:
    """Open a map of 1172x800, turn it, and return the pictures a second.

    All points are drawn, whatever the renderer. Needs a display.

    Parameters
    ----------
    n_points
        Landmarks, in clusters.
    seconds
        How long to turn it.

    Raises
    ------
    RuntimeError
        If there is no OpenGL here.
    """
    QApplication.instance() or QApplication([])
    generator = np.random.default_rng(0)
    middles = generator.normal(size=(_CLUSTERS, 3)) * (2.0, 1.4, 1.0)
    spread = generator.normal(size=(n_points, 3)) * 0.35
    points = middles[generator.integers(0, _CLUSTERS, n_points)] + spread
    latent_map = LatentMap(software_limit=n_points)
    canvas = latent_map.canvas
    if canvas is None:
        raise RuntimeError(f"there is no map to measure: {latent_map.graphics.problem}")
    latent_map.resize(1172, 800)
    latent_map.set_landmarks(points, colours_for(points[:, 0], "density"))
    for name, point in (("A", points[0]), ("B", points[-1])):
        latent_map.set_anchor(name, point)
    latent_map.set_line(points[[0, -1]])
    latent_map.set_moving(points[[0, -1]].mean(axis=0))
    latent_map.show()
    try:
        _turn(latent_map, 0.5)  # the first pictures compile shaders and fill buffers
        return _turn(latent_map, seconds)
    finally:
        latent_map.close()
        latent_map.deleteLater()
        QApplication.processEvents()


def _turn(latent_map: LatentMap, seconds: float) -> float:
    canvas = latent_map.canvas
    if canvas is None:
        raise RuntimeError("the map could not be drawn; the log says why")
    first = canvas.drawn
    seen = -1
    start = time.perf_counter()
    while (passed := time.perf_counter() - start) < seconds:
        if canvas.drawn != seen:
            seen = canvas.drawn
            latent_map.camera.orbit(1.0, 0.0)
            canvas.changed("camera")
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 10)
    return (canvas.drawn - first) / passed
