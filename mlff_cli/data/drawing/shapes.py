"""Boxes and lettering: what is printed, etched and assembled on a board."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mlff_cli.data.drawing.fields import (
    SIDE,
    WHOLE,
    Field,
    Point,
    Window,
    coordinates,
)


@dataclass(frozen=True)
class Frame:
    """Coordinates of a part: along it and across it, in units of the part, (H, W) of a window.

    Attributes:
        along: From the part's centre in its direction.
        across: From the part's centre, a quarter turn on.
        size: Pixels along the whole canvas.
        window: Where on the canvas the coordinates are.
        centre: x and y on the canvas.
        angle: Of the part's direction, in radians.
        stretch: Canvas units per unit of the part, along and across it.
    """

    along: Field
    across: Field
    size: int
    window: Window
    centre: Point
    angle: float
    stretch: tuple[float, float]

    @classmethod
    def at(
        cls,
        size: int,
        centre: Point,
        angle: float,
        stretch: tuple[float, float] = (1.0, 1.0),
        reach: tuple[float, float] | None = None,
    ) -> "Frame":
        """Return the coordinates of a part on a canvas of `size` pixels.

        `reach` limits the window to so many units left and right of, above and below the centre.
        """
        window = _window(size, centre, reach) if reach else WHOLE
        x, y = coordinates(size)
        dx, dy = x[:, window[1]] - np.float32(centre[0]), y[window[0]] - np.float32(centre[1])
        cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        along = np.asarray((dx * cosine + dy * sine) / stretch[0], np.float32)
        across = np.asarray((dy * cosine - dx * sine) / stretch[1], np.float32)
        return cls(along, across, size, window, centre, angle, stretch)

    def near(self, point: Point, reach: tuple[float, float]) -> "Frame":
        """Return the same coordinates in a window about a point; all in units of the part."""
        centre = self.points(np.asarray([point], float))[0]
        canvas = (reach[0] * self.stretch[0], reach[1] * self.stretch[1])
        return self.seen_in(_window(self.size, centre, canvas))

    def seen_in(self, window: Window) -> "Frame":
        """Return the same coordinates in a window of the canvas; self must have all of it."""
        return replace(self, along=self.along[window], across=self.across[window], window=window)

    @property
    def pitch(self) -> float:
        """Units of the part between neighbouring pixels."""
        return SIDE / self.size / min(self.stretch)

    def box(self, centre: Point, half: Point, radius: float = 0.0) -> Field:
        """Return the distance (H, W) from a box's outline: negative inside, round at corners."""
        beyond_x = np.abs(self.along - np.float32(centre[0])) - np.float32(half[0] - radius)
        beyond_y = np.abs(self.across - np.float32(centre[1])) - np.float32(half[1] - radius)
        inside = np.minimum(np.maximum(beyond_x, beyond_y), 0)
        np.maximum(beyond_x, 0, out=beyond_x)
        np.maximum(beyond_y, 0, out=beyond_y)
        distance: Field = np.sqrt(beyond_x**2 + beyond_y**2) + inside - np.float32(radius)
        return distance

    def cover(self, distance: Field, softness: float = 0.0) -> Field:
        """Return how much of each pixel lies inside an outline, 0 to 1."""
        width = np.float32(max(self.pitch, softness))
        covered: Field = np.clip(np.float32(0.5) - distance / width, 0, 1)
        return covered

    def points(self, local: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where points (N, 2) of the part lie on the canvas."""
        x, y = (local * np.asarray(self.stretch)).T
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        turned = np.stack([x * cosine - y * sine, x * sine + y * cosine], axis=1)
        return np.asarray(turned + np.asarray(self.centre), np.float64)


def _window(size: int, centre: Point, reach: tuple[float, float]) -> Window:
    low = (np.asarray(centre) - np.asarray(reach) + SIDE / 2) * (size / SIDE)
    high = (np.asarray(centre) + np.asarray(reach) + SIDE / 2) * (size / SIDE)
    first = np.clip(np.floor(low), 0, size).astype(int)
    last = np.clip(np.ceil(high), 0, size).astype(int)
    return slice(first[1], last[1]), slice(first[0], last[0])


GLYPHS: dict[str, tuple[tuple[tuple[float, float], ...], ...]] = {
    "0": (((0, 0.2), (0.2, 0), (0.4, 0), (0.6, 0.2), (0.6, 0.8), (0.4, 1), (0.2, 1), (0, 0.8),
           (0, 0.2)),),
    "1": (((0.1, 0.2), (0.35, 0), (0.35, 1)), ((0.1, 1), (0.6, 1))),
    "2": (((0, 0.2), (0.2, 0), (0.4, 0), (0.6, 0.2), (0.6, 0.4), (0, 1), (0.6, 1)),),
    "3": (((0, 0), (0.6, 0), (0.3, 0.4), (0.6, 0.6), (0.6, 0.8), (0.4, 1), (0.2, 1), (0, 0.85)),),
    "4": (((0.45, 1), (0.45, 0), (0, 0.7), (0.6, 0.7)),),
    "5": (((0.6, 0), (0, 0), (0, 0.45), (0.4, 0.4), (0.6, 0.6), (0.6, 0.8), (0.4, 1), (0, 0.95)),),
    "6": (((0.5, 0), (0.2, 0.1), (0, 0.5), (0, 0.8), (0.2, 1), (0.4, 1), (0.6, 0.8), (0.6, 0.6),
           (0.4, 0.45), (0, 0.55)),),
    "7": (((0, 0), (0.6, 0), (0.2, 1)),),
    "8": (((0.2, 0), (0.4, 0), (0.55, 0.2), (0.4, 0.45), (0.2, 0.45), (0, 0.65), (0, 0.85),
           (0.2, 1), (0.4, 1), (0.6, 0.85), (0.6, 0.65), (0.4, 0.45), (0.2, 0.45), (0.05, 0.2),
           (0.2, 0)),),
    "9": (((0.6, 0.45), (0.2, 0.55), (0, 0.4), (0, 0.2), (0.2, 0), (0.4, 0), (0.6, 0.2),
           (0.6, 0.5), (0.4, 0.9), (0.1, 1)),),
    "R": (((0, 1), (0, 0), (0.4, 0), (0.6, 0.15), (0.6, 0.35), (0.4, 0.5), (0, 0.5)),
          ((0.3, 0.5), (0.6, 1))),
}  # fmt: skip
"""Strokes of each character, x to 0.6 and y downwards to 1, as a plotter or laser draws them."""

_ADVANCE = 0.9


def lettering(text: str, height: float, spacing: float = 0.25) -> NDArray[np.float64]:
    """Return points (N, 2) along the strokes of a line of text, its middle at the origin.

    Points lie at most `spacing` apart.
    """
    width = _ADVANCE * (len(text) - 1) + 0.6
    points: list[NDArray[np.float64]] = []
    for place, character in enumerate(text):
        corner = np.array([place * _ADVANCE - width / 2, -0.5])
        for line in GLYPHS[character]:
            corners = (np.asarray(line, float) + corner) * height
            points.append(polyline(corners, spacing))
    return np.concatenate(points)


def polyline(corners: Sequence[Point] | NDArray[np.float64], spacing: float) -> NDArray[np.float64]:
    """Return points (N, 2) along straight lines between corners, at most `spacing` apart."""
    nodes = np.asarray(corners, float)
    lengths = np.hypot(*np.diff(nodes, axis=0).T)
    at = np.concatenate([[0.0], np.cumsum(lengths)])
    count = int(np.ceil(at[-1] / spacing)) + 1
    where = np.linspace(0, at[-1], count)
    return np.stack([np.interp(where, at, nodes[:, axis]) for axis in (0, 1)], axis=1)
