"""Where a network looked, as light over an image."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

GLOW = (255, 60, 0)
STRONGEST = 200
"""Colour, and opacity of the place that counts most."""


def glow_of(values: NDArray[np.float32]) -> Image.Image:
    """Return places (H, W) as an RGBA picture of as many pixels: the more, the less transparent."""
    positive = values.clip(min=0)
    strength = np.round(STRONGEST * positive / max(float(positive.max()), 1e-12)).astype(np.uint8)
    colour = np.broadcast_to(np.array(GLOW, np.uint8), (*values.shape, 3))
    return Image.fromarray(np.dstack([colour, strength]))


def overlaid(pixels: NDArray[np.uint8], values: NDArray[np.float32]) -> Image.Image:
    """Return an image (H, W, 3) with the light of places, spread over all of it."""
    image = Image.fromarray(pixels)
    glow = glow_of(values).resize(image.size, Image.Resampling.BILINEAR)
    return Image.alpha_composite(image.convert("RGBA"), glow).convert("RGB")
