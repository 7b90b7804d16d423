"""A chip resistor as it sits on its lands: overcoat, marking, terminations, fillets, shadow."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from mlff_cli.data.drawing.board import LAND_CENTRE, LAND_LENGTH, LAND_WIDTH, SOLDER
from mlff_cli.data.drawing.fields import SIDE, Field, smooth_noise, smoothstep, stroke
from mlff_cli.data.drawing.lots import Lot
from mlff_cli.data.drawing.shapes import Frame, lettering
from mlff_cli.data.drawing.surface import Surface, colour

CERAMIC = (0.70, 0.69, 0.66)
THICKNESS = 13.0
"""Of the component, in units at scale 1."""


@dataclass(frozen=True)
class Pose:
    """How a component sits on its lands.

    Attributes:
        dx: Of its centre from that of the lands, rightwards, as a share of the image side.
        dy: The same downwards.
        angle: Of its long side to that of the lands, in degrees, from x towards y.
        tilt: 0 lies flat, 90 stands upright on one end, in degrees.
        end: Which end stands, -1 or 1; without meaning when it lies flat.
    """

    dx: float
    dy: float
    angle: float
    tilt: float = 0.0
    end: int = 1


def mount(
    surface: Surface, rng: Generator, lot: Lot, site: Frame, pose: Pose, *, azimuth: float
) -> None:
    """Set a component onto a site; the light comes from `azimuth`."""
    scale = site.stretch[0]
    lean = np.radians(pose.tilt)
    angle = site.angle + np.radians(pose.angle)
    squeeze = max(float(np.cos(lean)), 0.03)
    # The standing end stays over its land; the other one has come up over it.
    footing = pose.end * lot.length / 2 * scale * (1 - squeeze)
    centre = np.asarray(site.centre) + np.array([pose.dx, pose.dy]) * SIDE
    centre = centre + footing * np.array([np.cos(angle), np.sin(angle)])
    reach = (36 * scale, 30 * scale)
    # What stands up is nearer to the lens.
    nearer = scale * (1 + 0.1 * np.sin(lean))
    flat = Frame.at(site.size, centre, angle, (scale, nearer), reach)
    if not flat.along.size:
        return
    frame = Frame.at(site.size, centre, angle, (scale * squeeze, nearer), reach)
    part = surface.part(flat.window)
    face = THICKNESS * float(np.sin(lean))
    half = (lot.length / 2 * squeeze + face / 2, lot.width / 2)
    middle = (-pose.end * face / 2, 0.0)
    outline = flat.box(middle, half, 0.8)
    for end in (-1.0, 1.0) if not pose.tilt else (float(pose.end),):
        _fillet(part, rng, site, flat, outline, end=end)
    away = azimuth + np.pi - angle
    drop = 0.22 * (THICKNESS + 16 * np.sin(lean))
    behind = (middle[0] + drop * np.cos(away), middle[1] + drop * np.sin(away))
    _shadow(part, flat, flat.box(behind, half, 1.5), 2.0 + 0.7 * drop)
    bottom = flat.cover(outline)
    top = flat.cover(flat.box((0.0, 0.0), (lot.length / 2 * squeeze, lot.width / 2), 0.8))
    _body(part, rng, lot, frame, top=top, bottom=bottom)
    _metal(part, rng, lot, frame, bottom * (1 - top))
    part.height += np.float32(1.5) * smoothstep(-outline / np.float32(1.3))


def _fillet(
    part: Surface, rng: Generator, site: Frame, frame: Frame, outline: Field, *, end: float
) -> None:
    """Let the solder of a land rise up the sides of the component that lies on it."""
    place = site.seen_in(frame.window)
    land = place.box((end * LAND_CENTRE, 0.0), (LAND_LENGTH / 2, LAND_WIDTH / 2), 1.5)
    wetted = place.cover(land + np.float32(0.5))
    wall = np.exp(-np.maximum(outline, 0) / np.float32(rng.uniform(2.0, 4.0))) * wetted
    part.height += np.float32(rng.uniform(1.5, 3.5)) * wall
    part.paint(wall, colour(SOLDER) * np.float32(rng.uniform(0.7, 1.0)), 0.8)


def _shadow(part: Surface, frame: Frame, outline: Field, softness: float) -> None:
    shade = frame.cover(outline, softness)
    part.tint(shade, 0.5)
    part.gloss *= 1 - np.float32(0.5) * shade


def _body(
    part: Surface, rng: Generator, lot: Lot, frame: Frame, *, top: Field, bottom: Field
) -> None:
    """Lay overcoat, terminations and marking on the ceramic."""
    length, width, end = lot.length / 2, lot.width / 2, rng.uniform(7.0, 9.0)
    grain = np.float32(0.06) * smooth_noise(rng, frame.size, 2.0, frame.window)
    part.paint(bottom, colour(CERAMIC) * (1 + grain))
    part.gloss *= 1 - bottom
    inner = frame.box((0.0, 0.0), (length - end, width - rng.uniform(0.6, 1.5)), 0.8)
    coat = frame.cover(inner, 0.6) * top
    part.paint(coat, colour(np.asarray(lot.coat) * rng.uniform(0.85, 1.2)) * (1 + grain))
    part.gloss += np.float32(0.35) * coat
    part.height += np.float32(0.25) * coat
    ends = frame.cover(np.float32(length - end) - np.abs(frame.along), 0.6) * top
    _metal(part, rng, lot, frame, ends)
    digits = "".join(str(digit) for digit in rng.integers(0, 10, lot.digits))
    points = lettering(digits, 10.0 if lot.digits == 3 else 7.5, 0.35) + rng.normal(0, 0.4, 2)
    if rng.random() < 0.5:
        points = -points
    ink = stroke(frame.size, frame.points(points), 0.7 * frame.stretch[1])[frame.window] * top
    part.paint(ink, colour(lot.marking), rng.uniform(0.65, 0.95))


def _metal(part: Surface, rng: Generator, lot: Lot, frame: Frame, mask: Field) -> None:
    """Plate an end of the component: never quite even."""
    if not mask.any():
        return
    scuffs = smooth_noise(rng, frame.size, rng.uniform(3, 8), frame.window)
    tone = np.float32(rng.uniform(0.8, 1.1)) * (1 + np.float32(0.08) * scuffs)
    part.paint(mask, tone * colour(lot.ends))
    part.gloss += np.float32(lot.shine) * mask
    part.height += np.float32(0.15) * scuffs * mask
