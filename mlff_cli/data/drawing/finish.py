"""What tells products of one material apart: the tint of their coat and a printed pattern."""

import colorsys

import numpy as np
from numpy.random import Generator

from mlff_cli.data.drawing.fields import Field, rotated, smoothstep
from mlff_cli.data.drawing.surface import Surface, colour

PATTERNS = ("plain", "stripes", "checks", "dots")


def finish(part: Surface, rng: Generator, look: Generator) -> None:
    """Tint a part and print a pattern on it.

    `look` decides what all parts of a product have in common, `rng` where on the roll this one is.
    """
    hue, saturation = look.random(), look.uniform(0.05, 0.45)
    tint = np.array(colorsys.hsv_to_rgb(hue, saturation, 1.0))
    part.tint(np.ones_like(part.height), colour(tint / tint.mean()))
    kind = PATTERNS[int(look.integers(len(PATTERNS)))]
    angle, period = look.uniform(0, np.pi) + rng.normal(0, 0.03), look.uniform(7, 30)
    ink = np.float32(look.uniform(0.08, 0.25)) * look.choice([-1, 1])
    if kind != "plain":
        along, across = rotated(part.size, angle, rng.uniform(-period, period, 2))
        part.tint(pattern(kind, along / np.float32(period), across / np.float32(period)), 1 + ink)


def pattern(kind: str, along: Field, across: Field) -> Field:
    """Return where a pattern of period 1 is printed, 0 to 1; one of `PATTERNS` but plain."""
    wave, weft = (np.cos(2 * np.pi * position) for position in (along, across))
    if kind == "stripes":
        edge = weft
    elif kind == "checks":
        edge = 2 * wave * weft
    else:
        edge = wave + weft - np.float32(1)
    return smoothstep(2 * edge + np.float32(0.5))
