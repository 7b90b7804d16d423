"""Striped plates, drawn from a seed: of two materials, with or without a scratch across."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlff_cli.data.base import Dataset
from mlff_cli.tasks.record import Record

PERIODS = {"fine": 4, "coarse": 9}
"""Material -> pixels from stripe to stripe."""


@dataclass(frozen=True, slots=True)
class Plate:
    """An image that is drawn when it is asked for; small and picklable, for worker processes."""

    period: int
    scratched: bool
    seed: int

    def identity(self) -> str:
        """Return the hash of what it is drawn from; another drawing needs another version."""
        return hashlib.sha256(f"plate, version 1: {self!r}".encode()).hexdigest()

    def load(self) -> NDArray[np.uint8]:
        """Draw 64 x 64 pixels."""
        random = np.random.default_rng([self.period, self.scratched, self.seed])
        down, right = np.mgrid[:64, :64] - 32.0
        turned = right + random.uniform(-1, 1) * down
        grey = 128 + 50 * np.sin(2 * np.pi * turned / self.period + random.uniform(0, 6))
        for _ in range(6):  # stains
            across, along = random.uniform(-32, 32, 2)
            distance = np.hypot(right - across, down - along)
            grey += random.uniform(-90, 90) * np.exp(-((distance / random.uniform(3, 16)) ** 2))
        if self.scratched:
            off = np.abs(down - random.uniform(-16, 16) - random.uniform(-0.5, 0.5) * right)
            grey = np.where(off < 1.5, grey + 110, grey)
        grey += random.normal(0, 8, grey.shape)
        return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


@dataclass(kw_only=True)
class StripedPlates(Dataset):
    """Two products, two classes each. The keys are those of its YAML."""

    image_size: int
    images_per_class: int
    variations: list[str]
    good: str

    def records(self) -> list[Record]:
        """Return the plates, product by product."""
        return [
            Record(
                name=f"{product}-{'scratch' if scratched else self.good}-{seed}",
                image=Plate(period, scratched, seed),
                labels=("scratch" if scratched else self.good,),
                product=product,
            )
            for product, period in PERIODS.items()
            for scratched in (False, True)
            for seed in range(self.images_per_class)
        ]
