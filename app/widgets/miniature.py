"""A phrase as a tiny picture: marks in a unit square, for thumbnails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy.typing as npt
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter

from app.theme import colour
from app.widgets.drum_grid_places import hits_of
from app.widgets.piano_roll_places import notes_of, pitch_range
from fmvae_core.music.drum_representation import N_DRUMS
from fmvae_core.music.phrase import STEPS_PER_BEAT
from fmvae_core.music.representation import Frames, Representation


@dataclass(frozen=True)
class Mark:
    """A note: its rectangle, as shares of the picture from its left and top, and its strength."""

    left: float
    top: float
    width: float
    height: float
    strength: float


Miniature = tuple[Mark, ...]


def miniatures(
    phrases: Sequence[Frames], representation: Representation, thresholds: npt.ArrayLike
) -> tuple[Miniature, ...]:
    """Return the pictures of phrases; those of melodies share one range of pitches."""
    if representation.name == "drums":
        return tuple(_drums(frames, thresholds) for frames in phrases)
    return _melodies(phrases)


def _drums(frames: Frames, thresholds: npt.ArrayLike) -> Miniature:
    across, down = 1.0 / len(frames), 1.0 / N_DRUMS
    return tuple(
        Mark(hit.step * across, (N_DRUMS - 1 - hit.drum) * down, across, down, hit.velocity)
        for hit in hits_of(frames, thresholds).values()
    )


def _melodies(phrases: Sequence[Frames]) -> tuple[Miniature, ...]:
    melodies = [notes_of(frames) for frames in phrases]
    low, high = pitch_range([note for notes in melodies for note in notes])
    down = 1.0 / (high - low + 1)
    pictures = []
    for notes, frames in zip(melodies, phrases, strict=True):
        across = STEPS_PER_BEAT / len(frames)
        marks = [
            Mark(n.onset * across, (high - n.pitch) * down, n.duration * across, down, 1.0)
            for n in notes
        ]
        pictures.append(tuple(marks))
    return tuple(pictures)


def paint_miniature(painter: QPainter, area: QRectF, picture: Miniature) -> None:
    """Paint a picture into a rectangle."""
    painter.setPen(Qt.PenStyle.NoPen)
    for mark in picture:
        painter.setBrush(colour("text", 0.35 + 0.65 * mark.strength))
        x, y = area.left() + mark.left * area.width(), area.top() + mark.top * area.height()
        width = max(1.2, mark.width * area.width() - 0.2)
        height = max(1.2, mark.height * area.height() - 0.8)
        painter.drawRect(QRectF(x, y, width, height))
