"""Woven fabric: plain weave or twill, with broken threads, slubs, stains and holes."""

import colorsys
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from mlff_cli.data.drawing.fields import (
    SIDE,
    Field,
    blob,
    rotated,
    smooth_noise,
    smoothstep,
    streaks,
    stroke,
    walk,
)
from mlff_cli.data.drawing.marks import dust, lint, place, stain
from mlff_cli.data.drawing.surface import Surface, colour

CLASSES = ("good", "broken_thread", "slub", "stain", "hole")


@dataclass
class _Weave:
    """Threads before they are lit: `u` counts warp threads, `v` weft threads, both (S, S)."""

    u: Field
    v: Field
    period: float
    angle: float
    twill: bool
    warp: Field
    weft: Field
    thickness: Field
    colours: tuple[Field, Field]

    @property
    def size(self) -> int:
        return len(self.u)

    def at(self, point: NDArray[np.float64]) -> tuple[float, float]:
        """Return u and v at a point in units."""
        column, row = np.clip((point + SIDE / 2) * self.size / SIDE, 0, self.size - 1).astype(int)
        return float(self.u[row, column]), float(self.v[row, column])

    def fray(
        self, rng: Generator, point: NDArray[np.float64], heading: float, count: int
    ) -> list[NDArray[np.float64]]:
        """Return the paths of loose fibre ends that spread from a point."""
        return [
            walk(
                rng,
                point + rng.normal(0, 0.2 * self.period, 2),
                heading + rng.normal(0, 0.6),
                self.period * rng.uniform(0.8, 2.4),
                0.45,
            )
            for _ in range(count)
        ]


def _woven(rng: Generator, size: int) -> _Weave:
    period = rng.uniform(3.2, 5.0)
    angle = rng.choice([0.0, np.pi / 2]) + rng.normal(0, 0.16)
    along, across = rotated(size, angle, rng.uniform(-20, 20, 2))
    bend = np.float32(rng.uniform(0.03, 0.15))
    u = across / np.float32(period) + bend * smooth_noise(rng, size, 50)
    v = along / np.float32(period * rng.uniform(0.9, 1.25)) + bend * smooth_noise(rng, size, 50)
    hue, saturation = rng.random(), rng.uniform(0.05, 0.4)
    dye = np.array(colorsys.hsv_to_rgb(hue, saturation, rng.uniform(0.35, 0.6)))
    undyed = dye * rng.uniform(0.9, 1.35) if rng.random() < 0.75 else np.array([0.5, 0.48, 0.44])
    return _Weave(
        u=u,
        v=v,
        period=period,
        angle=angle,
        twill=bool(rng.random() < 0.4),
        warp=_thread_widths(rng, u),
        weft=_thread_widths(rng, v),
        thickness=np.zeros((size, size), np.float32),
        colours=(colour(dye), colour(undyed)),
    )


def _per_thread(rng: Generator, position: Field, deviation: float) -> Field:
    """Return a normal number per thread, 1 on average, at every pixel of the thread."""
    number = np.floor(position).astype(np.int32)
    number -= number.min()
    values = 1 + deviation * rng.standard_normal(int(number.max()) + 1)
    result: Field = values.astype(np.float32)[number]
    return result


def _thread_widths(rng: Generator, position: Field) -> Field:
    return np.clip(_per_thread(rng, position, 0.06), 0.7, 1.2) * np.float32(rng.uniform(0.84, 0.97))


def _profile(offset: Field, width: Field) -> Field:
    """Return the height of a round thread of `width`, `offset` from its axis, both in periods."""
    across = 2 * offset / np.maximum(width, 1e-3)
    result: Field = np.sqrt(np.clip(1 - across * across, 0, 1)) * np.minimum(width, 1.3)
    return result


def _render(weave: _Weave, rng: Generator) -> Surface:
    u, v = weave.u, weave.v
    column, row = np.floor(u), np.floor(v)
    du, dv = u - column - 0.5, v - row - 0.5
    warp_on_top = ((column - row) % 3 != 0) if weave.twill else ((column + row) % 2 == 0)
    arch = np.cos(np.pi * 0.8 * np.where(warp_on_top, dv, du))
    warp = _profile(du, weave.warp) * np.where(warp_on_top, 0.4 + 0.6 * arch, 0.28)
    weft = _profile(dv, weave.weft) * np.where(warp_on_top, 0.28, 0.4 + 0.6 * arch)
    warp = np.maximum(warp, weave.thickness * np.where(warp_on_top, 1.0, 0.75))
    top = np.maximum(warp, weft).astype(np.float32)
    is_warp = warp >= weft
    tone = np.where(is_warp, _per_thread(rng, u, 0.045), _per_thread(rng, v, 0.035))
    fibres = np.where(
        is_warp,
        streaks(rng, weave.size, weave.angle, [(1.6, 0.2, 1.0), (14, 0.5, 0.4)]),
        streaks(rng, weave.size, weave.angle + np.pi / 2, [(1.6, 0.2, 1.0), (14, 0.5, 0.4)]),
    )
    tone = tone * (1 + np.float32(rng.uniform(0.03, 0.08)) * fibres)
    tone = tone * (1 + np.float32(rng.uniform(0.0, 0.05)) * smooth_noise(rng, weave.size, 50))
    # Light does not reach between the threads.
    depth = np.float32(rng.uniform(0.15, 0.4))
    shadow = 1 - depth * (1 - smoothstep(top * np.float32(1.6)))
    return Surface(
        height=top * np.float32(rng.uniform(0.08, 0.14) * weave.period),
        albedo=np.where(is_warp, weave.colours[0], weave.colours[1]) * (tone * shadow),
        gloss=np.full(u.shape, 0.04, np.float32),
        angle=weave.angle,
    )


