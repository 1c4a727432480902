"""The map of a film: painted without OpenGL, so that no screen is needed."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen, QPolygonF, QRadialGradient

from app.explore.projections import Shown
from app.theme import colour
from app.widgets.latent_map_camera import OrbitCamera, Points, project
from app.widgets.latent_map_trajectories import GROWTH_SECONDS, PULSE_SECONDS, light_of
from fmvae_core.jam.messages import Point
from fmvae_core.jam.replay import Replay, Trajectories

Picture = npt.NDArray[np.uint8]
"""``(height, width, 4)``, blue, green, red and nothing, as Qt and FFmpeg have them."""

_TURN_SECONDS = 120.0  # in which the eye circles the map
_LIT = 0.55  # share of their light that landmarks keep behind the trajectories
_LINKS = 12  # newest links that are shown
_TONES = ("human", "machine")
# Pixels of a landmark from its rim to its middle, and how much light each has.
_DISC = sorted(
    (
        (dx, dy, float(np.clip(2.1 - math.hypot(dx, dy), 0.0, 1.0)))
        for dx in range(-2, 3)
        for dy in range(-2, 3)
        if math.hypot(dx, dy) < 2.1
    ),
    key=lambda pixel: pixel[2],
)


class FilmMap:
    """Paints landmarks and trajectories as an eye sees them that circles slowly.

    Parameters
    ----------
    shown
        The projection, and where the landmarks land.
    colours
        Of the landmarks, ``(n, 4)``.
    replay, bundle
        The take, and whose points are shown.
    """

    def __init__(
        self, shown: Shown, colours: npt.NDArray[np.float32], replay: Replay, bundle: str
    ) -> None:
        self._shown = shown
        self._replay = replay
        self._bundle = bundle
        self._points = shown.places
        self._colours = 255.0 * _LIT * colours[:, 2::-1]  # blue first
        self._camera = OrbitCamera()
        self._low, self._high = np.quantile(shown.places, (0.005, 0.995), axis=0)
        self._start = 0.0
        self._fitted: tuple[int, int] | None = None

    def paint_landmarks(self, picture: Picture, seconds: float) -> None:
        """Paint the landmarks at a time of the film; call this first."""
        height, width = picture.shape[:2]
        if self._fitted != (width, height):
            inside = ((self._points >= self._low) & (self._points <= self._high)).all(axis=1)
            self._camera.fit(self._points[inside], width, height)
            self._camera.distance *= 1.12  # room for what turns into view
            self._start = self._camera.azimuth
            self._fitted = (width, height)
        self._camera.azimuth = self._start + 360.0 * seconds / _TURN_SECONDS
        seen = project(self._points, self._camera.matrix(width, height), width, height)
        order = np.argsort(-seen.depth)  # the farthest first: the nearer ones cover them
        x, y = np.rint(seen.x[order]).astype(int), np.rint(seen.y[order]).astype(int)
        near = np.clip(
            0.5 + (self._camera.distance - seen.depth[order]) / (2.4 * self._camera.radius), 0.15, 1
        )
        tones = self._colours[order] * near[:, None]
        for dx, dy, light in _DISC:
            px, py = x + dx, y + dy
            ok = (px >= 0) & (px < width) & (py >= 0) & (py < height)
            under = picture[py[ok], px[ok], :3].astype(np.float32)
            mixed = under + light * (np.maximum(tones[ok], under) - under)
            picture[py[ok], px[ok], :3] = mixed.astype(np.uint8)

    def paint_players(self, painter: QPainter, width: int, height: int, seconds: float) -> None:
        """Paint axes and trajectories over the landmarks; the time is the one they were painted at.

        Parameters
        ----------
        painter
            Its origin is the corner of the map.
        width, height
            Of the map.
        seconds
            Of the take.
        """
        self._paint_axes(painter, width, height)
        beat = self._replay.beat(seconds)
        way = self._replay.trajectories(beat, self._bundle)
        ends = self._heads(seconds)
        places = [self._on_screen(points, width, height) for points in (way.human, way.machine)]
        for index, grown in enumerate(ends):
            if len(places[index]) > 1:
                last, head = places[index][-2:]
                places[index][-1] = last + grown * (head - last)
        for points, tone in zip(places, _TONES, strict=True):
            _paint_trail(painter, points, colour(tone))
        self._paint_links(painter, way, places)
        for points, tone, size in zip(places, _TONES, (13.0, 9.0), strict=True):
            if len(points):
                _paint_head(painter, points[-1], colour(tone), size, seconds)

    def _heads(self, seconds: float) -> tuple[float, float]:
        """Return how far the newest point of each has come on its way, 0 to 1."""
        grown = []
        for passages in (self._replay.human, self._replay.machine):
            known = [self._replay.time(each.known) for each in passages]
            last = max((time for time in known if time <= seconds), default=-math.inf)
            left = 1.0 - min((seconds - last) / GROWTH_SECONDS, 1.0)
            grown.append(1.0 - left**3)
        return grown[0], grown[1]

    def _on_screen(
        self, points: tuple[Point, ...], width: int, height: int
    ) -> npt.NDArray[np.float64]:
        if not points:
            return np.zeros((0, 2))
        places: Points = self._shown.projection.project(np.asarray(points, np.float32))
        seen = project(places, self._camera.matrix(width, height), width, height)
        return np.stack([seen.x, seen.y], axis=1).astype(np.float64)

    def _paint_axes(self, painter: QPainter, width: int, height: int) -> None:
        font = QFont(painter.font())
        font.setPixelSize(17)
        painter.setFont(font)
        corners = np.array([self._low, *(self._low + step for step in self._steps())], np.float32)
        seen = project(corners, self._camera.matrix(width, height), width, height)
        origin = QPointF(float(seen.x[0]), float(seen.y[0]))
        for axis, (text, directed) in enumerate(
            zip(self._shown.axes, self._shown.directed, strict=True), start=1
        ):
            if not text:
                continue
            end = QPointF(float(seen.x[axis]), float(seen.y[axis]))
            painter.setPen(QPen(colour("text", 0.35), 1.5))
            painter.drawLine(origin, end)
            box = QRectF(end.x() - 150, end.y() - 14, 300, 28)
            away = end - origin
            long = math.hypot(away.x(), away.y()) or 1.0
            box.translate(away.x() / long * 34, away.y() / long * 20)
            painter.setPen(colour("text", 0.9 if directed else 0.5))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _steps(self) -> npt.NDArray[np.float32]:
        steps: npt.NDArray[np.float32] = np.diag((self._high - self._low).astype(np.float32))
        return steps

    def _paint_links(
        self, painter: QPainter, way: Trajectories, places: list[npt.NDArray[np.float64]]
    ) -> None:
        links = way.links[-_LINKS:]
        for at, (human, machine) in enumerate(links, start=_LINKS - len(links) + 1):
            is_newest = at == _LINKS
            pen = QPen(colour("text", 0.9 if is_newest else 0.4 * at / _LINKS))
            pen.setWidthF(2.6 if is_newest else 1.4)
            if not is_newest:
                pen.setDashPattern([4.0, 4.0])
            painter.setPen(pen)
            painter.drawLine(_point(places[0][human]), _point(places[1][machine]))


def _paint_trail(painter: QPainter, points: npt.NDArray[np.float64], tone: QColor) -> None:
    lights = light_of(np.arange(len(points) - 1, -1, -1))
    for glow, width in ((0.16, 16.0), (1.0, 5.0)):
        for start, end, light in zip(points[:-1], points[1:], lights[1:], strict=True):
            shade = QColor(tone)
            shade.setAlphaF(glow * float(light))
            pen = QPen(shade, (0.3 + 0.7 * float(light)) * width)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            painter.setPen(pen)
            painter.drawPolyline(QPolygonF([_point(start), _point(end)]))
    painter.setPen(Qt.PenStyle.NoPen)
    for place, light in zip(points[:-1], lights[:-1], strict=True):
        shade = QColor(tone)
        shade.setAlphaF(float(light))
        painter.setBrush(shade)
        painter.drawEllipse(_point(place), 2.5 + 4.0 * light, 2.5 + 4.0 * light)


def _paint_head(
    painter: QPainter, place: npt.NDArray[np.float64], tone: QColor, size: float, seconds: float
) -> None:
    middle = _point(place)
    halo = QRadialGradient(middle, 60.0)
    for at, alpha in ((0.0, 0.55), (0.35, 0.22), (1.0, 0.0)):
        shade = QColor(tone)
        shade.setAlphaF(alpha)
        halo.setColorAt(at, shade)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(halo)
    painter.drawEllipse(middle, 60.0, 60.0)
    pulse = seconds / PULSE_SECONDS % 1.0
    ring = QColor(tone)
    ring.setAlphaF(0.8 * (1.0 - pulse))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(ring, 2.0))
    painter.drawEllipse(middle, size + 26.0 * pulse, size + 26.0 * pulse)
    painter.setPen(QPen(colour("ground"), 2.0))
    painter.setBrush(tone)
    painter.drawEllipse(middle, size, size)


def _point(place: npt.NDArray[np.float64]) -> QPointF:
    return QPointF(float(place[0]), float(place[1]))
