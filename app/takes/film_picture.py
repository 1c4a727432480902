"""One picture of a film: the map, whose turn it is, and what both play."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QFont, QImage, QLinearGradient, QPainter
from PySide6.QtWidgets import QWidget

from app.explore.projections import Projections
from app.jam.jam_view import PlayerGrid
from app.takes.film_map import FilmMap, Picture
from app.takes.moment import MomentDisplay
from app.takes.take_strip import TakeStrip
from app.theme import colour
from app.widgets.colours import colours_for
from app.widgets.jam_banner import JamBanner
from fmvae_core.jam.replay import Replay
from fmvae_core.models.bundle import Bundle

WIDTH, HEIGHT = 1280, 720
_BANNER, _GRIDS, _STRIP = 84, 208, 44
_PAD = 16
_MAP = HEIGHT - _BANNER - _GRIDS - _STRIP


class FilmPicture:
    """Paints pictures of one take.

    Parameters
    ----------
    replay
        The take.
    bundle
        The model that answered in it.
    projection
        ``attributes``, ``pca`` or ``umap``; the first where UMAP has not been fitted.
    title
        Written at the map's upper left.
    """

    def __init__(self, replay: Replay, bundle: Bundle, projection: str, title: str) -> None:
        projections = Projections()
        name = projection if projection in ("pca", "umap") else "attributes"
        shown = projections.get(bundle, name) or projections.get(bundle, "attributes")  # type: ignore[arg-type]
        assert shown is not None  # only UMAP has to be fitted
        marks = bundle.landmarks
        colours = colours_for([marks.styles[index] for index in marks.style], "style")
        self._replay = replay
        self._title = title
        self._map = FilmMap(shown, colours, replay, bundle.sha256)
        self._banner = JamBanner(compact=True)
        self._human, self._machine = PlayerGrid("human", "Human"), PlayerGrid("machine", "Machine")
        self._strip = TakeStrip()
        self._strip.show_take(replay.beats, replay.human, replay.machine)
        self._moments = MomentDisplay(self._banner, self._human, self._machine)
        half = (WIDTH - 3 * _PAD) // 2
        grids = HEIGHT - _STRIP - _GRIDS
        self._parts: tuple[tuple[QWidget, QPoint], ...] = (
            (self._banner, QPoint(0, 0)),
            (self._human, QPoint(_PAD, grids)),
            (self._machine, QPoint(2 * _PAD + half, grids)),
            (self._strip, QPoint(_PAD, HEIGHT - _STRIP)),
        )
        for widget, width, height in (
            (self._banner, WIDTH, _BANNER),
            (self._human, half, _GRIDS - 10),
            (self._machine, half, _GRIDS - 10),
            (self._strip, WIDTH - 2 * _PAD, _STRIP - 6),
        ):
            widget.setFixedSize(width, height)
            widget.ensurePolished()
        self._ground = self._paint_ground()

    def paint(self, seconds: float) -> Picture:
        """Return the picture at a time from the beginning of the take, ``(720, 1280, 4)``."""
        seconds = min(seconds, self._replay.seconds)
        beat = self._replay.beat(seconds)
        pixels = self._ground.copy()
        self._map.paint_landmarks(pixels[_BANNER : _BANNER + _MAP], seconds)
        image = QImage(pixels.data, WIDTH, HEIGHT, QImage.Format.Format_RGB32)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.save()
        painter.translate(0, _BANNER)
        painter.setClipRect(0, 0, WIDTH, _MAP)
        self._map.paint_players(painter, WIDTH, _MAP, seconds)
        self._paint_title(painter)
        painter.restore()
        self._moments.show(self._replay, beat)
        self._strip.show_beat(beat)
        for widget, place in self._parts:
            widget.render(painter, place)
        painter.end()
        return pixels

    def _paint_ground(self) -> Picture:
        pixels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
        image = QImage(pixels.data, WIDTH, HEIGHT, QImage.Format.Format_RGB32)
        image.fill(colour("ground"))
        painter = QPainter(image)
        light = QLinearGradient(0, _BANNER, 0, _BANNER + _MAP)
        light.setColorAt(0.0, colour("ground"))
        light.setColorAt(0.5, colour("raised"))
        light.setColorAt(1.0, colour("ground"))
        painter.fillRect(QRectF(0, _BANNER, WIDTH, _MAP), colour("ground"))
        painter.setOpacity(0.35)
        painter.fillRect(QRectF(0, _BANNER, WIDTH, _MAP), light)
        painter.end()
        return pixels

    def _paint_title(self, painter: QPainter) -> None:
        font = QFont(painter.font())
        font.setPixelSize(16)
        painter.setFont(font)
        painter.setPen(colour("dim"))
        box = QRectF(_PAD + 4, 12, WIDTH - 2 * _PAD, 24)
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft, self._title)
