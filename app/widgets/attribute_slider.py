"""One attribute: how much of a change is asked, how much is achieved, how much can be reached."""

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
class Scale:
    """How an attribute is shown.

    Parameters
    ----------
    title
        Its name on screen.
    less, more
        What the ends of the slider mean.
    unit
        Follows the numbers, such as ``hits``; may be empty.
    factor
        Shown value over stored value.
    step
        Stored value of one step of the slider.
    reach
        Largest change that can be asked, stored.
    one
        The unit of one, where it is not the same.
    name
        How a value that is no change is told, where that is not by number and unit.
    """

    title: str
    less: str
    more: str
    unit: str
    factor: float
    step: float
    reach: float
    one: str = ""
    name: Callable[[float], str] | None = None

    def text(self, stored: float, signed: bool = False) -> str:
        """Return a stored value as the user reads it, or a change (``signed``)."""
        if self.name is not None and not signed:
            return self.name(stored)
        shown = round(stored * self.factor)
        number = f"{shown:+d}" if signed and shown else f"{shown:d}"
        unit = self.one if self.one and abs(shown) == 1 else self.unit
        return f"{number.replace('-', '−')} {unit}".rstrip()


class _Track(ValueSlider):
    """The slider itself: the handle is what is asked (warm), the mark what came of it (cool)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(28)
        self.achieved: float | None = None
        self.reach: tuple[float, float] | None = None

    @override
    def paint_slider(self, painter: QPainter) -> None:
        middle = self.height() / 2
        left, right, zero = self.x_of(self.minimum()), self.x_of(self.maximum()), self.x_of(0)
        on = self.isEnabled()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour("raised"))
        painter.drawRoundedRect(QRectF(left - 4, middle - 3, right - left + 8, 6), 3, 3)
        if self.reach is not None and on:
            low = self.x_of(max(self.minimum(), self.reach[0]))
            high = self.x_of(min(self.maximum(), self.reach[1]))
            painter.setBrush(colour("machine_deep"))
            painter.drawRoundedRect(QRectF(low - 3, middle - 3, high - low + 6, 6), 3, 3)
        painter.setBrush(colour("faint"))
        painter.drawRect(QRectF(zero - 0.75, middle - 8, 1.5, 16))

        x = self.x_of(self.value())
        if on and self.value():
            painter.setPen(QPen(colour("human"), 2))
            painter.drawLine(QPointF(zero, middle), QPointF(x, middle))
        if on and self.achieved is not None and self.value():
            mark = self.x_of(min(self.maximum(), max(self.minimum(), self.achieved)))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("machine"))
            painter.drawRoundedRect(QRectF(mark - 2, middle - 10, 4, 20), 2, 2)
        painter.setPen(QPen(colour("ground"), 2))
        painter.setBrush(colour("human" if on else "faint"))
        painter.drawEllipse(QPointF(x, middle), 8, 8)
        if self.hasFocus():
            painter.setPen(QPen(colour("text"), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QPointF(x, middle), 11, 11)


class AttributeSlider(QWidget):
    """A slider with its name, and beside it what was asked and what was achieved.

    Signals
    -------
    asked(float, int)
        Wanted change as stored, and the number of the gesture.
    """

    asked = Signal(float, int)

    def __init__(self, scale: Scale, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scale = scale
        self._ask = 0.0
        self._base: float | None = None
        self._achieved: float | None = None
        self._reach: tuple[float, float] | None = None

        self._title = QLabel(scale.title)
        self._title.setProperty("role", "strong")
        self._value = QLabel()
        self._value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._value.setFont(numerals(self._value.font()))
        self._less, self._more = QLabel(scale.less), QLabel(scale.more)
        for label in (self._less, self._more):
            label.setProperty("role", "small")
        self.track = _Track()
        self.track.setAccessibleName(f"Change of {scale.title.lower()}")
        steps = round(scale.reach / scale.step)
        self.track.setRange(-steps, steps)
        self.track.setPageStep(max(1, steps // 4))
        self.track.moved.connect(self._moved)
        self.track.reset_asked.connect(lambda gesture: self.asked.emit(0.0, gesture))

        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(8)
        layout.setVerticalSpacing(0)
        layout.addWidget(self._title, 0, 0, 1, 2)
        layout.addWidget(self._value, 0, 1, 1, 2)
        layout.addWidget(self._less, 1, 0)
        layout.addWidget(self.track, 1, 1)
        layout.addWidget(self._more, 1, 2)
        layout.setColumnStretch(1, 1)
        layout.setColumnMinimumWidth(0, 44)
        layout.setColumnMinimumWidth(2, 44)
        self._show()

    @property
    def scale(self) -> Scale:
        """How its values are shown."""
        return self._scale

    def set_scale(self, scale: Scale) -> None:
        """Show values on another scale (milliseconds depend on the tempo)."""
        self._scale = scale
        self._show()

    def show_ask(self, ask: float) -> None:
        """Show what is asked, as stored."""
        self._ask = ask
        self.track.show_value(round(ask / self._scale.step))
        self._show()

    def show_answer(
        self,
        base: float | None,
        achieved: float | None,
        reach: tuple[float, float] | None,
    ) -> None:
        """Show the attribute of the unmoved phrase, of the one achieved, and the reachable changes.

        All as stored; ``None`` where it is not known.
        """
        self._base, self._achieved, self._reach = base, achieved, reach
        self._show()

    def set_disabled_because(self, reason: str | None) -> None:
        """Disable it and say why in its tooltip, or enable it (``None``)."""
        self.track.setEnabled(reason is None)
        self._title.setEnabled(reason is None)
        self.setToolTip(
            f"Not now: {reason}"
            if reason
            else f"Drag to ask for {self._scale.less} or {self._scale.more}. "
            "The blue mark is what the model achieves; double click resets."
        )
        self._show()

    @property
    def text(self) -> str:
        """What the line beside the name says."""
        return self._value.text()

    def _moved(self, steps: int, gesture: int) -> None:
        self.asked.emit(steps * self._scale.step, gesture)

    def _show(self) -> None:
        scale = self._scale
        change = None
        if self._base is not None and self._achieved is not None:
            change = self._achieved - self._base
        self.track.achieved = None if change is None else change / scale.step
        self.track.reach = (
            None
            if self._reach is None
            else (self._reach[0] / scale.step, self._reach[1] / scale.step)
        )
        self.track.update()
        self._value.setText(self._words(change))
        self.track.setAccessibleDescription(self._value.text())

    def _words(self, change: float | None) -> str:
        scale = self._scale
        if round(self._ask / scale.step) == 0:
            return "" if self._achieved is None else scale.text(self._achieved)
        words = f"asked {scale.text(self._ask, signed=True)}"
        if change is None:
            return words
        words += f" ▸ got {scale.text(change, signed=True)}"
        half = 0.5 / scale.factor
        if self._reach is not None and not (
            self._reach[0] - half <= self._ask <= self._reach[1] + half
        ):
            words += " · out of reach"
        elif abs(change - self._ask) > 2 * half:
            words += " · nearest"
        return words
