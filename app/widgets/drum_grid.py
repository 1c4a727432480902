"""The drum grid: what each drum plays, how hard and how early or late, and where the loop is.

Painted with QPainter, not pyqtgraph: rounded cells on whole pixels stay crisp at every size, the
still part is painted once into a picture, and a moving playhead costs a strip of a few pixels.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QKeyEvent,
    QLinearGradient,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.theme import colour
from app.widgets.colours import VELOCITY, hexadecimal
from app.widgets.drum_grid_places import PAD, RULER, GridPlaces, Hit, Hits, hits_of
from fmvae_core.music.drums import DRUMS
from fmvae_core.music.phrase import STEPS_PER_BAR, STEPS_PER_BEAT
from fmvae_core.music.representation import N_DRUMS, Frames

_GLOW_STEPS = 1.6  # for which a hit shines after the playhead has passed
_TAIL_STEPS = 1.2  # of light behind the playhead
_KEY_SPACE = 40  # of the marks and gaps of the key in the ruler
_DEFAULT_STEPS = 32
_DEFAULT_TEMPO = 120.0

_TONES = tuple(QColor(hexadecimal(tone)) for tone in VELOCITY)


def _key_width(metrics: QFontMetricsF) -> float:
    return metrics.horizontalAdvance("played") + metrics.horizontalAdvance("heard")


class DrumGrid(QWidget):
    """Nine drums by the steps of a phrase; the bass drum lies at the bottom.

    A cell is centred on its step of the grid, a hit on the moment at which it sounds. Brightness is
    velocity. Arrow keys go from cell to cell and read it out.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._steps = _DEFAULT_STEPS
        self._hits: Hits = {}
        self._reference: Hits | None = None
        self._thresholds: npt.NDArray[np.float64] = np.full(N_DRUMS, 0.5)
        self._playhead: float | None = None
        self._tempo = _DEFAULT_TEMPO
        self._cursor: tuple[int, int] | None = None
        self._ground: QPixmap | None = None
        self._picture: QPixmap | None = None
        self._labels = 0.0
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setAccessibleName("Drum grid")
        self._describe()

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
        self._thresholds = np.broadcast_to(np.asarray(thresholds, np.float64), (N_DRUMS,))
        self._hits = {} if frames is None else hits_of(frames, self._thresholds)
        if frames is not None and len(frames) != self._steps:
            self._steps = len(frames)
            self._ground = None
            self._cursor = None
        self._repaint()

    def set_reference(self, frames: Frames | None) -> None:
        """Show how a phrase as played, ``(steps, 27)``, differs from the one shown; None ends that.

        Hits that only the reference has are hollow, hits that it lacks carry a plus, and where both
        have one a thin mark tells when the reference's sounds.
        """
        self._reference = None if frames is None else hits_of(frames, 0.5)
        self._repaint()

    def set_playhead(self, step: float | None) -> None:
        """Show where the loop is, in steps from the downbeat, or no playhead."""
        if step == self._playhead:
            return
        before, self._playhead = self._playhead, step
        for place in (before, step):
            if place is not None:
                self._update_strip(place)

    def set_tempo(self, bpm: float) -> None:
        """Take the tempo, in which offsets are told in milliseconds."""
        self._tempo = bpm

    def hit_at(self, place: QPointF) -> Hit | None:
        """Return the hit that is drawn at a pixel, or None."""
        for hits in (self._hits, self._reference or {}):
            for hit in hits.values():
                if self._places.block(hit).adjusted(-2, -2, 2, 2).contains(place):
                    return hit
        return None

    def describe(self, drum: int, step: int) -> str:
        """Return what a cell holds, in words."""
        bar, rest = divmod(step, STEPS_PER_BAR)
        beat, sixteenth = divmod(rest, STEPS_PER_BEAT)
        where = f"{DRUMS[drum].title}  {bar + 1}.{beat + 1}.{sixteenth + 1}"
        hit = self._hits.get((drum, step))
        played = (self._reference or {}).get((drum, step))
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

    def _repaint(self) -> None:
        self._picture = None
        self._describe()
        self.update()

    def _describe(self) -> None:
        text = f"{self._steps} steps, {len(self._hits)} hits"
        if self._cursor is not None:
            text = self.describe(*self._cursor).replace("\n", ", ")
        self.setAccessibleDescription(text)

    # Places

    def sizeHint(self) -> QSize:
        """Return a size at which the names and every step are easily read."""
        return QSize(960, RULER + 24 * N_DRUMS + PAD)

    def minimumSizeHint(self) -> QSize:
        """Return the smallest size at which hits can be told apart."""
        return QSize(420, RULER + 13 * N_DRUMS + PAD)

    @property
    def _places(self) -> GridPlaces:
        return GridPlaces(self.width(), self.height(), self._labels, self._steps)

    def _shown_playhead(self) -> float:
        """Return the playhead where the cells are: -0.5 up to half a step before the end."""
        assert self._playhead is not None
        return (self._playhead + 0.5) % self._steps - 0.5

    def _update_strip(self, position: float) -> None:
        width = self._places.field.width() / self._steps
        x = self._places.x((position + 0.5) % self._steps - 0.5)
        left = x - (_GLOW_STEPS + 1.0) * width
        strip = QRectF(left, 0, x - left + width, self.height())
        self.update(strip.toAlignedRect())
        behind = self._places.field.left() - left
        if behind > 0:  # hits at the end of the loop still shine when it begins again
            right = self._places.field.right()
            self.update(QRectF(right - behind, 0, behind + PAD, self.height()).toAlignedRect())

    # Painting

    def _fonts(self) -> tuple[QFont, QFont]:
        name, small = QFont(self.font()), QFont(self.font())
        name.setPixelSize(max(10, min(13, round(self._places.row(0)[1] * 0.6))))
        small.setPixelSize(11)
        return name, small

    def _paint_ground(self) -> QPixmap:
        """Paint the names, the ruler and the empty cells."""
        ratio = self.devicePixelRatioF()
        name_font, small = self._fonts()
        metrics = QFontMetricsF(name_font)
        names = max(metrics.horizontalAdvance(drum.title) for drum in DRUMS) + 2 * PAD
        self._labels = max(names, _KEY_SPACE + _key_width(QFontMetricsF(small)) + PAD)
        ground = QPixmap(self.size() * ratio)
        ground.setDevicePixelRatio(ratio)
        ground.fill(colour("ground"))
        painter = QPainter(ground)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(name_font)
        painter.setPen(colour("dim"))
        for drum, category in enumerate(DRUMS):
            top, height = self._places.row(drum)
            box = QRectF(0, top, self._labels - PAD, height)
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(box, right, category.title)
        painter.setPen(Qt.PenStyle.NoPen)
        for step in range(self._steps):
            is_beat = step % STEPS_PER_BEAT == 0
            painter.setBrush(colour("hover", 0.75) if is_beat else colour("raised", 0.7))
            for drum in range(N_DRUMS):
                painter.drawRoundedRect(self._places.cell(drum, step), 3, 3)
        painter.setFont(small)
        for step in range(0, self._steps, STEPS_PER_BEAT):
            bar, rest = divmod(step, STEPS_PER_BAR)
            text = f"{bar + 1}" if not rest else f"{bar + 1}.{rest // STEPS_PER_BEAT + 1}"
            painter.setPen(colour("text" if not rest else "dim"))
            box = QRectF(self._places.x(step) - 30, 0, 60, RULER)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        painter.setPen(QPen(colour("faint"), 1))
        for step in range(STEPS_PER_BAR, self._steps, STEPS_PER_BAR):
            x = round(self._places.x(step - 0.5)) - 0.5
            painter.drawLine(QPointF(x, RULER - 6), QPointF(x, self.height() - PAD + 3))
        painter.end()
        return ground

    def _paint_picture(self) -> QPixmap:
        """Paint all that stands still."""
        if self._ground is None:
            self._ground = self._paint_ground()
        picture = QPixmap(self._ground)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for hit in self._hits.values():
            self._paint_hit(painter, hit)
        for key, hit in (self._reference or {}).items():
            block = self._places.block(hit)
            if key not in self._hits:
                painter.setBrush(colour("human", 0.10))
                painter.setPen(QPen(colour("human"), 1.5))
                painter.drawRoundedRect(block.adjusted(0.75, 0.75, -0.75, -0.75), 3, 3)
            elif abs(hit.offset - self._hits[key].offset) > 0.08:
                painter.setPen(QPen(colour("human"), 1.6))
                x = self._places.x(hit.position)
                painter.drawLine(QPointF(x, block.top()), QPointF(x, block.bottom()))
        if self._reference is not None:
            self._paint_key(painter)
        painter.end()
        return picture

    def _paint_hit(self, painter: QPainter, hit: Hit) -> None:
        block = self._places.block(hit)
        tick = self._places.x(hit.step)
        painter.setPen(Qt.PenStyle.NoPen)
        if abs(hit.offset) > 0.04:
            cell = self._places.cell(hit.drum, hit.step)
            painter.setBrush(colour("dim"))
            painter.drawRect(QRectF(tick - 0.6, cell.top(), 1.2, cell.height()))
        painter.setBrush(_TONES[round(hit.velocity * 255)])
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
        """Say in the ruler what hollow and crossed hits mean."""
        _, small = self._fonts()
        painter.setFont(small)
        metrics = QFontMetricsF(small)
        x = 6.0
        painter.setPen(QPen(colour("human"), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(x, 6.5, 9, 9), 2, 2)
        painter.setPen(colour("dim"))
        painter.drawText(QPointF(x + 13, 15), "played")
        x += 13 + metrics.horizontalAdvance("played") + 8
        painter.setPen(QPen(colour("machine"), 1.8))
        painter.drawLine(QPointF(x, 11), QPointF(x + 8, 11))
        painter.drawLine(QPointF(x + 4, 7), QPointF(x + 4, 15))
        painter.setPen(colour("dim"))
        painter.drawText(QPointF(x + 12, 15), "heard")

    def paintEvent(self, event: QPaintEvent) -> None:
        """Copy the still picture where it is needed, and draw the playhead over it."""
        if self._picture is None:
            self._picture = self._paint_picture()
        painter = QPainter(self)
        ratio = self._picture.devicePixelRatio()
        part = event.rect()
        source = QRectF(
            part.x() * ratio, part.y() * ratio, part.width() * ratio, part.height() * ratio
        )
        painter.drawPixmap(QRectF(part), self._picture, source)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._playhead is not None:
            self._paint_playhead(painter)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(colour("machine"), 2))
            if self._cursor is not None:
                painter.drawRoundedRect(self._places.cell(*self._cursor), 3, 3)
            painter.drawRect(QRectF(self.rect()).adjusted(1, 1, -1, -1))
        painter.end()

    def _paint_playhead(self, painter: QPainter) -> None:
        position = self._shown_playhead()
        painter.setPen(Qt.PenStyle.NoPen)
        for hit in self._hits.values():
            since = (position - hit.position) % self._steps
            if since < _GLOW_STEPS:
                shine = 1.0 - since / _GLOW_STEPS
                block = self._places.block(hit)
                painter.setBrush(colour("machine", 0.30 * shine))
                painter.drawRoundedRect(block.adjusted(-3, -3, 3, 3), 5, 5)
                painter.setBrush(QColor(255, 255, 255, round(255 * 0.8 * shine)))
                painter.drawRoundedRect(block, 3, 3)
        field = self._places.field
        x = self._places.x(position)
        tail = _TAIL_STEPS * field.width() / self._steps
        light = QLinearGradient(QPointF(x - tail, 0), QPointF(x, 0))
        light.setColorAt(0, colour("text", 0.0))
        light.setColorAt(1, colour("text", 0.16))
        left = max(field.left(), x - tail)
        painter.setBrush(light)
        painter.drawRect(QRectF(left, field.top() - 4, x - left, field.height() + 7))
        painter.setBrush(colour("text"))
        painter.drawRect(QRectF(x - 1, field.top() - 4, 2, field.height() + 7))

    # Events

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Paint anew at the new size."""
        self._ground = self._picture = None
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Paint anew in another font or look."""
        self._ground = self._picture = None
        super().changeEvent(event)

    def event(self, event: QEvent) -> bool:
        """Paint anew on a screen of other pixels."""
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._ground = self._picture = None
        return super().event(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say at once what the hit under the cursor is."""
        hit = self.hit_at(event.position())
        if hit is None:
            QToolTip.hideText()
            return
        text = self.describe(hit.drum, hit.step)
        around = self._places.block(hit).toAlignedRect()
        QToolTip.showText(event.globalPosition().toPoint(), text, self, around)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go from cell to cell with the arrows."""
        ways = {
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
            Qt.Key.Key_Up: (1, 0),
            Qt.Key.Key_Down: (-1, 0),
        }
        way = ways.get(Qt.Key(event.key()))
        if way is None or event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            super().keyPressEvent(event)
            return
        drum, step = self._cursor or (0, 0)
        if self._cursor is not None:
            drum = min(N_DRUMS - 1, max(0, drum + way[0]))
            step = (step + way[1]) % self._steps
        self._cursor = (drum, step)
        self._describe()
        self.update()
        place = self._places.cell(drum, step).bottomRight().toPoint() + QPoint(4, 4)
        QToolTip.showText(self.mapToGlobal(place), self.describe(drum, step), self, QRect())

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the frame."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Hide the frame and what the keys pointed at."""
        super().focusOutEvent(event)
        QToolTip.hideText()
        self.update()
