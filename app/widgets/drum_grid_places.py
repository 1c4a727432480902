"""What the drum grid shows, and where each thing lies in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRectF

from app.widgets.phrase_view import Places
from fmvae_core.music.drum_representation import HITS, N_DRUMS, OFFSETS, VELOCITIES
from fmvae_core.music.phrase import STEP_BEATS
from fmvae_core.music.representation import Frames

_BLOCK = 0.66  # width of a hit, of a step


@dataclass(frozen=True)
class Hit:
    """One hit as the grid shows it.

    Parameters
    ----------
    drum, step
        Its cell.
    velocity
        0 to 1.
    offset
        -1 to 1 half steps, positive is late.
    """

    drum: int
    step: int
    velocity: float
    offset: float

    @property
    def position(self) -> float:
        """Return when it sounds, in steps."""
        return self.step + 0.5 * self.offset

    def told(self, tempo: float) -> str:
        """Return velocity and, in milliseconds at a tempo in beats a minute, offset in words."""
        velocity = min(127, max(1, round(self.velocity * 127)))
        late = self.offset * 0.5 * STEP_BEATS * 60_000.0 / tempo
        if abs(late) < 0.5:
            return f"velocity {velocity}, on the grid"
        return f"velocity {velocity}, {abs(late):.0f} ms {'late' if late > 0 else 'early'}"


Hits = dict[tuple[int, int], Hit]
"""By drum and step."""


def hits_of(frames: Frames, thresholds: npt.ArrayLike) -> Hits:
    """Return the hits that sound.

    Parameters
    ----------
    frames
        ``(steps, 27)``; hits may be probabilities.
    thresholds
        Probability from which a hit sounds; a number or one for each of the 9 drums.

    Raises
    ------
    ValueError
        If the frames have another shape.
    """
    shape = np.shape(frames)
    if len(shape) != 2 or shape[1] != 3 * N_DRUMS or not shape[0]:
        raise ValueError(f"drum frames are (steps, {3 * N_DRUMS}), not {shape}")
    steps, drums = np.nonzero(frames[:, HITS] >= np.asarray(thresholds))
    velocities = np.clip(frames[:, VELOCITIES][steps, drums], 0.0, 1.0)
    offsets = np.clip(frames[:, OFFSETS][steps, drums], -1.0, 1.0)
    rows = zip(drums.tolist(), steps.tolist(), velocities.tolist(), offsets.tolist(), strict=True)
    return {row[:2]: Hit(*row) for row in rows}


class GridPlaces(Places):
    """Places of a drum grid: a cell is centred on its step; the bass drum lies at the bottom."""

    lead = 0.5

    def row(self, drum: int) -> tuple[float, float]:
        """Return the top and the height of a drum's row."""
        height = self.field.height() / N_DRUMS
        return self.field.top() + (N_DRUMS - 1 - drum) * height, height

    def cell(self, drum: int, step: int) -> QRectF:
        """Return a cell, on whole pixels."""
        top, height = self.row(drum)
        left, right = round(self.x(step - 0.5)), round(self.x(step + 0.5))
        return QRectF(left, round(top), right - left - 1, round(top + height) - round(top) - 1)

    def block(self, hit: Hit) -> QRectF:
        """Return a hit's block, centred on the moment at which it sounds."""
        cell = self.cell(hit.drum, hit.step)
        width = max(5.0, _BLOCK * self.field.width() / self.steps)
        inset = 3.0 if cell.height() > 18 else 1.5
        left = self.x(hit.position) - 0.5 * width
        return QRectF(left, cell.top() + inset, width, cell.height() - 2 * inset)
