"""Woven fabric with broken threads, slubs, stains and holes."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from mlff_cli.data.drawing.fields import blob, smooth_noise, smoothstep
from mlff_cli.data.drawing.marks import dust, lint, place, stain
from mlff_cli.data.drawing.surface import Surface, colour
from mlff_cli.data.drawing.weave import Weave, lay, profile, render, woven

CLASSES = ("good", "broken_thread", "slub", "stain", "hole")


def _broken_thread(weave: Weave, rng: Generator) -> Surface:
    """Tear one thread: the gap shows what lies under it, the ends fray and stand off."""
    point = place(rng, 14)
    u, v = weave.at(point)
    length = rng.uniform(2.8, 9)
    # Fibres of one thread do not all tear at the same place.
    frayed = length / 2 + 0.35 * smooth_noise(rng, weave.size, 1.6)
    gap = smoothstep((frayed - np.abs(weave.v - np.float32(v))) * np.float32(2) + 0.5)
    gap *= np.floor(weave.u) == np.floor(u)
    weave.warp *= 1 - gap
    part = render(weave, rng)
    part.tint(gap, rng.uniform(0.2, 0.55))
    direction = np.array([np.cos(weave.angle), np.sin(weave.angle)])
    fibres: list[NDArray[np.float64]] = []
    for sign in (-1, 1):
        end = point + sign * direction * 0.5 * length * weave.period
        inward = weave.angle + (np.pi if sign > 0 else 0.0) + rng.normal(0, 0.6)
        fibres += weave.fray(rng, end, inward, int(rng.integers(3, 8)))
    lay(part, rng, fibres, weave.colours[0])
    return part


def _slub(weave: Weave, rng: Generator) -> Surface:
    """Thicken one thread over a length, as a flock of fibres spun in does."""
    u, v = weave.at(place(rng, 12))
    length = rng.uniform(1.6, 5)
    swell = np.exp(-(((weave.v - np.float32(v)) / np.float32(length)) ** 2))
    swell *= 1 + np.float32(0.12) * smooth_noise(rng, weave.size, 6)
    width = (0.75 + np.float32(rng.uniform(0.6, 1.4)) * swell) * (swell > 0.1)
    offset = weave.u - np.float32(np.floor(u) + 0.5)
    weave.thickness = profile(offset, width) * np.float32(rng.uniform(1.1, 1.5))
    part = render(weave, rng)
    beside = np.exp(-(((np.abs(offset) - width / 2 - 0.1) / np.float32(0.16)) ** 2)) * swell
    part.tint(beside, rng.uniform(0.5, 0.8))
    part.tint((np.abs(offset) < width / 2) * swell, rng.uniform(1.1, 1.5))
    return part


def _stain(weave: Weave, rng: Generator) -> Surface:
    part = render(weave, rng)
    left = ((0.35, 0.3, 0.25), (0.55, 0.42, 0.28), (0.6, 0.62, 0.7))[rng.integers(3)]
    radius = np.exp(rng.uniform(np.log(4.2), np.log(16)))
    stain(part, rng, radius, rng.uniform(0.55, 1), left, wick=rng.uniform(0.75, 1.3))
    return part


def _hole(weave: Weave, rng: Generator) -> Surface:
    """Tear several threads: the support shows through, fibre ends reach in."""
    point = place(rng, 10)
    radius = rng.uniform(2.1, 4.8)
    mask, _ = blob(
        rng,
        weave.size,
        point,
        (radius, radius * rng.uniform(0.6, 1)),
        angle=rng.uniform(0, np.pi),
        ragged=0.3,
        edge=0.35,
    )
    weave.warp *= 1 - mask
    weave.weft *= 1 - mask
    part = render(weave, rng)
    support = rng.uniform(0.01, 0.07) if rng.random() < 0.8 else rng.uniform(0.6, 0.85)
    part.paint(mask, colour([support] * 3), 0.95)
    part.height *= 1 - mask
    fibres: list[NDArray[np.float64]] = []
    for heading in rng.uniform(0, 2 * np.pi, rng.integers(2, 7)):
        rim = point + radius * np.array([np.cos(heading), np.sin(heading)])
        fibres += weave.fray(rng, rim, heading + np.pi, 1)
    lay(part, rng, fibres, weave.colours[rng.integers(2)])
    return part


def _wear(part: Surface, rng: Generator) -> None:
    """Add what every good cloth shows: lint, specks of husk, a faint uneven patch."""
    for _ in range(rng.integers(0, 2)):
        lint(part, rng, rng.uniform(3, 12), rng.uniform(0.15, 0.5))
    if rng.random() < 0.35:
        stain(part, rng, rng.uniform(6, 25), rng.uniform(0.03, 0.1), (0.5, 0.5, 0.5))
    dust(part, rng, int(rng.integers(0, 10)), 0.5)


DEFECTS = {"broken_thread": _broken_thread, "slub": _slub, "stain": _stain, "hole": _hole}


def surface(rng: Generator, label: str, size: int, look: Generator | None = None) -> Surface:
    """Return a cloth of class `label`, one of `CLASSES`, on a canvas of `size` pixels.

    What the cloths of one product have in common is drawn from `look`; without it each is another.
    """
    weave = woven(rng, size, look)
    part = render(weave, rng) if label == "good" else DEFECTS[label](weave, rng)
    _wear(part, rng)
    return part