def _broken_thread(weave: _Weave, rng: Generator) -> Surface:
    """Tear one thread: the gap shows what lies under it, the ends fray and stand off."""
    point = place(rng, 14)
    u, v = weave.at(point)
    length = rng.uniform(2.8, 9)
    # Fibres of one thread do not all tear at the same place.
    frayed = length / 2 + 0.35 * smooth_noise(rng, weave.size, 1.6)
    gap = smoothstep((frayed - np.abs(weave.v - np.float32(v))) * np.float32(2) + 0.5)
    gap *= np.floor(weave.u) == np.floor(u)
    weave.warp *= 1 - gap
    part = _render(weave, rng)
    part.tint(gap, rng.uniform(0.2, 0.55))
    direction = np.array([np.cos(weave.angle), np.sin(weave.angle)])
    fibres: list[NDArray[np.float64]] = []
    for sign in (-1, 1):
        end = point + sign * direction * 0.5 * length * weave.period
        inward = weave.angle + (np.pi if sign > 0 else 0.0) + rng.normal(0, 0.6)
        fibres += weave.fray(rng, end, inward, int(rng.integers(3, 8)))
    _lay(part, rng, fibres, weave.colours[0])
    return part


def _lay(part: Surface, rng: Generator, fibres: list[NDArray[np.float64]], dye: Field) -> None:
    """Lay loose fibres over the cloth; they catch the light and cast a little shadow."""
    points = np.concatenate(fibres)
    part.tint(stroke(part.size, points + rng.normal(0, 0.4, 2), 0.4), 0.7)
    ends = stroke(part.size, points, rng.uniform(0.2, 0.36))
    part.paint(ends, dye * np.float32(rng.uniform(1.4, 2.1)), rng.uniform(0.6, 1))


def _slub(weave: _Weave, rng: Generator) -> Surface:
    """Thicken one thread over a length, as a flock of fibres spun in does."""
    u, v = weave.at(place(rng, 12))
    length = rng.uniform(1.6, 5)
    swell = np.exp(-(((weave.v - np.float32(v)) / np.float32(length)) ** 2))
    swell *= 1 + np.float32(0.12) * smooth_noise(rng, weave.size, 6)
    width = (0.75 + np.float32(rng.uniform(0.6, 1.4)) * swell) * (swell > 0.1)
    offset = weave.u - np.float32(np.floor(u) + 0.5)
    weave.thickness = _profile(offset, width) * np.float32(rng.uniform(1.1, 1.5))
    part = _render(weave, rng)
    beside = np.exp(-(((np.abs(offset) - width / 2 - 0.1) / np.float32(0.16)) ** 2)) * swell
    part.tint(beside, rng.uniform(0.5, 0.8))
    part.tint((np.abs(offset) < width / 2) * swell, rng.uniform(1.1, 1.5))
    return part


def _stain(weave: _Weave, rng: Generator) -> Surface:
    part = _render(weave, rng)
    left = ((0.35, 0.3, 0.25), (0.55, 0.42, 0.28), (0.6, 0.62, 0.7))[rng.integers(3)]
    radius = np.exp(rng.uniform(np.log(4.2), np.log(16)))
    stain(part, rng, radius, rng.uniform(0.55, 1), left, wick=rng.uniform(0.75, 1.3))
    return part


def _hole(weave: _Weave, rng: Generator) -> Surface:
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
    part = _render(weave, rng)
    support = rng.uniform(0.01, 0.07) if rng.random() < 0.8 else rng.uniform(0.6, 0.85)
    part.paint(mask, colour([support] * 3), 0.95)
    part.height *= 1 - mask
    fibres: list[NDArray[np.float64]] = []
    for heading in rng.uniform(0, 2 * np.pi, rng.integers(2, 7)):
        rim = point + radius * np.array([np.cos(heading), np.sin(heading)])
        fibres += weave.fray(rng, rim, heading + np.pi, 1)
    _lay(part, rng, fibres, weave.colours[rng.integers(2)])
    return part


def _wear(part: Surface, rng: Generator) -> None:
    """Add what every good cloth shows: lint, specks of husk, a faint uneven patch."""
    for _ in range(rng.integers(0, 2)):
        lint(part, rng, rng.uniform(3, 12), rng.uniform(0.15, 0.5))
    if rng.random() < 0.35:
        stain(part, rng, rng.uniform(6, 25), rng.uniform(0.03, 0.1), (0.5, 0.5, 0.5))
    dust(part, rng, int(rng.integers(0, 10)), 0.5)


DEFECTS = {"broken_thread": _broken_thread, "slub": _slub, "stain": _stain, "hole": _hole}


def surface(rng: Generator, label: str, size: int) -> Surface:
    """Return a cloth of class `label`, one of `CLASSES`, on a canvas of `size` pixels."""
    weave = _woven(rng, size)
    part = _render(weave, rng) if label == "good" else DEFECTS[label](weave, rng)
    _wear(part, rng)
    return part
