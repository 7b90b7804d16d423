"""The bare board: solder mask over laminate and copper, vias, silk screen, lands with solder."""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from mlff_cli.data.drawing.fields import SIDE, Field, Point, blob, smooth_noise, smoothstep, stroke
from mlff_cli.data.drawing.lots import Lot
from mlff_cli.data.drawing.shapes import Frame, lettering, polyline
from mlff_cli.data.drawing.surface import Surface, colour

LAND_LENGTH, LAND_WIDTH, LAND_CENTRE = 17.0, 27.0, 22.5
"""Of the two lands under a component, in units at scale 1; how far each is from the middle."""

SOLDER = (0.55, 0.56, 0.57)


def board(rng: Generator, lot: Lot, site: Frame, neighbours: Sequence[Frame]) -> Surface:
    """Return a board with a component's site and its neighbours', pasted and reflowed, bare."""
    size = site.size
    clouds = smooth_noise(rng, size, rng.uniform(15, 60)) * np.float32(rng.uniform(0.01, 0.05))
    clouds += smooth_noise(rng, size, 2.5) * np.float32(rng.uniform(0.01, 0.03))
    clouds += _weave(rng, site)
    mask = np.asarray(lot.mask) * rng.uniform(0.88, 1.12) * (1 + rng.normal(0, 0.025, 3))
    surface = Surface(
        height=smooth_noise(rng, size, rng.uniform(8, 18)) * np.float32(rng.uniform(0.02, 0.07)),
        albedo=np.asarray((1 + clouds) * colour(mask), np.float32),
        gloss=np.full((size, size), 0.25, np.float32),
    )
    _copper(surface, rng, lot, site)
    _vias(surface, rng, lot, site)
    for place in (site, *neighbours):
        _outline(surface, rng, lot, place)
        for end in (-1.0, 1.0):
            _land(surface, rng, lot, place, end)
    above = any(neighbour.centre[1] < site.centre[1] - SIDE / 5 for neighbour in neighbours)
    _name(surface, rng, lot, site, 1 if above else -1)
    return surface


def _weave(rng: Generator, site: Frame) -> Field:
    """Return the glass cloth that shows faintly through the laminate."""
    period = np.float32(rng.uniform(5, 8))
    phases = rng.uniform(0, 2 * np.pi, 2)
    warp = np.sin(site.along * (2 * np.pi / period) + np.float32(phases[0]))
    weft = np.sin(site.across * (2 * np.pi / period) + np.float32(phases[1]))
    return np.asarray(np.float32(rng.uniform(0.005, 0.02)) * (warp + weft), np.float32)


def _copper(surface: Surface, rng: Generator, lot: Lot, site: Frame) -> None:
    """Lay traces to the lands, others past them, and perhaps a pour, under the mask."""
    routes = [route for end in (-1.0, 1.0) for route in _from_land(rng, end)]
    routes += [_past(rng) for _ in range(int(rng.integers(1, 4)))]
    paths, radii = [], []
    for route in routes:
        radius = float(rng.choice([0.8, 1.2, 2.0]) * site.stretch[0])
        path = site.points(polyline(route, 0.7 * radius))
        path = path[np.abs(path).max(axis=1) < SIDE / 2 + 2 * radius]
        paths.append(path)
        radii.append(np.full(len(path), radius))
    traced = stroke(site.size, np.concatenate(paths), np.concatenate(radii))
    if rng.random() < 0.6:
        edge = rng.uniform(24, 50) * rng.choice([-1, 1])
        outside = np.float32(abs(edge)) - site.across * np.float32(np.sign(edge))
        # A pour keeps clear of the traces that cross its edge.
        np.maximum(traced, site.cover(outside), out=traced)
    surface.tint(traced, lot.copper * rng.uniform(0.9, 1.1))
    surface.height += np.float32(0.25) * traced


def _from_land(rng: Generator, end: float) -> list[list[tuple[float, float]]]:
    """Return how traces leave a land, in units of the site: straight on, with a bend, or aside."""
    offset = rng.uniform(8, 30) * rng.choice([-1, 1])
    start = LAND_CENTRE + rng.uniform(8, 16)
    land = (end * LAND_CENTRE, 0.0)
    bent = [land, (end * start, 0.0), (end * (start + abs(offset)), offset), (end * 110, offset)]
    routes = [
        [land, (end * 95, 0.0)],
        bent,
        [land, (end * LAND_CENTRE, rng.choice([-1, 1]) * 95.0)],
    ]
    return [routes[number] for number in rng.permutation(3)[: 1 + int(rng.random() < 0.35)]]


def _past(rng: Generator) -> list[tuple[float, float]]:
    """Return a trace that runs past the site on one side, never between its lands."""
    side, level, step = rng.choice([-1, 1]), rng.uniform(26, 60), rng.uniform(6, 16)
    bend = level + rng.choice([0, 1]) * step
    at = rng.uniform(-40, 40)
    return [(-95, side * level), (at, side * level), (at + bend - level, side * bend),
            (95, side * bend)]  # fmt: skip


