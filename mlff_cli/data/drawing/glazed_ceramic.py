"""Glazed ceramic: cracks, pinholes, glaze that has crawled off the body, inclusions."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from mlff_cli.data.drawing.fields import (
    blob,
    line_noise,
    rotated,
    smooth_noise,
    stroke,
    walk,
)
from mlff_cli.data.drawing.marks import dust, lint, particle, place, stain
from mlff_cli.data.drawing.surface import Surface, colour

CLASSES = ("good", "crack", "pinhole", "crawling", "inclusion")

GLAZES = (
    (0.72, 0.71, 0.68),  # white
    (0.68, 0.62, 0.48),  # cream
    (0.42, 0.55, 0.46),  # celadon
    (0.40, 0.50, 0.58),  # pale blue
    (0.50, 0.33, 0.19),  # honey
    (0.36, 0.37, 0.39),  # grey
)


def _glazed(rng: Generator, look: Generator, size: int) -> Surface:
    """Draw the glaze; `look` decides what the tiles of a product have in common."""
    glaze = np.asarray(GLAZES[look.integers(len(GLAZES))]) * look.uniform(0.85, 1.15)
    glaze *= 1 + look.normal(0, 0.04, 3)
    clouds = smooth_noise(rng, size, look.uniform(20, 70)) * np.float32(look.uniform(0.01, 0.04))
    clouds += smooth_noise(rng, size, look.uniform(3, 7)) * np.float32(look.uniform(0.004, 0.02))
    # Orange peel: the glaze never lies quite flat.
    height = smooth_noise(rng, size, look.uniform(7, 16)) * np.float32(look.uniform(0.02, 0.1))
    along, across = rotated(size, rng.uniform(0, np.pi), rng.uniform(-70, 70, 2))
    distance = (along / rng.uniform(25, 60)) ** 2 + (across / rng.uniform(12, 30)) ** 2
    highlight = np.exp(-distance.astype(np.float32)) * np.float32(rng.uniform(0, 0.35))
    highlight *= 1 + 2.0 * height
    albedo = (1 + clouds) * colour(glaze) + highlight
    return Surface(height, albedo.astype(np.float32), np.full((size, size), 0.5, np.float32))


def _branches(
    rng: Generator,
    start: NDArray[np.float64],
    heading: float,
    length: float,
    radius: float,
    *,
    forks: int,
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return the paths (N, 2) of a crack that runs thin, and forks, with their radii (N,)."""
    points = walk(rng, start, heading, length, rng.uniform(0.12, 0.35))
    along = np.linspace(0, 1, len(points))
    swell = np.interp(along, np.linspace(0, 1, 64), line_noise(rng, 64, 20))
    radii = np.maximum(radius * np.clip(1 + 0.45 * swell, 0.25, 2) * (1 - 0.75 * along), 0.05)
    branches = [(points, radii)]
    for _ in range(forks):
        at = int(rng.uniform(0.15, 0.8) * len(points))
        aside = heading + rng.choice([-1, 1]) * rng.uniform(0.5, 1.2)
        reach = length * rng.uniform(0.25, 0.55)
        again = int(rng.random() < 0.25)
        branches += _branches(rng, points[at], aside, reach, 0.8 * float(radii[at]), forks=again)
    return branches


def _crack(surface: Surface, rng: Generator) -> None:
    start, heading = place(rng, 16), rng.uniform(0, 2 * np.pi)
    length, radius = rng.uniform(8, 36), rng.uniform(0.18, 0.42)
    ahead, behind = int(rng.integers(0, 4)), int(rng.integers(0, 2))
    branches = _branches(rng, start, heading, length, radius, forks=ahead)
    heading += np.pi + rng.normal(0, 0.2)
    length *= rng.uniform(0.2, 1)
    branches += _branches(rng, start, heading, length, radius, forks=behind)
    paths, radii = zip(*branches, strict=True)
    seam = stroke(surface.size, np.concatenate(paths), np.concatenate(radii))
    opacity = rng.uniform(0.45, 1.0)
    dirt = colour([0.12, 0.09, 0.07]) * np.float32(rng.uniform(0.5, 2.0))
    surface.paint(seam, dirt, opacity)
    surface.height -= seam * np.float32(0.35 * opacity)


