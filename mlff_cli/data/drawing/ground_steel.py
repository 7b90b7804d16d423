"""Ground steel of a known roughness, as five set-ups of grinder and lamp leave it."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from mlff_cli.data.drawing.fields import SIDE, Field, smooth_noise, streaks
from mlff_cli.data.drawing.marks import dust, stain
from mlff_cli.data.drawing.surface import Surface, colour

UNIT = 40.0
"""Micrometres in a unit: an image shows 5.12 mm, a pixel 5120 micrometres by its side in pixels."""

CUT_OFF, EVALUATION = 800.0, 4000.0
"""Micrometres: cut-off of the profile filter and evaluation length, for Ra of 0.1 to 2."""

PROFILES = 9
"""Parallel profiles that Ra is the mean of."""


@dataclass(frozen=True)
class SetUp:
    """What changes from one batch to the next; angles in radians, x towards y.

    Attributes:
        lay: Direction of grinding.
        lamp: Direction that the light comes from.
        elevation: Of the lamp above the surface: the lower, the more of the relief shows.
        groove: Width of the grooves of a surface of Ra 0.8, in units.
        length: Of the grooves, in units.
        tone: Reflectance of the steel, linear.
        shine: Strength of the mirror-like part.
        exposure: Mean grey value aimed at.
        gamma: Exponent of the camera's encoding.
        blur: Of the lens, in units.
        noise: Deviation of the sensor's noise.
    """

    lay: float
    lamp: float
    elevation: float
    groove: float
    length: float
    tone: tuple[float, float, float]
    shine: float
    exposure: float
    gamma: float
    blur: float
    noise: float


SET_UPS: dict[str, SetUp] = {
    "batch_1": SetUp(
        lay=0.0, lamp=1.5, elevation=0.30, groove=0.75, length=30,
        tone=(0.40, 0.40, 0.41), shine=0.20, exposure=0.46, gamma=0.50, blur=0.30, noise=0.008,
    ),
    "batch_2": SetUp(
        lay=1.5, lamp=0.3, elevation=0.42, groove=0.90, length=22,
        tone=(0.36, 0.36, 0.35), shine=0.15, exposure=0.40, gamma=0.52, blur=0.38, noise=0.011,
    ),
    "batch_3": SetUp(
        lay=0.7, lamp=-0.6, elevation=0.27, groove=0.60, length=40,
        tone=(0.44, 0.43, 0.40), shine=0.25, exposure=0.50, gamma=0.48, blur=0.42, noise=0.009,
    ),
    "batch_4": SetUp(
        lay=2.3, lamp=1.6, elevation=0.52, groove=1.10, length=18,
        tone=(0.33, 0.34, 0.36), shine=0.30, exposure=0.42, gamma=0.55, blur=0.35, noise=0.012,
    ),
    "batch_5": SetUp(
        lay=0.2, lamp=2.6, elevation=0.36, groove=0.70, length=26,
        tone=(0.41, 0.39, 0.38), shine=0.10, exposure=0.44, gamma=0.50, blur=0.50, noise=0.010,
    ),
}  # fmt: skip


def surface(rng: Generator, set_up: SetUp, ra: float, size: int) -> Surface:
    """Return a ground part of roughness `ra` in micrometres, on a canvas of `size` pixels.

    Its height is drawn as steeply as its slopes look under the lamp, not as they are.
    """
    lay = set_up.lay + rng.normal(0, 0.04)
    heights = relief(rng, set_up, lay, ra=ra, size=size)
    clouds = smooth_noise(rng, size, rng.uniform(30, 80)) * np.float32(rng.uniform(0.01, 0.04))
    tone = np.asarray(set_up.tone) * rng.uniform(0.92, 1.08)
    part = Surface(
        height=heights / np.float32(UNIT * np.tan(set_up.elevation)),
        albedo=np.asarray((1 + clouds) * colour(tone), np.float32),
        gloss=np.full((size, size), set_up.shine, np.float32),
        angle=lay,
    )
    if rng.random() < 0.3:
        stain(part, rng, rng.uniform(6, 20), rng.uniform(0.03, 0.15), (0.5, 0.45, 0.4))
    dust(part, rng, int(rng.integers(0, 10)), 0.4)
    return part


def relief(rng: Generator, set_up: SetUp, lay: float, *, ra: float, size: int) -> Field:
    """Return heights (size, size) in micrometres whose `roughness` across the lay is `ra`.

    Coarser grit cuts wider grooves, but how wide they are does not tell how deep. Waviness is
    longer than the cut-off and no part of the roughness.
    """
    width = set_up.groove * (ra / 0.8) ** 0.3 * np.exp(rng.normal(0, 0.12))
    length = set_up.length * rng.uniform(0.8, 1.2)
    cuts = [(length, width, 1.0), (1.6 * length, 2.5 * width, rng.uniform(0.2, 0.5))]
    grooves = streaks(rng, size, lay, cuts)
    grooves *= np.float32(ra / roughness(grooves, lay))
    waves = np.float32(rng.uniform(0.2, 1.0)) * smooth_noise(rng, size, 90)
    # The filter lets a little of the waviness through.
    scale = np.float32(ra / roughness(grooves + waves, lay))
    return np.asarray((grooves + waves) * scale, np.float32)


def roughness(heights: Field, lay: float) -> float:
    """Return Ra (ISO 21920-2), the mean over `PROFILES` profiles across the lay.

    That is the arithmetic mean of the deviations from the mean line, which is the profile through
    the Gaussian filter of ISO 16610-21 with `CUT_OFF`.

    Args:
        heights: (S, S), in micrometres; an S-th of 128 `UNIT` is a pixel.
        lay: Direction of the grooves, in radians.
    """
    from scipy.ndimage import gaussian_filter1d

    pixel = UNIT * SIDE / len(heights)
    lines = _profiles(heights, lay, pixel)
    # The filter weighs by exp(-pi (x / (alpha cut-off))^2) with alpha = sqrt(ln 2 / pi).
    deviation = CUT_OFF * np.sqrt(np.log(2) / np.pi) / np.sqrt(2 * np.pi)
    means = gaussian_filter1d(lines, deviation / pixel, axis=1, mode="reflect")
    return float(np.abs(lines - means).mean())


def _profiles(heights: Field, lay: float, pixel: float) -> NDArray[np.float64]:
    """Return heights along lines across the lay, (PROFILES, points), a pixel apart."""
    from scipy.ndimage import map_coordinates

    across = np.arange(-EVALUATION / 2, EVALUATION / 2, pixel) / pixel  # (points,)
    along = np.linspace(-14, 14, PROFILES)[:, None] * UNIT / pixel  # (PROFILES, 1)
    middle = (len(heights) - 1) / 2
    x = middle + along * np.cos(lay) - across * np.sin(lay)
    y = middle + along * np.sin(lay) + across * np.cos(lay)
    # Cubic: straight lines between pixels would cut the tops off fine grooves.
    heights = map_coordinates(heights, [y, x], order=3, output=np.float64)
    return np.asarray(heights, np.float64)
