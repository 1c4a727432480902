"""Where the eye is, and what the screen shows from there. No Qt and no OpenGL."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float32]
"""Places on the map, ``(n, 3)``."""
Matrix = npt.NDArray[np.float64]
"""From homogeneous places (rows) to clip space, ``(4, 4)``; the last column gives the depth."""

_MAX_ELEVATION = 88.0
_FIELD_OF_VIEW = 30.0  # degrees; narrow, so that distances in the map are little distorted
_FILLED = 0.93  # share of the screen that a fitted picture takes
_NEAREST, _FARTHEST = 0.08, 6.0  # distance of the eye in units of the fitted distance


@dataclass(frozen=True)
class Projection:
    """Points as they lie on the screen.

    Parameters
    ----------
    x, y
        ``(n,)`` logical pixels from the top left.
    depth
        ``(n,)`` distance along the line of sight; 0 or less is behind the eye.
    """

    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.float32]
    depth: npt.NDArray[np.float32]


def project(points: Points, matrix: Matrix, width: float, height: float) -> Projection:
    """Return where points lie on a screen of a size in logical pixels."""
    m = matrix.astype(np.float32)
    x, y, depth = (points @ m[:3, column] + m[3, column] for column in (0, 1, 3))
    inverse = 1.0 / np.where(np.abs(depth) > 1e-9, depth, np.float32(1e-9))
    return Projection(
        (x * inverse + 1.0) * np.float32(0.5 * width),
        (1.0 - y * inverse) * np.float32(0.5 * height),
        depth,
    )


@dataclass
class OrbitCamera:
    """An eye that circles a centre; the third axis of the map points up.

    Parameters
    ----------
    azimuth, elevation
        Degrees.
    """

    azimuth: float = -58.0
    elevation: float = 17.0
    centre: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    distance: float = 4.0
    radius: float = 1.0
    fitted_distance: float = 4.0

    def fit(self, points: Points, width: float, height: float) -> None:
        """Look at points ``(n, 3)`` from the default side, so that all are in view, and no smaller.

        Parameters
        ----------
        points
            At least one.
        width, height
            The screen, in pixels.
        """
        self.azimuth, self.elevation = type(self).azimuth, type(self).elevation
        places = np.asarray(points, np.float64)
        low, high = places.min(axis=0), places.max(axis=0)
        self.centre = 0.5 * (low + high)
        self.radius = float(0.5 * np.linalg.norm(high - low)) or 1.0
        lens = np.array(self._lens(width, height))
        # As near as the rims allow, then the picture into the middle, which changes what touches
        # the rims: a few rounds settle it.
        for _ in range(4):
            seen = (places - self.centre) @ self.axes().T
            needed = seen[:, 2:] + np.abs(seen[:, :2]) * lens / _FILLED
            self.distance = max(float(needed.max()), 1e-6)
            flat = seen[:, :2] / (self.distance - seen[:, 2:])
            shift = 0.5 * (flat.min(axis=0) + flat.max(axis=0)) * self.distance
            self.centre = self.centre + shift @ self.axes()[:2]
        self.fitted_distance = self.distance

    def _lens(self, width: float, height: float) -> tuple[float, float]:
        """Return how far from the middle, in half screens, a slope of 1 is seen: across and up."""
        aspect = width / max(height, 1.0)
        focal = float(min(1.0, aspect) / np.tan(np.radians(_FIELD_OF_VIEW) / 2))
        return focal / aspect, focal

    def axes(self) -> Matrix:
        """Return the directions right, up and towards the eye as rows, ``(3, 3)``."""
        a, e = np.radians(self.azimuth), np.radians(self.elevation)
        right = np.array([-np.sin(a), np.cos(a), 0.0])
        back = np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
        return np.stack([right, np.cross(back, right), back])

    def eye(self) -> npt.NDArray[np.float64]:
        """Return where the eye is."""
        return self.centre + self.distance * self.axes()[2]

    def matrix(self, width: float, height: float) -> Matrix:
        """Return the way from the map to clip space for a screen of a size in pixels."""
        near, far = 0.02 * self.distance, self.distance + 20.0 * self.radius
        view = np.eye(4)
        view[:3, :3] = self.axes().T
        view[3, :3] = -self.axes() @ self.centre
        view[3, 2] -= self.distance
        lens = np.zeros((4, 4))
        lens[0, 0], lens[1, 1] = self._lens(width, height)
        lens[2, 2], lens[3, 2] = (far + near) / (near - far), 2 * far * near / (near - far)
        lens[2, 3] = -1.0
        return view @ lens

    def pixels_per_unit(self, width: float, height: float) -> float:
        """Return how many pixels a unit of the map takes at the centre."""
        return 0.5 * height * self._lens(width, height)[1] / self.distance

    def orbit(self, azimuth: float, elevation: float) -> None:
        """Circle by degrees."""
        self.azimuth = (self.azimuth + azimuth) % 360.0
        self.elevation = float(np.clip(self.elevation + elevation, -_MAX_ELEVATION, _MAX_ELEVATION))

    def pan(self, dx: float, dy: float, width: float, height: float) -> None:
        """Shift the picture by pixels, right and down."""
        right, up, _ = self.axes()
        self.centre = self.centre + (up * dy - right * dx) / self.pixels_per_unit(width, height)

    def zoom(self, factor: float, x: float, y: float, width: float, height: float) -> None:
        """Come nearer (factor above 1) while what lies under a pixel stays under it."""
        before = self.distance
        limits = _NEAREST * self.fitted_distance, _FARTHEST * self.fitted_distance
        self.distance = float(np.clip(self.distance / factor, *limits))
        done = 1.0 - before / self.distance
        self.pan((x - 0.5 * width) * done, (y - 0.5 * height) * done, width, height)


def pick(
    screen: Projection, radii: npt.NDArray[np.float32], x: float, y: float, slack: float = 0.0
) -> int | None:
    """Return the index of the point under a pixel, or None.

    What is seen is what is picked: of the discs that cover the pixel the foremost, and where none
    does, the nearest one whose rim is not farther than the slack.

    Parameters
    ----------
    screen
        Where the points lie.
    radii
        ``(n,)`` their radii in logical pixels.
    x, y
        Logical pixels.
    slack
        Logical pixels around each disc.
    """
    squared = (screen.x - np.float32(x)) ** 2 + (screen.y - np.float32(y)) ** 2
    reach = radii + np.float32(slack)
    near = np.flatnonzero((squared <= reach * reach) & (screen.depth > 0))
    if not near.size:
        return None
    covering = near[squared[near] <= radii[near] ** 2]
    if covering.size:
        return int(covering[np.argmin(screen.depth[covering])])
    return int(near[np.argmin(np.sqrt(squared[near]) - radii[near])])


def nearest_on_line(screen: Projection, x: float, y: float) -> float:
    """Return the place on a line, 0..1, that lies nearest to a pixel.

    Parameters
    ----------
    screen
        The corners of the line, at least two, taken as evenly spaced along it.
    x, y
        Logical pixels.
    """
    corners = np.stack([screen.x, screen.y], axis=1).astype(np.float64)
    start, along = corners[:-1], np.diff(corners, axis=0)
    length = np.maximum((along**2).sum(axis=1), 1e-12)
    share = np.clip((((x, y) - start) * along).sum(axis=1) / length, 0.0, 1.0)
    gap = ((start + share[:, None] * along - (x, y)) ** 2).sum(axis=1)
    piece = int(np.argmin(gap))
    # The middle of a piece on the screen is not its middle in space: its nearer half looks longer.
    first, last = (max(float(depth), 1e-9) for depth in screen.depth[piece : piece + 2])
    s = share[piece]
    s = s * first / (s * first + (1.0 - s) * last)
    return float((piece + s) / len(along))


def thin(points: Points, count: int, seed: int = 0) -> npt.NDArray[np.intp]:
    """Choose points so that every region of the map keeps its share. Always the same ones.

    Parameters
    ----------
    points
        ``(n, 3)``.
    count
        How many to keep at most.
    seed
        Of the choice within a region.

    Returns
    -------
    indices
        ``(min(n, count),)``, ascending.
    """
    total = len(points)
    if total <= count:
        return np.arange(total)
    low = points.min(axis=0)
    span = np.maximum(points.max(axis=0) - low, 1e-9)
    cells = np.minimum((points - low) / span * 12, 11).astype(np.intp)
    region = np.ravel_multi_index((cells[:, 0], cells[:, 1], cells[:, 2]), (12, 12, 12))
    shuffled = np.random.default_rng(seed).permutation(total)
    ordered = shuffled[np.argsort(region[shuffled], kind="stable")]
    chosen = ordered[((np.arange(count) + 0.5) * total / count).astype(np.intp)]
    return np.sort(chosen)
