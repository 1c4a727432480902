"""What all pictures of a phrase share: steps from left to right, a ruler, a playhead, a cursor.

Painted with QPainter, not pyqtgraph: rounded cells on whole pixels stay crisp at every size, the
still part is painted once into a picture, and a moving playhead costs a strip of a few pixels.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

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
from fmvae_core.music.phrase import STEPS_PER_BAR, STEPS_PER_BEAT

RULER = 22
PAD = 10
TONES = tuple(QColor(hexadecimal(tone)) for tone in VELOCITY)
"""256 colours of a note, from soft to hard."""

GLOW_STEPS = 1.6
"""For which a note shines after the playhead has passed its beginning."""

_TAIL_STEPS = 1.2  # of light behind the playhead
_DEFAULT_STEPS = 32
_DEFAULT_TEMPO = 120.0
_MARKS_APART = 6  # pixels, at least, between the numbers of the ruler


@dataclass(frozen=True)
class Places:
    """Where the steps of a phrase lie, in logical pixels.

    Parameters
    ----------
    width, height
        Of the whole widget.
    labels
        Width of what stands at the left.
    steps
        Of the phrase.
    """

    width: float
    height: float
    labels: float
    steps: int

    lead = 0.0
    """Steps that are shown before the downbeat, and not at the end."""

    @property
    def field(self) -> QRectF:
        """All cells together."""
        left = round(self.labels)
        return QRectF(left, RULER, self.width - left - PAD, self.height - RULER - PAD)

    def x(self, position: float) -> float:
        """Return where a position in steps from the downbeat lies."""
        return self.field.left() + (position + self.lead) * self.field.width() / self.steps

    def shown(self, position: float) -> float:
        """Return a position of the loop where it is seen: from `lead` before the downbeat on."""
        return (position + self.lead) % self.steps - self.lead


class PhraseView(QWidget):
    """A phrase as a picture. Arrow keys go from cell to cell and read it out."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._steps = _DEFAULT_STEPS
        self._playhead: float | None = None
        self._tempo = _DEFAULT_TEMPO
        self._cursor: tuple[int, int] | None = None
        self._ground: QPixmap | None = None
        self._picture: QPixmap | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setAccessibleName(name)

    def set_playhead(self, step: float | None) -> None:
        """Show where the loop is, in steps from the downbeat, or no playhead."""
        if step == self._playhead:
            return
        before, self._playhead = self._playhead, step
        for place in (before, step):
            if place is not None:
                self._update_strip(place)

    def set_tempo(self, bpm: float) -> None:
        """Take the tempo, in which times are told."""
        self._tempo = bpm

    # What each kind of picture has of its own

    @property
    @abstractmethod
    def places(self) -> Places:
        """Where things lie at the widget's size."""

    @property
    @abstractmethod
    def rows(self) -> tuple[int, int]:
        """The lowest row and the highest."""

    @abstractmethod
    def cell(self, row: int, step: int) -> QRectF:
        """Return where a cell lies."""

    @abstractmethod
    def describe(self, row: int, step: int) -> str:
        """Return what a cell holds, in words."""

    @abstractmethod
    def summary(self) -> str:
        """Return what the phrase holds, in words."""

    @abstractmethod
    def tip_at(self, place: QPointF) -> tuple[str, QRectF] | None:
        """Return what is told of a pixel, and the rectangle for which that holds."""

    @abstractmethod
    def paint_rows(self, painter: QPainter) -> None:
        """Paint the names of the rows and the empty cells."""

    @abstractmethod
    def paint_notes(self, painter: QPainter) -> None:
        """Paint the notes, at rest."""

    @abstractmethod
    def paint_glow(self, painter: QPainter, position: float) -> None:
        """Paint the notes that shine, since the playhead has just passed them."""

    # Painting

    def small_font(self) -> QFont:
        """Return the font of the ruler."""
        small = QFont(self.font())
        small.setPixelSize(11)
        return small

    def show_steps(self, steps: int) -> None:
        """Take the number of steps of the phrase; another one begins a new picture."""
        if steps != self._steps:
            self._steps = steps
            self._cursor = None
            self.repaint_all()

    def repaint_all(self) -> None:
        """Paint everything anew: rows, ruler and notes."""
        self._ground = None
        self.repaint_notes()

    def repaint_notes(self) -> None:
        """Paint the notes anew."""
        self._picture = None
        self._say()
        self.update()

    def where(self, step: int) -> str:
        """Return a step as bar, beat and sixteenth, all from 1."""
        bar, rest = divmod(step, STEPS_PER_BAR)
        beat, sixteenth = divmod(rest, STEPS_PER_BEAT)
        return f"{bar + 1}.{beat + 1}.{sixteenth + 1}"

    def _say(self) -> None:
        told = self.summary() if self._cursor is None else self.describe(*self._cursor)
        self.setAccessibleDescription(told.replace("\n", ", "))

    def _paint_ground(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        ground = QPixmap(self.size() * ratio)
        ground.setDevicePixelRatio(ratio)
        ground.fill(colour("ground"))
        painter = QPainter(ground)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.paint_rows(painter)
        self._paint_ruler(painter)
        painter.end()
        return ground

    def _paint_ruler(self, painter: QPainter) -> None:
        places = self.places
        painter.setFont(self.small_font())
        metrics = QFontMetricsF(self.small_font())
        beat = places.field.width() / places.steps * STEPS_PER_BEAT
        every = STEPS_PER_BEAT
        if metrics.horizontalAdvance("0.0") + _MARKS_APART > beat:
            every = STEPS_PER_BAR
        for step in range(0, self._steps, every):
            bar, rest = divmod(step, STEPS_PER_BAR)
            text = f"{bar + 1}" if not rest else f"{bar + 1}.{rest // STEPS_PER_BEAT + 1}"
            painter.setPen(colour("text" if not rest else "dim"))
            x = places.x(step)
            box = QRectF(x - 30, 0, 60, RULER) if places.lead else QRectF(x + 3, 0, 60, RULER)
            flags = Qt.AlignmentFlag.AlignCenter if places.lead else Qt.AlignmentFlag.AlignVCenter
            painter.drawText(box, flags, text)
        painter.setPen(QPen(colour("faint"), 1))
        for step in range(STEPS_PER_BAR, self._steps, STEPS_PER_BAR):
            x = round(places.x(step - places.lead)) - 0.5
            painter.drawLine(QPointF(x, RULER - 6), QPointF(x, self.height() - PAD + 3))

    def _paint_picture(self) -> QPixmap:
        if self._ground is None:
            self._ground = self._paint_ground()
        picture = QPixmap(self._ground)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.paint_notes(painter)
        painter.end()
        return picture

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
            self._paint_playhead(painter, self.places.shown(self._playhead))
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(colour("machine"), 2))
            if self._cursor is not None:
                painter.drawRoundedRect(self.cell(*self._cursor), 3, 3)
            painter.drawRect(QRectF(self.rect()).adjusted(1, 1, -1, -1))
        painter.end()

    def _paint_playhead(self, painter: QPainter, position: float) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        self.paint_glow(painter, position)
        field = self.places.field
        x = self.places.x(position)
        tail = _TAIL_STEPS * field.width() / self._steps
        light = QLinearGradient(QPointF(x - tail, 0), QPointF(x, 0))
        light.setColorAt(0, colour("text", 0.0))
        light.setColorAt(1, colour("text", 0.16))
        left = max(field.left(), x - tail)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(light)
        painter.drawRect(QRectF(left, field.top() - 4, x - left, field.height() + 7))
        painter.setBrush(colour("text"))
        painter.drawRect(QRectF(x - 1, field.top() - 4, 2, field.height() + 7))

    def _update_strip(self, position: float) -> None:
        places = self.places
        width = places.field.width() / self._steps
        x = places.x(places.shown(position))
        left = x - (GLOW_STEPS + 1.0) * width
        strip = QRectF(left, 0, x - left + width, self.height())
        self.update(strip.toAlignedRect())
        behind = places.field.left() - left
        if behind > 0:  # notes at the end of the loop still shine when it begins again
            right = places.field.right()
            self.update(QRectF(right - behind, 0, behind + PAD, self.height()).toAlignedRect())

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
        """Say at once what the note under the cursor is."""
        tip = self.tip_at(event.position())
        if tip is None:
            QToolTip.hideText()
            return
        text, around = tip
        QToolTip.showText(event.globalPosition().toPoint(), text, self, around.toAlignedRect())

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
        lowest, highest = self.rows
        row, step = self._cursor or (lowest, 0)
        if self._cursor is not None:
            row = min(highest, max(lowest, row + way[0]))
            step = (step + way[1]) % self._steps
        self._cursor = (row, step)
        self._say()
        self.update()
        place = self.cell(row, step).bottomRight().toPoint() + QPoint(4, 4)
        QToolTip.showText(self.mapToGlobal(place), self.describe(row, step), self, QRect())

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the frame."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Hide the frame and what the keys pointed at."""
        super().focusOutEvent(event)
        QToolTip.hideText()
        self.update()

    def minimumSizeHint(self) -> QSize:
        """Return the smallest size at which notes can be told apart."""
        return QSize(420, RULER + 117 + PAD)

    def sizeHint(self) -> QSize:
        """Return a size at which the names and every step are easily read."""
        return QSize(960, RULER + 216 + PAD)
