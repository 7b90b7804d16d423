"""Random fields, masks and strokes on a square canvas.

Lengths are in units of 1/128 of the canvas side, so that a drawing looks the same at any size.
x points right, y down; angles run from x towards y, in radians.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Field = NDArray[np.float32]
Point = Sequence[float] | NDArray[np.float64]

SIDE = 128.0
"""Units along one side of the canvas."""


@lru_cache(maxsize=8)
def coordinates(size: int) -> tuple[Field, Field]:
    """Return x (1, size) and y (size, 1) of the pixel centres, from the canvas centre, in units."""
    line = ((np.arange(size) + 0.5) * (SIDE / size) - SIDE / 2).astype(np.float32)
    line.flags.writeable = False
    return line[None, :], line[:, None]


def rotated(size: int, angle: float, centre: Point = (0.0, 0.0)) -> tuple[Field, Field]:
    """Return (size, size) coordinates along `angle` and across it, from `centre`."""
    x, y = coordinates(size)
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    dx, dy = x - np.float32(centre[0]), y - np.float32(centre[1])
    return dx * cosine + dy * sine, dy * cosine - dx * sine


def smoothstep(value: Field) -> Field:
    """Return 0 below 0, 1 above 1, and the cubic without corners between."""
    t = np.clip(value, 0, 1)
    return t * t * (3 - 2 * t)


Window = tuple[slice, slice]
"""Rows and columns of a canvas."""

WHOLE: Window = (slice(None), slice(None))


@lru_cache(maxsize=64)
def _basis(size: int, cells: int) -> tuple[NDArray[np.int64], Field]:
    """Return the first knot (size,) and the weights (size, 4) of the uniform cubic B-spline."""
    position = (np.arange(size) + 0.5) * (cells / size)
    cell = np.minimum(position.astype(int), cells - 1)
    t = position - cell
    weights = np.stack(
        [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], axis=1
    )
    return cell, (weights / 6).astype(np.float32)


def _spline(knots: Field, size: int, rows: slice) -> Field:
    """Return the curves through knots (cells + 3, N) at the `rows` of a canvas, (H, N).

    Not a matrix product: BLAS would start threads for it that fight over a small machine, and
    give other roundings on another one.
    """
    first, weights = _basis(size, len(knots) - 3)
    first, weights = first[rows], weights[rows, :, None]
    values: Field = weights[:, 0] * knots[first]
    for knot in range(1, 4):
        values += weights[:, knot] * knots[first + knot]
    return values


def smooth_noise(rng: Generator, size: int, wavelength: float, window: Window = WHOLE) -> Field:
    """Return (size, size) noise without direction, deviation about 1, finest period in units.

    Of a `window` only its rows and columns are computed.
    """
    cells = max(1, round(2 * SIDE / wavelength))
    knots = rng.standard_normal((cells + 3, cells + 3), dtype=np.float32)
    lines = _spline(knots, size, window[0])
    noise = _spline(np.ascontiguousarray(lines.T), size, window[1]).T
    # A cubic B-spline of unit noise has a deviation of 0.48 on average, along two axes.
    return np.ascontiguousarray(noise / np.float32(0.48))


def line_noise(rng: Generator, size: int, wavelength: float) -> Field:
    """Return (size,) smooth noise along a line, deviation about 1."""
    cells = max(1, round(2 * SIDE / wavelength))
    knots = rng.standard_normal((cells + 3, 1)).astype(np.float32)
    return _spline(knots, size, slice(None))[:, 0] / np.float32(0.69)


def streaks(
    rng: Generator, size: int, angle: float, layers: Sequence[tuple[float, float, float]]
) -> Field:
    """Return (size, size) noise drawn out along `angle`, deviation about 1.

    Each layer is (length, width, weight): correlation lengths along and across in units. The
    noise is made in the frequency domain, where a Gaussian of any direction costs one product.
    """
    import scipy.fft

    fy = scipy.fft.fftfreq(size, SIDE / size).astype(np.float32)[:, None]
    fx = scipy.fft.rfftfreq(size, SIDE / size).astype(np.float32)[None, :]
    along = fx * np.float32(np.cos(angle)) + fy * np.float32(np.sin(angle))
    across = fy * np.float32(np.cos(angle)) - fx * np.float32(np.sin(angle))
    spectrum = np.zeros(along.shape, np.float32)
    for length, width, weight in layers:
        layer = np.exp(-2 * ((length * along) ** 2 + (width * across) ** 2))
        spectrum += np.float32(weight) * layer / np.sqrt((layer**2).sum())
    phases = rng.standard_normal((size, size // 2 + 1, 2), dtype=np.float32)
    noise = scipy.fft.irfft2(phases.view(np.complex64)[..., 0] * spectrum, s=(size, size))
    result: Field = noise / (noise.std() + np.float32(1e-9))
    return result


def blob(
    rng: Generator,
    size: int,
    centre: Point,
    radii: tuple[float, float],
    *,
    angle: float = 0.0,
    ragged: float = 0.25,
    edge: float = 0.3,
) -> tuple[Field, Field]:
    """Return the mask of an irregular spot and the distance from its middle (1 at the outline).

    Args:
        rng: Source of the outline.
        size: Pixels along the canvas.
        centre: x and y.
        radii: Half axes along `angle` and across it.
        angle: Direction of the first half axis.
        ragged: How far the outline wanders, as a share of the radius.
        edge: Width of the soft edge, as a share of the radius.
    """
    along, across = rotated(size, angle, centre)
    along, across = along / np.float32(radii[0]), across / np.float32(radii[1])
    distance: Field = np.sqrt(along**2 + across**2)
    if ragged:
        noise = smooth_noise(rng, size, max(2.0, 2 * min(radii)))
        # Bounded, so that no spot closes up altogether.
        distance += np.float32(ragged) * np.clip(noise, -1.8, 1.8)
    return smoothstep((1 - distance) / np.float32(edge) + np.float32(0.5)), distance


def walk(
    rng: Generator, start: Point, heading: float, length: float, wander: float
) -> NDArray[np.float64]:
    """Return (N, 2) points 0.25 units apart; the heading drifts by `wander` radians per 1 unit."""
    count = max(2, int(length / 0.25))
    turns = np.cumsum(rng.standard_normal(count)) * wander * 0.5
    steps = 0.25 * np.stack([np.cos(heading + turns), np.sin(heading + turns)], axis=1)
    return np.asarray(start, float) + np.cumsum(steps, axis=0)


def stroke(
    size: int,
    points: NDArray[np.float64],
    radius: NDArray[np.float64] | float,
    strength: NDArray[np.float64] | float = 1.0,
) -> Field:
    """Return (size, size) coverage in 0..1 of round dabs at (N, 2) points, the strongest winning.

    `radius` in units and `strength` may change from point to point. Points may lie outside.
    """
    scale = size / SIDE
    centres = (points + SIDE / 2) * scale - 0.5
    radii = np.broadcast_to(np.asarray(radius, float) * scale, len(points))
    reach = int(np.ceil(radii.max())) + 1
    window = np.arange(-reach, reach + 1)
    nearest = np.rint(centres).astype(int)
    columns = nearest[:, 0, None, None] + window[None, None, :]
    rows = nearest[:, 1, None, None] + window[None, :, None]
    distance = np.hypot(columns - centres[:, 0, None, None], rows - centres[:, 1, None, None])
    # A dab thinner than a pixel covers only part of it.
    coverage = np.clip(radii[:, None, None] + 0.5 - distance, 0, 1)
    coverage = np.minimum(coverage, np.minimum(1, 2 * radii)[:, None, None])
    coverage *= np.broadcast_to(np.asarray(strength, float), len(points))[:, None, None]
    inside = (columns >= 0) & (columns < size) & (rows >= 0) & (rows < size)
    canvas = np.zeros(size * size, np.float32)
    np.maximum.at(canvas, (rows * size + columns)[inside], coverage[inside].astype(np.float32))
    return canvas.reshape(size, size)
