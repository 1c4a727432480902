"""Whose turn it is in a jam, at which bar and beat, large enough for a stage."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QWidget
from typing_extensions import override

from app.theme import colour, numerals
from fmvae_core.jam.rules import State
from fmvae_core.music.phrase import BEATS_PER_BAR

_HEIGHTS = {False: 150, True: 64}  # by whether it is compact
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True)
class _Look:
    word: str
    tone: str
    ground: str


_LOOKS: dict[State, _Look] = {
    State.IDLE: _Look("READY", "text", "surface"),
    State.COUNT_IN: _Look("COUNT-IN", "text", "raised"),
    State.LISTENING: _Look("YOU PLAY", "human", "human_deep"),
    State.ANSWERING: _Look("MACHINE", "machine", "machine_deep"),
}
_GETTING_READY = _Look("GETTING READY", "dim", "surface")


@dataclass(frozen=True)
class _Shown:
    """What is shown; no state while the jam cannot begin."""

    state: State | None
    text: str = ""
    bar: int = 0
    bars: int = 0
    beat: int = 0
    tempo: float = 0.0

    @property
    def look(self) -> _Look:
        return _GETTING_READY if self.state is None else _LOOKS[self.state]

    @property
    def counts(self) -> bool:
        return self.beat > 0


class JamBanner(QWidget):
    """A word, the bar and four dots for the beats, in the colour of the player whose turn it is.

    Parameters
    ----------
    parent
        The widget it lies in.
    compact
        Whether it is one low line.
    """

    def __init__(self, parent: QWidget | None = None, *, compact: bool = False) -> None:
        super().__init__(parent)
        self._compact = compact
        self._shown = _Shown(State.IDLE)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._say()

    @property
    def compact(self) -> bool:
        """Whether it is one low line."""
        return self._compact

    @compact.setter
    def compact(self, compact: bool) -> None:
        self._compact = compact
        self.updateGeometry()
        self.update()

    @property
    def word(self) -> str:
        """The word that is shown large."""
        return self._shown.look.word

    def show_state(self, state: State, bar: int, bars: int, beat: int, tempo: float) -> None:
        """Show where the jam is.

        Parameters
        ----------
        state
            Whose turn it is.
        bar, bars
            Bar of the turn or the count-in, from 1, and how many it has.
        beat
            Beat of the bar, 1 to 4. Bar and beat are not shown while idle.
        tempo
            Beats a minute.
        """
        is_idle = state is State.IDLE
        beat = 0 if is_idle else min(max(beat, 1), BEATS_PER_BAR)
        self._show(_Shown(state, "", bar, bars, beat, tempo))

    def show_getting_ready(self, text: str) -> None:
        """Say that the jam cannot begin yet, and what it waits for."""
        self._show(_Shown(None, text))

    def _show(self, shown: _Shown) -> None:
        if shown != self._shown:
            self._shown = shown
            self._say()
            self.update()

    def _say(self) -> None:
        shown = self._shown
        self.setAccessibleName(f"Jam: {shown.look.word.lower()}")
        told = f"bar {shown.bar} of {shown.bars}" if shown.counts else shown.text
        self.setAccessibleDescription(told)

    # Painting

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        shown, look = self._shown, self._shown.look
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), colour(look.ground))
        box = QRectF(self.rect())
        pad = 0.22 * box.height()
        box.adjust(pad, 0, -pad, 0)
        if shown.counts:
            box.setLeft(self._paint_word(painter, box, 0.52) + pad)
            self._paint_count(painter, box)
        else:
            left = self._paint_word(painter, box, 0.62) + pad
            self._paint_text(painter, QRectF(left, box.top(), box.right() - left, box.height()))
        painter.fillRect(QRectF(0, 0, 0.05 * self.height(), self.height()), colour(look.tone))
        painter.end()

    def _font(self, pixels: float, weight: QFont.Weight) -> QFont:
        font = numerals(self.font())
        font.setPixelSize(max(9, round(pixels)))
        font.setWeight(weight)
        return font

    def _paint_word(self, painter: QPainter, box: QRectF, share: float) -> float:
        """Paint the word as large as height and a share of the width allow; return its right."""
        word = self._shown.look.word
        font = self._font(0.62 * box.height(), QFont.Weight.Bold)
        wide = QFontMetricsF(font).horizontalAdvance(word)
        if wide > share * box.width():
            font = self._font(font.pixelSize() * share * box.width() / wide, QFont.Weight.Bold)
            wide = QFontMetricsF(font).horizontalAdvance(word)
        painter.setFont(font)
        painter.setPen(colour(self._shown.look.tone))
        painter.drawText(box, _LEFT, word)
        return box.left() + wide

    def _paint_text(self, painter: QPainter, box: QRectF) -> None:
        font = self._font(0.26 * self.height(), QFont.Weight.Normal)
        text = self._shown.text
        if not text and self._shown.tempo:
            text = f"Space begins · {self._shown.tempo:.0f} bpm"
        painter.setFont(font)
        painter.setPen(colour("dim"))
        metrics = QFontMetricsF(font)
        painter.drawText(
            box, _RIGHT, metrics.elidedText(text, Qt.TextElideMode.ElideRight, box.width())
        )

    def _paint_count(self, painter: QPainter, box: QRectF) -> None:
        """Paint the dots of the beats at the right, and before them the bar.

        In the count-in it is the beat, which is what a drummer counts there.
        """
        shown = self._shown
        tone = colour(shown.look.tone)
        radius = min(0.2 * box.height(), box.width() / (5.2 * BEATS_PER_BAR))
        step = 2.9 * radius
        middle = box.center().y()
        x = box.right() - radius - (BEATS_PER_BAR - 1) * step
        room = QRectF(box.left(), box.top(), x - 2.2 * radius - box.left(), box.height())
        for beat in range(1, BEATS_PER_BAR + 1):
            self._paint_dot(painter, QPointF(x + (beat - 1) * step, middle), radius, tone, beat)
        figure = str(shown.beat) if shown.state is State.COUNT_IN else f"{shown.bar}/{shown.bars}"
        word = "" if shown.state is State.COUNT_IN else "bar"
        self._paint_figure(painter, room, word, figure)

    def _paint_figure(self, painter: QPainter, room: QRectF, word: str, figure: str) -> None:
        """Paint a number with a small word before it, where there is room."""
        large = self._font(0.42 * room.height(), QFont.Weight.DemiBold)
        small = self._font(0.18 * room.height(), QFont.Weight.Medium)
        wide = QFontMetricsF(large).horizontalAdvance(figure)
        gap = 0.08 * room.height()
        baseline = room.center().y() + 0.5 * QFontMetricsF(large).capHeight()
        if wide > room.width():
            return
        painter.setFont(large)
        painter.setPen(colour("text"))
        painter.drawText(QPointF(room.right() - wide, baseline), figure)
        before = QFontMetricsF(small).horizontalAdvance(word) + gap
        if before + wide <= room.width():
            painter.setFont(small)
            painter.setPen(colour("text", 0.75))
            painter.drawText(QPointF(room.right() - wide - before, baseline), word)

    def _paint_dot(
        self, painter: QPainter, middle: QPointF, radius: float, tone: QColor, beat: int
    ) -> None:
        now = self._shown.beat
        if beat == now:
            painter.setPen(Qt.PenStyle.NoPen)
            halo = QColor(tone)
            halo.setAlphaF(0.25)
            painter.setBrush(halo)
            painter.drawEllipse(middle, 1.4 * radius, 1.4 * radius)
            painter.setBrush(tone)
            painter.drawEllipse(middle, radius, radius)
            return
        faded = QColor(tone)
        faded.setAlphaF(0.55 if beat < now else 0.35)
        painter.setPen(QPen(faded, max(1.5, 0.1 * radius)))
        painter.setBrush(faded if beat < now else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(middle, 0.72 * radius, 0.72 * radius)

    @override
    def sizeHint(self) -> QSize:
        return QSize(720, _HEIGHTS[self._compact])

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(300, _HEIGHTS[self._compact])
