"""Pictures of a report: distributions of steps, interpolations and attribute sweeps.

Needs matplotlib, the extra ``report``.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fmvae_core.evaluation.coding import Array
from fmvae_core.geometry.interpolation import step_changes
from fmvae_core.music.drums import DRUMS
from fmvae_core.music.representation import Representation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, RULE, PAPER = "#1d2430", "#6b7484", "#dfe3ea", "#ffffff"
COLOURS = ("#0b7a75", "#c8553d", "#5b5f97", "#b08900", "#7a4e7e", "#4a6fa5")
"""Of the models, in their order: ours is the cool one."""

_PITCHES = {drum.pitch: row for row, drum in enumerate(DRUMS)}
_FAINTEST = 0.25
_WIDTH = 13.2


class ReportError(ValueError):
    """A report that cannot be drawn; the message says what to do."""


def require_matplotlib() -> None:
    """Say early, and in one line, that pictures cannot be drawn.

    Raises
    ------
    ReportError
        If matplotlib is not installed.
    """
    try:
        import matplotlib.figure
    except ImportError:
        raise ReportError(
            "reports are drawn with matplotlib, which is not installed; "
            "install it with: pip install 'flatjam[report]'"
        ) from None
    del matplotlib


def steps_picture(
    labels: Sequence[str],
    max_steps: Sequence[npt.NDArray[np.float32]],
    ideals: Sequence[float],
    unit: str,
) -> bytes:
    """Draw Figure 2: the distribution of the worst step of each model, as a PNG.

    Parameters
    ----------
    labels
        Of the models.
    max_steps
        ``(pairs,)`` of each.
    ideals
        End distance over the number of steps of each.
    unit
        What changes: hits or notes.
    """
    from matplotlib.ticker import MaxNLocator

    figure = _figure(9.6, 0.9 + 0.62 * len(labels))
    figure.set_layout_engine("constrained")  # room for names of any length
    axes = figure.add_subplot()
    places = np.arange(len(labels))[::-1]
    colours = [COLOURS[index % len(COLOURS)] for index in range(len(labels))]
    parts = axes.violinplot(
        list(max_steps), list(places), orientation="horizontal", widths=0.82, showextrema=False
    )
    bodies: Any = parts["bodies"]
    for body, colour in zip(bodies, colours, strict=True):
        body.set(facecolor=colour, edgecolor="none", alpha=0.28)
    for place, steps, ideal, colour in zip(places, max_steps, ideals, colours, strict=True):
        low, median, high = np.quantile(steps, [0.25, 0.5, 0.75])
        axes.plot([low, high], [place, place], color=colour, lw=4, solid_capstyle="round")
        axes.plot(median, place, "o", color=PAPER, mec=colour, mew=2, ms=7)
        axes.plot([ideal, ideal], [place - 0.3, place + 0.3], color=INK, lw=1.4)
        axes.annotate(
            f"{median:.0f}",
            (high, place),
            (6, 6),
            textcoords="offset points",
            color=colour,
            fontsize=9,
            fontweight="bold",
        )
    axes.set_yticks(places, labels, color=INK, fontsize=10)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(
        f"{unit} that change in the worst of 19 steps  (○ median, bar: quartiles, | ideal)",
        color=MUTED,
        fontsize=9,
    )
    _calm(axes)
    axes.grid(axis="x", color=RULE, lw=0.8)
    axes.set_axisbelow(True)
    return _png(figure)


def phrases_picture(
    music: Representation,
    labels: Sequence[str],
    rows: Sequence[Array],
    thresholds: Sequence[npt.NDArray[np.float32]],
    columns: Sequence[str],
    attribute: str | None = None,
) -> bytes:
    """Draw phrases of several models above one another, as a PNG.

    Drums are grids, with velocity as strength of the colour and offset as shift; melodies are piano
    rolls. Under each phrase stands the attribute, or how many onsets differ from the one before.

    Parameters
    ----------
    music
        The phrases' representation.
    labels
        Of the models.
    rows
        Frames ``(n, steps, features)`` of each model.
    thresholds
        Of each model.
    columns
        ``n`` titles.
    attribute
        To print under each phrase.
    """
    height = 0.55 + 1.62 * len(labels)
    figure = _figure(_WIDTH, height)
    grid = figure.subplots(
        len(rows),
        len(columns),
        squeeze=False,
        gridspec_kw={
            "left": 1.15 / _WIDTH,
            "right": 1 - 0.1 / _WIDTH,
            "top": 1 - 0.3 / height,
            "bottom": 0.25 / height,
            "wspace": 0.05,
            "hspace": 0.22,
        },
    )
    span = _span(music, rows, thresholds)
    for row, (frames, levels) in enumerate(zip(rows, thresholds, strict=True)):
        if attribute is None:
            changes = step_changes(music.onsets(frames, levels))
            below = ["", *(f"Δ {count}" for count in changes)]
        else:
            column = music.attribute_names.index(attribute)
            values = music.attributes(frames, levels)[:, column]
            below = [f"{value:.3g}" for value in values]
        for place, axes in enumerate(grid[row]):
            axes.tick_params(length=0, colors=MUTED, pad=2, labelleft=place == 0)
            _draw_phrase(axes, music, frames[place], levels, COLOURS[row % len(COLOURS)], span)
            axes.set_xlabel(below[place], color=MUTED, fontsize=8, labelpad=3)
            if row == 0:
                axes.set_title(columns[place], color=INK, fontsize=9, pad=6)
        first = grid[row][0]
        first.set_ylabel(labels[row], color=INK, fontsize=9, fontweight="bold")
        first.yaxis.set_label_coords(-0.36, 0.5)
    return _png(figure)


def _draw_phrase(
    axes: Axes,
    music: Representation,
    frames: Array,
    thresholds: npt.NDArray[np.float32],
    colour: str,
    span: tuple[float, float],
) -> None:
    # Collections: thousands of single rectangles and lines would take seconds to draw.
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import to_rgba

    drums = music.name == "drums"
    beats = np.arange(4 * music.bars + 1)
    widths = np.where(beats % 4 == 0, 0.9, 0.35)
    axes.vlines(beats, *span, color=RULE, lw=widths.tolist(), zorder=0)
    notes = music.decode(frames, thresholds=thresholds).notes
    tall = 0.39 if drums else 0.45
    corners, colours = [], []
    for note in notes:
        row = _PITCHES[note.pitch] if drums else note.pitch
        end = note.onset + (0.21 if drums else max(note.duration - 0.04, 0.1))
        x, y = (note.onset, end), (row - tall, row + tall)
        corners.append([(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1])])
        strength = _FAINTEST + (1 - _FAINTEST) * note.velocity / 127 if drums else 0.9
        colours.append(to_rgba(colour, strength))
    axes.add_collection(PolyCollection(corners, facecolors=colours, linewidths=0))
    axes.set(xlim=(-0.15, 4 * music.bars + 0.15), ylim=span)
    axes.set_xticks([])
    if drums:
        axes.set_yticks(range(len(DRUMS)), [drum.title for drum in DRUMS], fontsize=5)
    else:
        octaves = range(24, 109, 12)
        axes.set_yticks(octaves, [f"C{pitch // 12 - 1}" for pitch in octaves], fontsize=6)
        axes.set_ylim(*span)
    for side in axes.spines.values():
        side.set_color(RULE)


def _span(
    music: Representation,
    rows: Sequence[Array],
    thresholds: Sequence[npt.NDArray[np.float32]],
) -> tuple[float, float]:
    """Return the range of rows to show: all drums, or the keys that are played."""
    if music.name == "drums":
        return -0.7, len(DRUMS) - 0.3
    pitches = [
        note.pitch
        for frames, levels in zip(rows, thresholds, strict=True)
        for phrase in frames
        for note in music.decode(phrase, thresholds=levels).notes
    ] or [60]
    return min(pitches) - 2.0, max(pitches) + 2.0


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure((width, height), dpi=150, facecolor=PAPER)


def _calm(axes: Axes) -> None:
    axes.tick_params(length=0, colors=MUTED)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(RULE)


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()
