"""A part as a thermal camera sees it while it cools: warmth, what lies below, coarse pixels."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from mlff_cli.data.drawing.fields import SIDE, Field, blob, coordinates, smooth_noise
from mlff_cli.data.drawing.marks import place


def warmth(rng: Generator, size: int) -> Field:
    """Return the temperature (size, size) of a good part: uneven heating, harmless warm patches."""
    x, y = coordinates(size)
    angle, steepness = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.35)
    towards = (x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))) / SIDE
    field: Field = np.float32(steepness) * towards + np.float32(0.06) * smooth_noise(rng, size, 70)
    for _ in range(rng.integers(0, 3)):
        field += np.float32(rng.uniform(-0.06, 0.06)) * _below(rng, size, rng.uniform(3, 14), 1.6)
    return field


def void(field: Field, rng: Generator) -> None:
    """Leave a small cavity below the surface: a round spot that stays warm."""
    for _ in range(rng.choice([1, 2], p=[0.75, 0.25])):
        field += np.float32(rng.uniform(0.12, 0.4)) * _below(
            rng, len(field), rng.uniform(2.5, 6), 0.9
        )


def delamination(field: Field, rng: Generator) -> None:
    """Lift a layer off: a wide ragged region that stays warm, with a soft edge."""
    field += np.float32(rng.uniform(0.1, 0.3)) * _below(
        rng, len(field), rng.uniform(10, 26), rng.uniform(0.3, 0.6), ragged=0.4
    )


def traced(field: Field, change: Field, rng: Generator) -> None:
    """Let what changed on the surface (size, size) be seen faintly: it radiates otherwise."""
    field += np.float32(rng.choice([-1, 1]) * rng.uniform(0.2, 0.5)) * np.clip(change, 0, 1)


def thermogram(field: Field, size: int, rng: Generator) -> NDArray[np.uint8]:
    """Return the grey picture (size, size, 3) of a temperature (k * size, k * size)."""
    step = len(field) // size
    scene = field.reshape(size, step, size, step).mean(axis=(1, 3))
    scene = gaussian_filter(scene, rng.uniform(0.9, 1.5) * size / SIDE, mode="nearest")
    scene = np.float32(rng.uniform(0.4, 0.55)) + scene - scene.mean()
    scene += np.float32(rng.uniform(0.008, 0.02)) * rng.standard_normal(scene.shape, np.float32)
    grey = np.rint(np.clip(scene, 0, 1) * 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _below(rng: Generator, size: int, radius: float, edge: float, *, ragged: float = 0.15) -> Field:
    """Return the mask (size, size) of something below the surface, as heat spreads over it."""
    radii = (radius, radius * rng.uniform(0.7, 1))
    angle = rng.uniform(0, np.pi)
    mask, _ = blob(rng, size, place(rng, 12), radii, angle=angle, ragged=ragged, edge=edge)
    return mask
