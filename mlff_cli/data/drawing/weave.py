"""Woven cloth: where its threads run, how wide they are and which one lies on top."""

import colorsys
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from mlff_cli.data.drawing.fields import (
    SIDE,
    Field,
    rotated,
    smooth_noise,
    smoothstep,
    streaks,
    stroke,
    walk,
)
from mlff_cli.data.drawing.surface import Surface, colour


@dataclass
class Weave:
    """Threads before they become a surface; fields are (S, S).

    Attributes:
        u: Position across the warp, in threads.
        v: Position across the weft, in threads.
        period: Distance of the warp threads in units.
        angle: Direction of the warp threads.
        twill: Twill, or else plain weave.
        warp: Width of the warp threads in periods; 0 where one is missing.
        weft: The same of the weft threads.
        thickness: Height of what lies on top of the warp.
        colours: Reflectance of warp and weft.
    """

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
        """Pixels along one side."""
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


def woven(rng: Generator, size: int, look: Generator | None = None) -> Weave:
    """Return a cloth of random yarn, density, direction and binding.

    What the cloths of one product have in common is drawn from `look`, the rest from `rng`.
    """
    look = look or rng
    period = look.uniform(3.2, 5.0)
    angle = look.choice([0.0, np.pi / 2]) + rng.normal(0, 0.16)
    along, across = rotated(size, angle, rng.uniform(-20, 20, 2))
    bend = np.float32(rng.uniform(0.03, 0.15))
    u = across / np.float32(period) + bend * smooth_noise(rng, size, 50)
    v = along / np.float32(period * look.uniform(0.9, 1.25)) + bend * smooth_noise(rng, size, 50)
    hue, saturation = look.random(), look.uniform(0.05, 0.4)
    dye = np.array(colorsys.hsv_to_rgb(hue, saturation, look.uniform(0.35, 0.6)))
    undyed = dye * look.uniform(0.9, 1.35) if look.random() < 0.75 else np.array([0.5, 0.48, 0.44])
    return Weave(
        u=u,
        v=v,
        period=period,
        angle=angle,
        twill=bool(look.random() < 0.4),
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


def profile(offset: Field, width: Field) -> Field:
    """Return the height of a round thread of `width`, `offset` from its axis, both in periods."""
    across = 2 * offset / np.maximum(width, 1e-3)
    result: Field = np.sqrt(np.clip(1 - across * across, 0, 1)) * np.minimum(width, 1.3)
    return result


def render(weave: Weave, rng: Generator) -> Surface:
    """Return the cloth as a surface: the upper thread at each pixel, dark between threads."""
    u, v = weave.u, weave.v
    column, row = np.floor(u), np.floor(v)
    du, dv = u - column - 0.5, v - row - 0.5
    warp_on_top = ((column - row) % 3 != 0) if weave.twill else ((column + row) % 2 == 0)
    arch = np.cos(np.pi * 0.8 * np.where(warp_on_top, dv, du))
    warp = profile(du, weave.warp) * np.where(warp_on_top, 0.4 + 0.6 * arch, 0.28)
    weft = profile(dv, weave.weft) * np.where(warp_on_top, 0.28, 0.4 + 0.6 * arch)
    warp = np.maximum(warp, weave.thickness * np.where(warp_on_top, 1.0, 0.75))
    top = np.maximum(warp, weft).astype(np.float32)
    is_warp = warp >= weft
    tone = np.where(is_warp, _per_thread(rng, u, 0.045), _per_thread(rng, v, 0.035))
    lengthwise = streaks(rng, weave.size, weave.angle, [(1.6, 0.2, 1.0), (14, 0.5, 0.4)])
    # A quarter turn of the same noise runs along the weft.
    fibres = np.where(is_warp, lengthwise, np.rot90(lengthwise))
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


def lay(part: Surface, rng: Generator, fibres: list[NDArray[np.float64]], dye: Field) -> None:
    """Lay loose fibres over the cloth; they catch the light and cast a little shadow."""
    points = np.concatenate(fibres)
    part.tint(stroke(part.size, points + rng.normal(0, 0.4, 2), 0.4), 0.7)
    ends = stroke(part.size, points, rng.uniform(0.2, 0.36))
    part.paint(ends, dye * np.float32(rng.uniform(1.4, 2.1)), rng.uniform(0.6, 1))
