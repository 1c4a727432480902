"""What the map shows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from app.widgets.latent_map_camera import Points
from app.widgets.latent_map_trajectories import Trajectories

Place = npt.NDArray[np.float32]
"""A place on the map, ``(3,)``."""


@dataclass
class MapScene:
    """All that the map shows.

    Parameters
    ----------
    points, colours
        The landmarks that are shown, ``(n, 3)`` and ``(n, 4)``.
    low, high
        The box that holds all landmarks but the outermost.
    anchors
        Places of A and B where they are pinned.
    line
        Corners ``(m, 3)`` of the line between them, or None.
    moving
        The moving point, or None.
    current, hovered, target
        Places of the landmark that plays, the one under the cursor, and the one on which the held
        anchor would land.
    held
        ``"A"``, ``"B"`` or ``"moving"`` while it is dragged, else empty.
    ghost
        Where the held anchor is.
    axis_labels
        One for each axis.
    directed
        Whether an arrow shows which way each axis grows.
    trajectories
        Where both players of a jam have been.
    is_quiet
        Whether landmarks step back behind the trajectories, and the axes are read from afar.
    """

    points: Points = field(default_factory=lambda: np.zeros((0, 3), np.float32))
    colours: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    low: Place = field(default_factory=lambda: -np.ones(3, np.float32))
    high: Place = field(default_factory=lambda: np.ones(3, np.float32))
    anchors: dict[str, Place] = field(default_factory=dict)
    line: Points | None = None
    moving: Place | None = None
    current: Place | None = None
    hovered: Place | None = None
    target: Place | None = None
    held: str = ""
    ghost: Place | None = None
    axis_labels: tuple[str, str, str] = ("PC1", "PC2", "PC3")
    directed: tuple[bool, bool, bool] = (False, False, False)
    trajectories: Trajectories = field(default_factory=Trajectories)
    is_quiet: bool = False

    def marks(self) -> dict[str, Place]:
        """Return where A and B are drawn: a held one follows the cursor."""
        marks = dict(self.anchors)
        if self.held in marks and self.ghost is not None:
            marks[self.held] = self.ghost
        return marks

    def floor(self) -> float:
        """Return the height of the floor."""
        return float(self.low[2] - 0.08 * (self.high[2] - self.low[2]))

    def outline(self) -> Points:
        """Return places ``(k, 3)`` that should be in view: floor, and landmarks but far ones."""
        low, high = self.low, self.high
        corners = [(x, y, self.floor()) for x in (low[0], high[0]) for y in (low[1], high[1])]
        # Clusters just beyond the box must not be cut off; single far points may be.
        beyond = 0.3 * (high - low)
        within = ((self.points >= low - beyond) & (self.points <= high + beyond)).all(axis=1)
        return np.concatenate([self.points[within], np.array(corners, np.float32)])
