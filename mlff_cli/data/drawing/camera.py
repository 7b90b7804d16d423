"""The inspection camera: lighting gradient, vignetting, blur, exposure, sensor noise."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from mlff_cli.data.drawing.fields import SIDE, Field, coordinates
from mlff_cli.data.drawing.surface import colour


@dataclass(frozen=True)
class Camera:
    """One camera position under one lamp.

    Attributes:
        azimuth: Where the light comes from, in radians (x towards y).
        falloff: Relative change of the light across the image.
        vignetting: Loss of light in the corners.
        blur: Gaussian of lens and focus, in units of 1/128 of the side.
        exposure: Mean grey value aimed at, 0 to 1, after gamma.
        gamma: Exponent of the encoding.
        white: Gain of red, green and blue.
        noise: Deviation of the sensor's noise at middle grey, 0 to 1, per pixel.
    """

    azimuth: float
    falloff: float
    vignetting: float
    blur: float
    exposure: float
    gamma: float
    white: tuple[float, float, float]
    noise: float

    @classmethod
    def random(cls, rng: Generator) -> "Camera":
        """Draw a position within what one inspection line would show over a year."""
        warmth = rng.normal(0, 0.025)
        return cls(
            azimuth=rng.uniform(0, 2 * np.pi),
            falloff=rng.uniform(0.05, 0.55),
            vignetting=rng.uniform(0.0, 0.3),
            blur=rng.uniform(0.2, 0.62),
            exposure=rng.uniform(0.36, 0.62),
            gamma=rng.uniform(0.42, 0.62),
            white=(1 + warmth, 1 + rng.normal(0, 0.01), 1 - warmth),
            noise=float(np.exp(rng.uniform(np.log(0.005), np.log(0.022)))),
        )

    def expose(self, radiance: Field, size: int, rng: Generator) -> NDArray[np.uint8]:
        """Return the photograph (size, size, 3) of a scene (3, k * size, k * size), k whole."""
        from scipy.ndimage import gaussian_filter

        step = radiance.shape[1] // size
        offsets = [(row, column) for row in range(step) for column in range(step)]
        scene: Field = np.zeros((3, size, size), np.float32)
        for row, column in offsets:
            scene += radiance[:, row::step, column::step] / np.float32(len(offsets))
        x, y = coordinates(size)
        towards = (x * np.float32(np.cos(self.azimuth)) + y * np.float32(np.sin(self.azimuth))) / (
            SIDE / 2
        )
        light = 1 + np.float32(self.falloff / 2) * towards
        light *= 1 - np.float32(self.vignetting) * (x**2 + y**2) / (SIDE**2 / 2)
        scene *= light * colour(self.white)
        sigma = self.blur * size / SIDE
        scene = gaussian_filter(scene, (0, sigma, sigma), mode="nearest", truncate=3.0)
        # Automatic exposure: the class must not show in the mean brightness.
        scene *= np.float32(self.exposure ** (1 / self.gamma)) / scene.mean()
        image = np.clip(scene, 0, None) ** np.float32(self.gamma)
        grain = rng.standard_normal((3, size, size), dtype=np.float32)
        # Demosaicing spreads noise over the channels: mostly grey, a little colour.
        grain = 0.8 * grain[:1] + 0.35 * grain
        image += np.float32(self.noise) * np.sqrt(0.4 + 1.2 * image) * grain
        pixels = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
        return np.ascontiguousarray(pixels.transpose(1, 2, 0))
