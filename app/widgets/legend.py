"""The legend: what the colours of the map mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QLinearGradient, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.widgets.colours import MUTED, OUTLINE, SCHEMES, SURFACE, TEXT, hexadecimal

_PAD = 12.0
_BAR_WIDTH = 188.0
_BAR_HEIGHT = 8.0
_CHIP = 9.0
_ROWS = 5  # chips in a column


def _number(value: float, span: float) -> str:
    if span >= 8:
        return f"{value:.0f}".replace("-", "\N{MINUS SIGN}")
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")


class Legend(QWidget):
    """What the colours of the map mean. Compact, made to lie over a corner of the map."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("legend")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._title = ""
        self._scheme = ""
        self._limits = ("", "")
        self._chips: list[tuple[str, str]] = []
        self.hide()

    def show_continuous(
        self,
        title: str,
        lo: float,
        hi: float,
        scheme: str = "density",
        tell: Callable[[float], str] | None = None,
    ) -> None:
        """Show a scale.

        Parameters
        ----------
        title
            What is coloured, with its unit: ``Density (hits)``.
        lo, hi
            Values at the ends, as from `app.widgets.colours.limits_for`.
        scheme
            A continuous one of `app.widgets.colours.SCHEMES`.
        tell
            How a value is written, where not as a number.

        Raises
        ------
        ValueError
            If the scheme has no scale.
        """
        if scheme not in SCHEMES or SCHEMES[scheme].ramp is None:
            raise ValueError(f"'{scheme}' is not a continuous colour scheme")
        self._title, self._scheme, self._chips = title, scheme, []
        tell = tell or (lambda value: _number(value, hi - lo))
        self._limits = tell(lo), tell(hi)
        low, high = SCHEMES[scheme].ends
        self._described(f"from {self._limits[0]} ({low}) to {self._limits[1]} ({high})")

    def show_categories(self, title: str, entries: Sequence[tuple[str, str]]) -> None:
        """Show categories: pairs of a name and a colour ``#rrggbb``."""
        self._title, self._scheme, self._chips = title, "", list(entries)
        self._described(", ".join(name for name, _ in entries))

    def _described(self, text: str) -> None:
        self.setAccessibleName(f"Legend: {self._title}")
        self.setAccessibleDescription(text)
        self.updateGeometry()
        self.resize(self.sizeHint())
        self.show()
        self.update()

    def _fonts(self) -> tuple[QFont, QFont]:
        title, small = QFont(self.font()), QFont(self.font())
        title.setPixelSize(12)
        title.setWeight(QFont.Weight.DemiBold)
        small.setPixelSize(11)
        return title, small

    def _columns(self) -> list[tuple[list[tuple[str, str]], float]]:
        metrics = QFontMetricsF(self._fonts()[1])
        columns = []
        for at in range(0, len(self._chips), _ROWS):
            chips = self._chips[at : at + _ROWS]
            widest = max(metrics.horizontalAdvance(name) for name, _ in chips)
            columns.append((chips, _CHIP + 7 + widest + 16))
        return columns

    def sizeHint(self) -> QSize:
        """Return the size of the content."""
        title, small = (QFontMetricsF(font) for font in self._fonts())
        if self._chips:
            content = sum(width for _, width in self._columns()) - 16
            rows = min(_ROWS, len(self._chips))
            height = title.height() + 6 + rows * (small.height() + 4) - 4
        else:
            content = _BAR_WIDTH
            height = title.height() + 6 + _BAR_HEIGHT + 4 + small.height()
        width = max(content, title.horizontalAdvance(self._title))
        return QSize(round(width + 2 * _PAD + 0.5), round(height + 2 * _PAD - 4 + 0.5))

    def minimumSizeHint(self) -> QSize:
        """Return the size of the content: a legend is never cut."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the panel, the title and the scale or the chips."""
        if not self._scheme and not self._chips:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        panel = QColor(SURFACE)
        panel.setAlphaF(0.86)
        painter.setPen(QColor(OUTLINE))
        painter.setBrush(panel)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        title, small = self._fonts()
        painter.setFont(title)
        painter.setPen(QColor(TEXT))
        top = _PAD - 2 + QFontMetricsF(title).ascent()
        painter.drawText(QPointF(_PAD, top), self._title)
        painter.setFont(small)
        top = _PAD - 2 + QFontMetricsF(title).height() + 6
        if self._chips:
            self._paint_chips(painter, top)
        else:
            self._paint_scale(painter, top)
        painter.end()

    def _paint_scale(self, painter: QPainter, top: float) -> None:
        scheme = SCHEMES[self._scheme]
        assert scheme.ramp is not None
        low, high = self._limits
        bar = QRectF(_PAD, top, _BAR_WIDTH, _BAR_HEIGHT)
        gradient = QLinearGradient(bar.topLeft(), bar.topRight())
        for stop in range(17):
            tone = hexadecimal(scheme.ramp[round(stop * 255 / 16)])
            gradient.setColorAt(stop / 16, QColor(tone))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(gradient)
        painter.drawRoundedRect(bar, _BAR_HEIGHT / 2, _BAR_HEIGHT / 2)
        box = QRectF(_PAD, bar.bottom() + 4, _BAR_WIDTH, QFontMetricsF(painter.font()).height())
        ticks = (
            (Qt.AlignmentFlag.AlignLeft, f"{low}  {scheme.ends[0]}"),
            (Qt.AlignmentFlag.AlignHCenter, "0" if scheme.is_diverging else ""),
            (Qt.AlignmentFlag.AlignRight, f"{scheme.ends[1]}  {high}"),
        )
        painter.setPen(QColor(MUTED))
        for alignment, text in ticks:
            painter.drawText(box, alignment, text)
        if scheme.is_diverging:
            painter.setBrush(QColor(TEXT))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawRect(QRectF(bar.center().x() - 0.5, bar.top() - 2, 1, _BAR_HEIGHT + 4))

    def _paint_chips(self, painter: QPainter, top: float) -> None:
        metrics = QFontMetricsF(painter.font())
        left = _PAD
        for chips, width in self._columns():
            y = top
            for name, tone in chips:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(tone))
                middle = y + metrics.height() / 2
                painter.drawEllipse(QRectF(left, middle - _CHIP / 2, _CHIP, _CHIP))
                painter.setPen(QColor(TEXT))
                painter.drawText(QPointF(left + _CHIP + 7, y + metrics.ascent()), name)
                y += metrics.height() + 4
            left += width