def _pinhole(surface: Surface, rng: Generator) -> None:
    centre, spread = place(rng, 14), rng.uniform(3, 14)
    for number in range(rng.choice([1, 2, 3, 5], p=[0.4, 0.25, 0.2, 0.15])):
        at = centre + (rng.normal(0, spread, 2) if number else 0)
        radius = rng.uniform(0.6, 1.3)
        mask, distance = blob(rng, surface.size, at, (radius, radius), ragged=0.08, edge=0.6)
        lip = np.exp(-(((distance - 1.7) / 0.55) ** 2))
        surface.height += np.float32(radius) * (0.3 * lip - 0.8 * mask)
        surface.paint(mask, colour([0.1, 0.08, 0.06]), rng.uniform(0.5, 0.95))


def _crawling(surface: Surface, rng: Generator) -> None:
    """Bare the body: the glaze has drawn back from a spot and piled up along its edge."""
    radius = np.exp(rng.uniform(np.log(1.8), np.log(7.5)))
    mask, distance = blob(
        rng,
        surface.size,
        place(rng, 10),
        (radius * rng.uniform(1, 1.9), radius),
        angle=rng.uniform(0, np.pi),
        ragged=rng.uniform(0.2, 0.4),
        edge=min(0.9, 1.1 / radius),
    )
    body = colour([0.62, 0.52, 0.42]) * np.float32(rng.uniform(0.6, 1.15))
    rough = 1 + np.float32(0.12) * smooth_noise(rng, surface.size, 2.5)
    surface.paint(mask, rough * body, rng.uniform(0.45, 0.95))
    edge = np.exp(-(((distance - 1.0 - 0.9 / radius) / (0.9 / radius)) ** 2))
    surface.height += np.float32(rng.uniform(0.25, 0.7)) * (edge - 0.8 * mask)
    surface.gloss *= 1 - mask


def _inclusion(surface: Surface, rng: Generator) -> None:
    """Fire a grain in: iron or kiln dirt that bleeds into the glaze around it."""
    at = place(rng)
    rust = colour([0.2, 0.1, 0.05] if rng.random() < 0.6 else [0.1, 0.1, 0.11])
    for number in range(rng.choice([1, 2, 3], p=[0.7, 0.2, 0.1])):
        spot = at + (rng.normal(0, 6, 2) if number else 0)
        radius = rng.uniform(0.55, 1.7)
        halo, _ = blob(rng, surface.size, spot, (radius * 2.4, radius * 2), ragged=0.2, edge=1.6)
        surface.tint(halo, 1 - np.float32(rng.uniform(0.1, 0.45)) * (1 - rust))
        shape = (radius * rng.uniform(1, 1.6), radius)
        grain = particle(rng, surface.size, spot, shape, rng.uniform(0, np.pi))
        surface.paint(grain, rust, rng.uniform(0.6, 0.95))
        surface.height += grain * np.float32(rng.uniform(0.1, 0.4))


def _wear(surface: Surface, rng: Generator) -> None:
    """Add what every good tile shows: fine speckle, dust, a fibre, uneven glaze."""
    dust(surface, rng, int(rng.integers(0, 25)), 0.45)
    if rng.random() < 0.35:
        lint(surface, rng, rng.uniform(4, 16), rng.uniform(0.15, 0.5))
    if rng.random() < 0.4:
        stain(surface, rng, rng.uniform(4, 20), rng.uniform(0.03, 0.15), (0.5, 0.5, 0.5))
    if rng.random() < 0.4:
        # A scuff of the polishing pad: faint, and in the glaze only.
        points = walk(rng, place(rng), rng.uniform(0, 2 * np.pi), rng.uniform(5, 25), 0.05)
        surface.height -= stroke(surface.size, points, 0.25) * np.float32(rng.uniform(0.02, 0.12))


DEFECTS = {
    "crack": _crack,
    "pinhole": _pinhole,
    "crawling": _crawling,
    "inclusion": _inclusion,
}


def surface(rng: Generator, label: str, size: int, look: Generator | None = None) -> Surface:
    """Return a tile of class `label`, one of `CLASSES`, on a canvas of `size` pixels.

    What the tiles of one product have in common is drawn from `look`; without it each is another.
    """
    part = _glazed(rng, look or rng, size)
    _wear(part, rng)
    if label != "good":
        DEFECTS[label](part, rng)
    return part
