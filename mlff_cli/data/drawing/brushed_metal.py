"""Brushed metal: fine parallel grooves, with scratches, pits, stains and inclusions."""

import numpy as np
from numpy.random import Generator

from mlff_cli.data.drawing.fields import (
    blob,
    line_noise,
    rotated,
    smooth_noise,
    streaks,
    stroke,
    walk,
)
from mlff_cli.data.drawing.marks import dust, particle, place, stain
from mlff_cli.data.drawing.surface import Surface, colour

CLASSES = ("good", "scratch", "pit", "stain", "inclusion")


def _brushed(rng: Generator, look: Generator, size: int) -> Surface:
    """Draw the grooves; `look` decides what the parts of a product have in common."""
    angle = rng.uniform(0, np.pi)
    fine = look.uniform(0.3, 0.6)
    grooves = streaks(
        rng,
        size,
        angle,
        [
            (look.uniform(8, 26), fine, 1.0),
            (look.uniform(20, 50), fine * look.uniform(3, 6), look.uniform(0.2, 0.7)),
            (0.35, 0.3, look.uniform(0.1, 0.35)),
        ],
    )
    along, _ = rotated(size, angle, rng.uniform(-50, 50, 2))
    sheen = np.exp(-((along / np.float32(rng.uniform(30, 70))) ** 2))
    grey = look.uniform(0.28, 0.5) * np.array([1, 1, 1 + look.normal(0, 0.04)])
    brightness = (1 + np.float32(look.uniform(0.04, 0.11)) * grooves) * (
        1 + np.float32(rng.uniform(0.05, 0.5)) * sheen
    )
    brightness *= 1 + np.float32(rng.uniform(0.01, 0.05)) * smooth_noise(rng, size, 60)
    return Surface(
        height=grooves * np.float32(rng.uniform(0.01, 0.03)),
        albedo=np.clip(brightness, 0.1, None) * colour(grey),
        gloss=np.full((size, size), 0.15, np.float32),
        angle=angle,
    )


def _score(surface: Surface, rng: Generator, angle: float, length: float, depth: float) -> None:
    """Cut one groove with raised burrs; the tool presses unevenly."""
    size = surface.size
    points = walk(rng, place(rng, 14), angle, length, rng.uniform(0.0, 0.05))
    points -= (points[-1] - points[0]) / 2
    along = np.linspace(0, 1, len(points))
    pressure = 1 + 0.5 * np.interp(along, np.linspace(0, 1, size), line_noise(rng, size, 30))
    pressure = np.clip(pressure, 0.3, 1.6)
    pressure *= np.minimum(1, 6 * np.minimum(along, 1 - along) + 0.15)
    radius = rng.uniform(0.28, 0.55)
    groove = stroke(size, points, radius * (0.6 + 0.4 * pressure), pressure / 1.6)
    burr = stroke(size, points, radius * 2.2, pressure / 1.6)
    surface.height += np.float32(depth) * (0.45 * burr - 1.3 * groove)
    bare = rng.uniform(1.2, 1.7) if rng.random() < 0.6 else rng.uniform(0.45, 0.8)
    surface.tint(groove, 1 + (bare - 1) * min(1.0, depth * 1.6))


def _scratch(surface: Surface, rng: Generator) -> None:
    angle = surface.angle + rng.choice([-1, 1]) * rng.uniform(0.25, np.pi / 2)
    depth = rng.uniform(0.4, 1.1)
    for _ in range(rng.choice([1, 2, 3], p=[0.7, 0.2, 0.1])):
        _score(surface, rng, angle + rng.normal(0, 0.08), rng.uniform(12, 50), depth)


def _pit(surface: Surface, rng: Generator) -> None:
    for _ in range(rng.choice([1, 2, 3, 4], p=[0.5, 0.25, 0.15, 0.1])):
        radius = rng.uniform(0.9, 2.4)
        mask, distance = blob(
            rng,
            surface.size,
            place(rng),
            (radius, radius * rng.uniform(0.65, 1)),
            angle=rng.uniform(0, np.pi),
            ragged=0.2,
            edge=0.8,
        )
        depth = rng.uniform(0.35, 0.9) * radius
        rim = np.exp(-(((distance - 1.25) / 0.3) ** 2))
        surface.height += np.float32(depth) * (0.22 * rim - mask)
        surface.tint(mask, rng.uniform(0.3, 0.75))


def _stain(surface: Surface, rng: Generator) -> None:
    left = ((0.5, 0.4, 0.25), (0.3, 0.32, 0.36), (0.45, 0.5, 0.62))[rng.integers(3)]
    stain(surface, rng, np.exp(rng.uniform(np.log(3.5), np.log(16))), rng.uniform(0.3, 0.75), left)


def _inclusion(surface: Surface, rng: Generator) -> None:
    """Roll foreign grains in: angular, drawn out along the brushing, with a smear behind."""
    centre = place(rng)
    direction = np.array([np.cos(surface.angle), np.sin(surface.angle)])
    shade = colour([0.13, 0.115, 0.1]) * np.float32(rng.uniform(0.4, 1.3))
    for number in range(rng.choice([1, 2, 3], p=[0.4, 0.35, 0.25])):
        at = centre + direction * number * rng.uniform(2.5, 6) + rng.normal(0, 0.5, 2)
        width = rng.uniform(0.85, 1.9)
        grain = particle(
            rng, surface.size, at, (width * rng.uniform(1.6, 3.5), width), surface.angle
        )
        surface.height += grain * np.float32(rng.uniform(0.0, 0.25))
        surface.paint(grain, shade, rng.uniform(0.75, 1))
        smear = np.linspace(0, 1, 40)
        points = at + direction * (smear * rng.uniform(4, 14) * rng.choice([-1, 1]))[:, None]
        surface.tint(stroke(surface.size, points, width * 0.5, 0.8 * (1 - smear)), 0.5)


def _wear(surface: Surface, rng: Generator) -> None:
    """Add what every good part shows: hairlines along the brushing, dust, a faint smudge."""
    for _ in range(rng.integers(0, 4)):
        angle = surface.angle + rng.normal(0, 0.05)
        _score(surface, rng, angle, rng.uniform(8, 40), rng.uniform(0.04, 0.17))
    if rng.random() < 0.4:
        angle = rng.uniform(0, np.pi)
        _score(surface, rng, angle, rng.uniform(4, 25), rng.uniform(0.03, 0.08))
    if rng.random() < 0.4:
        stain(surface, rng, rng.uniform(5, 25), rng.uniform(0.03, 0.12), (0.4, 0.4, 0.4))
    dust(surface, rng, int(rng.integers(0, 12)), 0.5)


DEFECTS = {"scratch": _scratch, "pit": _pit, "stain": _stain, "inclusion": _inclusion}


def surface(rng: Generator, label: str, size: int, look: Generator | None = None) -> Surface:
    """Return a part of class `label`, one of `CLASSES`, on a canvas of `size` pixels.

    What the parts of one product have in common is drawn from `look`; without it each is another.
    """
    part = _brushed(rng, look or rng, size)
    _wear(part, rng)
    if label != "good":
        DEFECTS[label](part, rng)
    return part
