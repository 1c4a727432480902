"""The course of one run, or of several side by side, in small plots."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QGridLayout, QScrollArea, QVBoxLayout, QWidget
from typing_extensions import override

from app.services.run_watcher import Course
from app.theme import COLOURS, colour

RUN_COLOURS = ("#5cc8ff", "#f2b452", "#6fd6a2", "#c79bff", "#ff8177", "#e6e06a")
"""Of the runs that are compared, in the order of the table; the first is the machine's own."""


@dataclass(frozen=True)
class Plot:
    """One plot.

    Parameters
    ----------
    title, about
        On screen, and what is to be said of it.
    curves
        Each with its name; the first is solid, the second dashed, the third and fourth dotted.
    is_log
        Whether the values are drawn on a logarithmic scale.
    lowest
        Below which nothing is of interest.
    """

    title: str
    curves: tuple[tuple[str, str], ...]
    about: str
    is_log: bool = False
    lowest: float | None = None


_STYLES = (
    Qt.PenStyle.SolidLine,
    Qt.PenStyle.DashLine,
    Qt.PenStyle.DotLine,
    Qt.PenStyle.DashLine,
)
_ATTRIBUTES = ("density", "velocity", "offset", "pitch")
_WHICH = "Solid: density; dashed: velocity, or pitch; dotted: offset."

PLOTS: tuple[Plot, ...] = (
    Plot(
        "Error, bound κ² ┄",
        (("average", "error"), ("bound", "κ²")),
        "Mean squared error of the reconstruction, averaged. It shall get below the bound; then "
        "the space is put in order.",
        is_log=True,
    ),
    Plot("KL", (("kl", "KL"),), "How much a latent point tells about its phrase, in nats."),
    Plot(
        "β = 1/λ",
        (("beta", "β"),),
        "Weight of the KL. It rests in the initial phase, whose end is the dotted line, and "
        "follows the error afterwards.",
        is_log=True,
    ),
    Plot(
        "F1 of hits: unseen, learnt ┄",
        (("at.hit_f1", "unseen"), ("at.training_hit_f1", "learnt")),
        "Overfit meter: where the two part, the model repeats what it learnt. 1 is perfect.",
    ),
    Plot(
        "Flatness",
        (("flatness", "flatness"),),
        "How far the space is from flat; 0 is flat. It is measured once the initial phase is over.",
    ),
    Plot(
        "Condition number, p90 ┄",
        (("space.condition", "median"), ("space.condition_p90", "90th percentile")),
        "Largest over smallest eigenvalue of G, from exact Jacobians at some phrases that are not "
        "learnt, before any calibration. 1 is flat.",
        is_log=True,
    ),
    Plot(
        "c², tr G/d ┄",
        (("scale", "c²"), ("space.trace", "tr G/d")),
        "How much the music changes with a step in the space. c² is the mean of tr G over the "
        "number of dimensions between phrases of the batch, tr G/d the same at phrases that are "
        "not learnt. Where it is next to nothing, a space looks flat for the wrong reason.",
        is_log=True,
    ),
    Plot(
        "Error: unseen, learnt ┄",
        (("at.constraint", "unseen"), ("at.training_constraint", "learnt")),
        "At each evaluation; the same for every kind of music.",
        is_log=True,
    ),
    Plot(
        "Attributes: r²",
        tuple((f"space.r2_{name}", name) for name in _ATTRIBUTES),
        f"How much of an attribute a straight direction of the space explains. {_WHICH}",
        lowest=-0.5,
    ),
    Plot(
        "Attributes: slope",
        tuple((f"space.slope_{name}", name) for name in _ATTRIBUTES),
        f"Achieved over asked change along an attribute's vector; 1 is what was asked. {_WHICH}",
        lowest=-0.5,
    ),
    Plot(
        "Learning rate", (("learning_rate", "rate"),), "How far each correction goes.", is_log=True
    ),
    Plot("Phrases a second", (("pace.phrases_per_second", "phrases"),), "How fast it goes."),
)
_ACROSS = 4
_HIGH = 104
_REST_MS = 800
"""Between two pictures of a run that goes on."""

