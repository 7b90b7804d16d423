"""Marks that are found on several materials, harmless ones included."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from mlff_cli.data.drawing.fields import SIDE, Field, Point, blob, rotated, smoothstep, stroke, walk
from mlff_cli.data.drawing.surface import Surface, colour


def place(rng: Generator, margin: float = 8.0) -> NDArray[np.float64]:
    """Return a random (x, y) at least `margin` units inside the image."""
    half = SIDE / 2 - margin
    return rng.uniform(-half, half, 2)


def dust(surface: Surface, rng: Generator, count: int, radius: float = 0.45) -> None:
    """Strew specks below the tolerance: small, and light or dark."""
    if not count:
        return
    points = rng.uniform(-SIDE / 2, SIDE / 2, (count, 2))
    specks = stroke(
        surface.size, points, rng.uniform(0.3, 1, count) * radius, rng.uniform(0.15, 0.6, count)
    )
    surface.tint(specks, 0.45 if rng.random() < 0.6 else 1.5)


def lint(surface: Surface, rng: Generator, length: float, opacity: float) -> None:
    """Lay a fibre on the surface: thin, light, curled."""
    points = walk(rng, place(rng), rng.uniform(0, 2 * np.pi), length, 0.35)
    fibre = stroke(surface.size, points, rng.uniform(0.16, 0.28))
    surface.paint(fibre, colour([rng.uniform(0.55, 0.9)] * 3), opacity)
    surface.height += fibre * np.float32(0.12)


def stain(
    surface: Surface,
    rng: Generator,
    radius: float,
    strength: float,
    left: Point,
    *,
    wick: float = 1.0,
) -> None:
    """Let a liquid dry: a soft irregular spot, often darker along its edge.

    `wick` draws it out along the surface's direction; `left` is what full strength leaves of
    the reflectance.
    """
    mask, distance = blob(
        rng,
        surface.size,
        place(rng, 4.0 + radius / 2),
        (radius * wick, radius / wick),
        angle=surface.angle + rng.normal(0, 0.15),
        ragged=rng.uniform(0.15, 0.4),
        edge=rng.uniform(0.25, 0.9),
    )
    ring = np.exp(-(((distance - 0.85) / 0.14) ** 2)) * np.float32(rng.uniform(0, 0.8))
    factor = 1 - np.float32(strength) * (1 - colour(left))
    surface.tint(np.clip(mask * 0.75 + ring * mask, 0, 1.4), factor)
    surface.gloss *= 1 - np.float32(0.5 * strength) * mask


def particle(
    rng: Generator, size: int, centre: Point, radii: tuple[float, float], angle: float
) -> Field:
    """Return the mask of an angular grain: a polygon of five to seven cuts."""
    along, across = rotated(size, angle, centre)
    along, across = along / np.float32(radii[0]), across / np.float32(radii[1])
    cuts = int(rng.integers(5, 8))
    directions = 2 * np.pi * (np.arange(cuts) + rng.uniform(-0.3, 0.3, cuts)) / cuts
    outermost = np.full(along.shape, -np.inf, np.float32)
    for direction, reach in zip(directions, rng.uniform(0.65, 1.0, cuts), strict=True):
        side = along * np.float32(np.cos(direction)) + across * np.float32(np.sin(direction))
        np.maximum(outermost, side / np.float32(reach), out=outermost)
    soft = np.float32(0.6 * SIDE / size / min(radii))
    return smoothstep((1 - outermost) / (2 * soft) + np.float32(0.5))
