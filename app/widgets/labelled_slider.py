"""A slider with its name, its value in words, and what its two ends mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget
from typing_extensions import override

from app.theme import colour, numerals
from app.widgets.value_slider import ValueSlider


@dataclass(frozen=True)
class Dial:
    """What a slider sets.

    Parameters
    ----------
    title
        Its name on screen.
    less, more
        What the ends mean.
    low, high
        Range of the value.
    step
        Smallest change.
    text
        Says a value in words.
    about
        What it does, in a sentence or two.
    default
        The value that a double click brings back; the fill begins there where it lies inside.
    """

    title: str
    less: str
    more: str
    low: float
    high: float
    step: float
    text: Callable[[float], str]
    about: str
    default: float = 0.0


class _Track(ValueSlider):
    def __init__(self, accent: str, zero: int) -> None:
        super().__init__()
        self.setFixedHeight(26)
        self._accent = accent
        self._zero = zero

    @override
    def paint_slider(self, painter: QPainter) -> None:
        middle = self.height() / 2
        left, right = self.x_of(self.minimum()), self.x_of(self.maximum())
        zero, x = self.x_of(self._zero), self.x_of(self.value())
        on = self.isEnabled()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour("raised"))
        painter.drawRoundedRect(QRectF(left - 4, middle - 3, right - left + 8, 6), 3, 3)
        if self.minimum() < self._zero < self.maximum():
            painter.setBrush(colour("faint"))
            painter.drawRect(QRectF(zero - 0.75, middle - 7, 1.5, 14))
        if on:
            painter.setBrush(colour(self._accent))
            box = QRectF(QPointF(min(zero, x), middle - 2), QPointF(max(zero, x), middle + 2))
            painter.drawRoundedRect(box, 2, 2)
        painter.setPen(QPen(colour("surface"), 2))
        painter.setBrush(colour(self._accent if on else "faint"))
        painter.drawEllipse(QPointF(x, middle), 7.5, 7.5)
        if self.hasFocus():
            painter.setPen(QPen(colour("text"), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QPointF(x, middle), 10, 10)


class LabelledSlider(QWidget):
    """Shows a value and tells of a new one while it is dragged.

    Parameters
    ----------
    dial
        What it sets.
    accent
        Colour of the theme.

    Signals
    -------
    chosen(float)
        The user moved it.
    """

    chosen = Signal(float)

    def __init__(self, dial: Dial, accent: str = "machine") -> None:
        super().__init__()
        self._dial = dial
        self._note = ""
        self._reason: str | None = None
        self._title = QLabel(dial.title)
        self._title.setProperty("role", "strong")
        self._value = QLabel()
        self._value.setFont(numerals(self._value.font()))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        self._value.setAlignment(right)
        less, more = QLabel(dial.less), QLabel(dial.more)
        more.setAlignment(right)
        for label in (less, more):
            label.setProperty("role", "small")
        # Where the ends have no words the fill begins at the low one.
        begin = dial.default if dial.low < 0.0 < dial.high else dial.low
        self.track = _Track(accent, round(begin / dial.step))
        self.track.setAccessibleName(dial.title)
        self.track.setRange(round(dial.low / dial.step), round(dial.high / dial.step))
        self.track.setPageStep(max(1, (self.track.maximum() - self.track.minimum()) // 8))
        self.track.moved.connect(lambda value, gesture: self._moved(value * self._dial.step))
        self.track.reset_asked.connect(lambda gesture: self._reset())
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(8)
        layout.setVerticalSpacing(0)
        layout.addWidget(self._title, 0, 0, 1, 2)
        layout.addWidget(self._value, 0, 1, 1, 2)
        layout.addWidget(less, 1, 0)
        layout.addWidget(self.track, 1, 1)
        layout.addWidget(more, 1, 2)
        layout.setColumnStretch(1, 1)
        layout.setColumnMinimumWidth(0, 52)
        layout.setColumnMinimumWidth(2, 52)
        self.show_value(dial.default)
        self.set_disabled_because(None)

    @property
    def text(self) -> str:
        """What the line beside the name says."""
        return self._value.text()

    def show_value(self, value: float) -> None:
        """Show a value, without telling."""
        self.track.show_value(round(value / self._dial.step))
        self._say()

    def show_note(self, note: str) -> None:
        """Show something beside the value."""
        self._note = note
        self._say()

    def set_dial(self, dial: Dial) -> None:
        """Say values in other words; range and step are to be the same."""
        self._dial = dial
        self._say()

    def set_disabled_because(self, reason: str | None) -> None:
        """Disable it and say why in its tooltip, or enable it (``None``)."""
        self.track.setEnabled(reason is None)
        self._title.setEnabled(reason is None)
        about = self._dial.about if reason is None else f"Not now: {reason}"
        self.setToolTip(f"{about}\nDouble click: {self._dial.text(self._dial.default)}")

    def _moved(self, value: float) -> None:
        self._say()
        self.chosen.emit(value)

    def _reset(self) -> None:
        self.track.show_value(round(self._dial.default / self._dial.step))
        self._moved(self._dial.default)

    def _say(self) -> None:
        text = self._dial.text(self.track.value() * self._dial.step)
        self._value.setText(f"{text}  {self._note}" if self._note else text)
        self.track.setAccessibleDescription(self._value.text())