_TICK_PIXELS = 20
_TICK_FONT = 11
_COARSE = (1.0, 2.0, 5.0)
_FINE = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)

CURVES: tuple[str, ...] = tuple(name for plot in PLOTS for name, _ in plot.curves)


@dataclass(frozen=True)
class Shown:
    """A run that is drawn: its name and colour."""

    folder: Path
    name: str
    colour: str


class _LogAxis(pg.AxisItem):
    """Names so few values of a logarithmic axis that they do not touch."""

    @override
    def logTickValues(
        self, minVal: float, maxVal: float, size: float, stdTicks: object
    ) -> list[tuple[None, list[float]]]:
        span = maxVal - minVal
        at = _FINE if span < 0.5 else _COARSE if span < 2.2 else (1.0,)
        decades = range(math.floor(minVal), math.ceil(maxVal) + 1)
        every = [decade + math.log10(multiple) for decade in decades for multiple in at]
        values = [value for value in every if minVal <= value <= maxVal]
        if len(values) < 2:  # so close that no round number lies between
            values = [minVal + 0.15 * span, maxVal - 0.15 * span]
        apart = math.ceil(len(values) * _TICK_PIXELS / max(size, 1.0))
        return [(None, values[:: max(1, apart)])]

    @override
    def logTickStrings(self, values: list[float], scale: float, spacing: object) -> list[str]:
        return [_number(10.0**value) for value in values]


def _number(value: float) -> str:
    if 1e-3 <= value < 1e5:
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


class _Figure:
    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        axes = {"left": _LogAxis("left")} if plot.is_log else {}
        self.widget = pg.PlotWidget(background=COLOURS["surface"], axisItems=axes)
        item = self.widget.getPlotItem()
        item.setTitle(plot.title, color=COLOURS["text"], size="9pt")
        item.setLogMode(y=plot.is_log)
        item.showGrid(x=False, y=True, alpha=0.12)
        item.hideButtons()
        item.setMenuEnabled(False)
        item.setClipToView(True)
        item.setDownsampling(auto=True, mode="peak")
        if plot.lowest is not None:
            item.setLimits(yMin=plot.lowest)
        font = QFont(self.widget.font())
        font.setPixelSize(_TICK_FONT)
        for side in ("left", "bottom"):
            axis = item.getAxis(side)
            axis.setPen(COLOURS["line"])
            axis.setTextPen(COLOURS["dim"])
            axis.enableAutoSIPrefix(False)
            axis.setTickFont(font)
        item.getAxis("left").setWidth(52)
        self.widget.setToolTip(f"{plot.title}\n{plot.about}")
        self.widget.setAccessibleName(plot.title)
        self.widget.setMinimumSize(190, _HIGH)
        self._show_numbers(False)
        self._curves: dict[tuple[Path, str], pg.PlotDataItem] = {}
        self._ends: dict[Path, pg.InfiniteLine] = {}

    def _show_numbers(self, is_shown: bool) -> None:
        for side in ("left", "bottom"):
            self.widget.getPlotItem().getAxis(side).setStyle(showValues=is_shown)

    def show(self, run: Shown, course: Course) -> None:
        """Draw a run."""
        for index, (name, _) in enumerate(self.plot.curves):
            steps, values = course[name]
            if self.plot.is_log:
                good = values > 0
                steps, values = steps[good], values[good]
            elif name == "flatness":
                # Before the initial phase is over nothing is measured, and 0 would be perfect.
                good = values != 0
                steps, values = steps[good], values[good]
            key = (run.folder, name)
            if key not in self._curves:
                self._curves[key] = self.widget.plot()
            style = _STYLES[index]
            alpha = 255 if index == 0 else 170
            drawn = QColor(run.colour)
            drawn.setAlpha(alpha)
            curve = self._curves[key]
            curve.setPen(pg.mkPen(drawn, width=1, style=style))
            few = len(steps) < 3
            curve.setSymbol("o" if few else None)
            curve.setSymbolSize(5)
            curve.setSymbolBrush(drawn)
            curve.setSymbolPen(None)
            curve.setData(steps, values, connect="finite")
        # Numbers beside nothing would be those of no quantity.
        self._show_numbers(self.points() > 0)
        self._show_phase(run, course.phase_end)

    def _show_phase(self, run: Shown, end: int | None) -> None:
        line = self._ends.get(run.folder)
        if end is None:
            if line is not None:
                self.widget.removeItem(self._ends.pop(run.folder))
            return
        if line is None:
            pen = pg.mkPen(colour("dim", 0.6), width=1, style=Qt.PenStyle.DotLine)
            line = self._ends[run.folder] = pg.InfiniteLine(angle=90, pen=pen)
            self.widget.addItem(line, ignoreBounds=True)
        line.setValue(end)

    def keep_only(self, runs: frozenset[Path]) -> None:
        """Forget all other runs."""
        for key in [key for key in self._curves if key[0] not in runs]:
            self.widget.removeItem(self._curves.pop(key))
        for run in [run for run in self._ends if run not in runs]:
            self.widget.removeItem(self._ends.pop(run))

    def points(self) -> int:
        """Return how many points are drawn."""
        return sum(
            len(np.atleast_1d(curve.xData))
            for curve in self._curves.values()
            if curve.xData is not None
        )