def _vias(surface: Surface, rng: Generator, lot: Lot, site: Frame) -> None:
    tented = rng.random() < 0.5
    for centre in rng.uniform(-70, 70, (int(rng.integers(3, 12)), 2)):
        if abs(centre[0]) < 42 and abs(centre[1]) < 26:
            continue
        place = site.near(centre, (4, 4))
        part = surface.part(place.window)
        distance = np.hypot(
            place.along - np.float32(centre[0]), place.across - np.float32(centre[1])
        ) - np.float32(2.6)
        hole = place.cover(distance + np.float32(1.4), 0.5)
        ring = place.cover(distance, 0.5)
        if tented:
            part.tint(ring, lot.copper)
            part.height -= np.float32(0.5) * hole
            part.tint(hole, 0.6)
        else:
            part.paint(ring, colour(lot.finish), 0.9)
            part.height += np.float32(0.3) * ring - np.float32(1.2) * hole
            part.paint(hole, colour((0.03, 0.03, 0.03)), 0.9)


def _outline(surface: Surface, rng: Generator, lot: Lot, site: Frame) -> None:
    """Print the component's outline, a little out of register: whole, or two brackets."""
    off = rng.normal(0, 0.7, 2)
    half = np.array([37.0, 19.0]) + rng.normal(0, 0.5, 2)
    place = site.near((0.0, 0.0), (42, 25))
    ink = place.cover(np.abs(place.box(off, half, 1.0)) - np.float32(0.6))
    if rng.random() < 0.5:
        ink *= place.cover(np.float32(14.0) - np.abs(place.along - np.float32(off[0])))
    _print(surface.part(place.window), rng, lot, ink)


def _name(surface: Surface, rng: Generator, lot: Lot, site: Frame, side: int) -> None:
    """Print the component's name above (-1) or below (1) its outline."""
    name, height = f"R{rng.integers(1, 400)}", rng.uniform(7, 9)
    middle = np.array([rng.uniform(-15, 15), side * (22 + height / 2)])
    place = site.near(middle, (24, 10))
    points = site.points(lettering(name, height, 0.4) + middle)
    ink = stroke(site.size, points, 0.6 * site.stretch[0])[place.window]
    _print(surface.part(place.window), rng, lot, ink)


def _print(part: Surface, rng: Generator, lot: Lot, ink: Field) -> None:
    """Lay ink that covers unevenly and is worn."""
    wear = rng.standard_normal(ink.shape, dtype=np.float32)
    ink = ink * np.clip(np.float32(rng.uniform(0.7, 0.95)) + np.float32(0.1) * wear, 0, 1)
    part.paint(ink, colour(lot.silk))
    part.height += np.float32(0.12) * ink


def _land(surface: Surface, rng: Generator, lot: Lot, site: Frame, end: float) -> None:
    """Open the mask over a land and wet it with solder."""
    middle = (end * LAND_CENTRE, 0.0)
    place = site.near(middle, (13, 18))
    part = surface.part(place.window)
    outline = place.box(middle, (LAND_LENGTH / 2, LAND_WIDTH / 2), 1.5)
    part.tint(place.cover(outline - np.float32(1.3)), 0.55)
    metal = place.cover(outline)
    part.paint(metal, colour(lot.finish))
    # How far the solder has spread, and how high it stands, differs from joint to joint.
    ragged = smooth_noise(rng, site.size, 5.0, place.window)
    reach = np.float32(rng.uniform(0.2, 2.0))
    round_ = place.box(middle, (LAND_LENGTH / 2, LAND_WIDTH / 2), 6.0)
    inside = reach + np.float32(0.4) * ragged + np.maximum(outline, round_ - np.float32(1.5))
    solder = place.cover(inside, 0.8)
    tone = np.float32(rng.uniform(0.8, 1.1)) * (1 + np.float32(0.05) * ragged)
    part.paint(solder, tone * colour(SOLDER))
    dome = smoothstep(-round_ / np.float32(LAND_LENGTH / 2)) + np.float32(0.05) * ragged
    part.height += np.float32(rng.uniform(1.0, 3.0)) * dome * metal
    part.gloss += np.float32(lot.shine) * metal


def residue(surface: Surface, rng: Generator, site: Frame) -> None:
    """Leave a thin film of flux near a land: brownish, with a soft rim."""
    at: Point = (rng.choice([-1.0, 1.0]) * (LAND_CENTRE + rng.uniform(4, 12)), rng.normal(0, 8))
    radius = rng.uniform(7, 16)
    film, _ = blob(
        rng,
        site.size,
        site.points(np.array([at]))[0],
        (radius, radius * rng.uniform(0.5, 0.9)),
        ragged=0.3,
        edge=0.5,
    )
    surface.tint(film, 1 - np.float32(rng.uniform(0.05, 0.3)) * (1 - colour((0.8, 0.6, 0.3))))
