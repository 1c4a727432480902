"""The drum grid: what each drum plays, how hard and how early or late, and where the loop is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QWidget

from app.theme import colour
from app.widgets.colours import VELOCITY_HUMAN, hexadecimal
from app.widgets.drum_grid_places import GridPlaces, Hit, Hits, hits_of
from app.widgets.phrase_view import GLOW_STEPS, PAD, TONES, PhraseView
from fmvae_core.music.drum_representation import N_DRUMS
from fmvae_core.music.drums import DRUMS
from fmvae_core.music.phrase import STEPS_PER_BEAT
from fmvae_core.music.representation import Frames

_PLAYER_TONES = {
    "machine": TONES,
    "human": tuple(QColor(hexadecimal(tone)) for tone in VELOCITY_HUMAN),
}
_KEY_SPACE = 40  # of the marks and gaps of the key in the ruler


_HEARD_WORDS = ("missed", "added")


def _key_width(metrics: QFontMetricsF) -> float:
    pairs = (("played", "heard"), _HEARD_WORDS)
    return max(sum(metrics.horizontalAdvance(word) for word in pair) for pair in pairs)


Player = Literal["human", "machine"]


class DrumGrid(PhraseView):
    """Nine drums by the steps of a phrase; the bass drum lies at the bottom.

    A cell is centred on its step of the grid, a hit on the moment at which it sounds. Brightness is
    velocity.

    Parameters
    ----------
    parent
        The widget it lies in.
    accent
        Whose colour the hits have: ``"machine"`` or ``"human"``.
    """

    def __init__(self, parent: QWidget | None = None, *, accent: Player = "machine") -> None:
        super().__init__("Drum grid", parent)
        self._accent = accent
        self._tones = _PLAYER_TONES[accent]
        self._heard: frozenset[tuple[int, int]] | None = None
        self._hits: Hits = {}
        self._reference: Hits | None = None
        self._labels = 0.0
        self._say()

    def set_frames(self, frames: Frames | None, thresholds: npt.ArrayLike = 0.5) -> None:
        """Show a phrase, or an empty grid.

        Parameters
        ----------
        frames
            ``(steps, 27)``; hits may be probabilities.
        thresholds
            Probability from which a hit sounds; a number or one for each of the 9 drums. A hit
            below it is not shown.

        Raises
        ------
        ValueError
            If the frames have another shape.
        """
        self._hits = {} if frames is None else hits_of(frames, thresholds)
        if frames is not None:
            self.show_steps(len(frames))
        self.repaint_notes()

    def set_reference(self, frames: Frames | None) -> None:
        """Show how a phrase as played, ``(steps, 27)``, differs from the one shown; None ends that.

        Hits that only the reference has are hollow, hits that it lacks carry a plus, and where both
        have one a thin mark tells when the reference's sounds.
        """
        self._reference = None if frames is None else hits_of(frames, 0.5)
        self.repaint_notes()

    def set_heard(self, cells: Sequence[tuple[int, int]] | None) -> None:
        """Show which hits the model heard; None ends that.

        Hits that it did not hear are hollow; a thin ring is where it heard one that was not played.

        Parameters
        ----------
        cells
            Step and drum of each hit that it heard.
        """
        self._heard = None if cells is None else frozenset((drum, step) for step, drum in cells)
        self.repaint_notes()

    def hit_at(self, place: QPointF) -> Hit | None:
        """Return the hit that is drawn at a pixel, or None."""
        for hits in (self._hits, self._reference or {}, self._added()):
            for hit in hits.values():
                if self.places.block(hit).adjusted(-2, -2, 2, 2).contains(place):
                    return hit
        return None

    def tip_at(self, place: QPointF) -> tuple[str, QRectF] | None:
        """Return what the hit at a pixel is."""
        hit = self.hit_at(place)
        return None if hit is None else (self.describe(hit.drum, hit.step), self.places.block(hit))

    def describe(self, row: int, step: int) -> str:
        """Return what a drum does at a step, in words."""
        where = f"{DRUMS[row].title}  {self.where(step)}"
        hit = self._hits.get((row, step))
        played = (self._reference or {}).get((row, step))
        if self._heard is not None:
            return f"{where}\n{self._told_of_heard(hit, (row, step) in self._heard)}"
        if hit is None and played is None:
            return f"{where}\nno hit"
        if hit is None and played is not None:
            return f"{where}\nplayed only: {played.told(self._tempo)}"
        assert hit is not None
        if self._reference is None:
            return f"{where}\n{hit.told(self._tempo)}"
        if played is None:
            return f"{where}\nheard only: {hit.told(self._tempo)}"
        return f"{where}\nplayed: {played.told(self._tempo)}\nheard: {hit.told(self._tempo)}"

    def _added(self) -> Hits:
        """Return what the model heard though it was not played."""
        cells = (self._heard or frozenset()) - self._hits.keys()
        return {
            (drum, step): Hit(drum, step, 0.0, 0.0) for drum, step in cells if step < self._steps
        }

    def _told_of_heard(self, hit: Hit | None, is_heard: bool) -> str:
        if hit is None:
            return "heard, but not played" if is_heard else "no hit"
        return f"{hit.told(self._tempo)}, {'heard' if is_heard else 'not heard'}"

    def summary(self) -> str:
        """Return the number of steps and hits."""
        told = f"{self._steps} steps, {len(self._hits)} hits"
        if self._heard is not None:
            told += f", {len(self._heard & self._hits.keys())} of them heard"
        return told

    @property
    def places(self) -> GridPlaces:
        """Where things lie at the widget's size."""
        return GridPlaces(self.width(), self.height(), self._labels, self._steps)

    @property
    def rows(self) -> tuple[int, int]:
        """The bass drum and the last drum."""
        return 0, N_DRUMS - 1

    def cell(self, row: int, step: int) -> QRectF:
        """Return where a cell lies."""
        return self.places.cell(row, step)

    # Painting

    def paint_rows(self, painter: QPainter) -> None:
        """Paint the names of the drums and the empty cells."""
        name_font = QFont(self.font())
        name_font.setPixelSize(max(10, min(13, round(self.places.row(0)[1] * 0.6))))
        metrics = QFontMetricsF(name_font)
        names = max(metrics.horizontalAdvance(drum.title) for drum in DRUMS) + 2 * PAD
        key = _KEY_SPACE + _key_width(QFontMetricsF(self.small_font())) + PAD
        self._labels = max(names, key)
        painter.setFont(name_font)
        painter.setPen(colour("dim"))
        for drum, category in enumerate(DRUMS):
            top, height = self.places.row(drum)
            box = QRectF(0, top, self._labels - PAD, height)
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(box, right, category.title)
        painter.setPen(Qt.PenStyle.NoPen)
        for step in range(self._steps):
            is_beat = step % STEPS_PER_BEAT == 0
            painter.setBrush(colour("hover", 0.75) if is_beat else colour("raised", 0.7))
            for drum in range(N_DRUMS):
                painter.drawRoundedRect(self.places.cell(drum, step), 3, 3)

    def paint_notes(self, painter: QPainter) -> None:
        """Paint the hits, and how the reference differs."""
        for hit in self._hits.values():
            self._paint_hit(painter, hit)
        for key, hit in (self._reference or {}).items():
            block = self.places.block(hit)
            if key not in self._hits:
                painter.setBrush(colour("human", 0.10))
                painter.setPen(QPen(colour("human"), 1.5))
                painter.drawRoundedRect(block.adjusted(0.75, 0.75, -0.75, -0.75), 3, 3)
            elif abs(hit.offset - self._hits[key].offset) > 0.08:
                painter.setPen(QPen(colour("human"), 1.6))
                x = self.places.x(hit.position)
                painter.drawLine(QPointF(x, block.top()), QPointF(x, block.bottom()))
        self._paint_heard_only(painter)
        if self._reference is not None or self._heard is not None:
            self._paint_key(painter)

    def _paint_heard_only(self, painter: QPainter) -> None:
        """Paint rings where the model heard what was not played."""
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colour("text", 0.75), 1.2))
        for hit in self._added().values():
            block = self.places.block(hit)
            radius = 0.42 * min(block.width(), block.height())
            painter.drawEllipse(block.center(), radius, radius)

    def _paint_hit(self, painter: QPainter, hit: Hit) -> None:
        block = self.places.block(hit)
        tone = self._tones[round(hit.velocity * 255)]
        if self._heard is not None and (hit.drum, hit.step) not in self._heard:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(tone, 1.6))
            painter.drawRoundedRect(block.adjusted(0.8, 0.8, -0.8, -0.8), 3, 3)
            return
        tick = self.places.x(hit.step)
        painter.setPen(Qt.PenStyle.NoPen)
        if abs(hit.offset) > 0.04:
            cell = self.places.cell(hit.drum, hit.step)
            painter.setBrush(colour("dim"))
            painter.drawRect(QRectF(tick - 0.6, cell.top(), 1.2, cell.height()))
        painter.setBrush(tone)
        painter.drawRoundedRect(block, 3, 3)
        if self._reference is not None and (hit.drum, hit.step) not in self._reference:
            reach = min(block.width(), block.height()) * 0.26
            middle = block.center()
            dark = hit.velocity > 0.35
            painter.setPen(QPen(colour("ground" if dark else "text"), 1.8))
            for dx, dy in ((reach, 0.0), (0.0, reach)):
                way = QPointF(dx, dy)
                painter.drawLine(middle - way, middle + way)

    def _paint_key(self, painter: QPainter) -> None:
        """Say in the ruler what hollow hits, and crossed hits or rings, mean."""
        hollow, other = ("played", "heard") if self._reference is not None else _HEARD_WORDS
        painter.setFont(self.small_font())
        metrics = QFontMetricsF(self.small_font())
        x = 6.0
        painter.setPen(QPen(colour("human"), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(x, 6.5, 9, 9), 2, 2)
        painter.setPen(colour("dim"))
        painter.drawText(QPointF(x + 13, 15), hollow)
        x += 13 + metrics.horizontalAdvance(hollow) + 8
        if self._reference is not None:
            painter.setPen(QPen(colour("machine"), 1.8))
            painter.drawLine(QPointF(x, 11), QPointF(x + 8, 11))
            painter.drawLine(QPointF(x + 4, 7), QPointF(x + 4, 15))
        else:
            painter.setPen(QPen(colour("text", 0.75), 1.2))
            painter.drawEllipse(QPointF(x + 4, 11), 4, 4)
        painter.setPen(colour("dim"))
        painter.drawText(QPointF(x + 12, 15), other)

    def paint_glow(self, painter: QPainter, position: float) -> None:
        """Let the hits shine that the playhead has just passed."""
        for hit in self._hits.values():
            since = (position - hit.position) % self._steps
            if since < GLOW_STEPS:
                shine = 1.0 - since / GLOW_STEPS
                block = self.places.block(hit)
                painter.setBrush(colour(self._accent, 0.30 * shine))
                painter.drawRoundedRect(block.adjusted(-3, -3, 3, 3), 5, 5)
                painter.setBrush(QColor(255, 255, 255, round(255 * 0.8 * shine)))
                painter.drawRoundedRect(block, 3, 3)