class RunPlots(QWidget):
    """All plots. The dotted line is the end of the initial phase."""

    def __init__(self) -> None:
        super().__init__()
        pg.setConfigOptions(antialias=True)
        self._figures = [_Figure(plot) for plot in PLOTS]
        self._runs: dict[Path, Shown] = {}
        self._courses: dict[Path, Course] = {}
        # One plot at a time, and then a rest, so that whoever plays beside it does not feel it.
        self._due: dict[tuple[_Figure, Path], None] = {}
        self._drawn: set[Path] = set()
        self._timer = QTimer(self, interval=10)
        self._timer.timeout.connect(self._draw_next)
        self._rest = QTimer(self, interval=_REST_MS, singleShot=True)
        self._rest.timeout.connect(self._draw_due)
        inner = QWidget()
        grid = QGridLayout(inner)
        grid.setContentsMargins(8, 0, 8, 8)
        grid.setSpacing(8)
        for index, figure in enumerate(self._figures):
            if index:
                figure.widget.setXLink(self._figures[0].widget)
            grid.addWidget(figure.widget, index // _ACROSS, index % _ACROSS)
        # Where banners and words take the room, plots are scrolled rather than cut.
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inner)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)
        self.setMinimumHeight(_HIGH + 16)

    def show_runs(self, runs: Sequence[Shown]) -> None:
        """Say which runs are drawn, and in which colours."""
        before, self._runs = self._runs, {run.folder: run for run in runs}
        self._courses = {run: self._courses[run] for run in self._runs.keys() & self._courses}
        self._drawn &= self._runs.keys()
        for figure in self._figures:
            figure.keep_only(frozenset(self._runs))
        for folder, course in self._courses.items():
            if self._runs[folder] != before.get(folder):  # in another colour
                self._drawn.discard(folder)
                self.show_course(folder, course)

    def show_course(self, folder: Path, course: Course) -> None:
        """Draw the course of one of them."""
        run = self._runs.get(folder)
        if run is not None:
            self._courses[folder] = course
            self._due |= {(figure, folder): None for figure in self._figures}
            if folder not in self._drawn or not self._rest.isActive():
                self._draw_due()

    def _draw_due(self) -> None:
        if self._due:
            self._timer.start()

    def _draw_next(self) -> None:
        if not self._due:
            self._timer.stop()
            self._drawn = set(self._courses)
            self._rest.start()
            return
        figure, folder = next(iter(self._due))
        del self._due[figure, folder]
        if folder in self._runs and folder in self._courses:
            figure.show(self._runs[folder], self._courses[folder])

    def points(self) -> Mapping[str, int]:
        """Return how many points each plot draws."""
        return {figure.plot.title: figure.points() for figure in self._figures}
