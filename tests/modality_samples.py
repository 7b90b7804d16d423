"""Images of parts with several modalities, made of few pixels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlff_cli.tasks.modalities import MultimodalImage


@dataclass(frozen=True)
class Grey:
    """An image of one brightness."""

    value: int
    sides: tuple[int, int] = (16, 16)

    def identity(self) -> str:
        return f"{self.value:064x}"

    def load(self) -> NDArray[np.uint8]:
        return np.full((*self.sides, 3), self.value, np.uint8)


def part(**values: int) -> MultimodalImage:
    """Return the image of a part, given the brightness of each modality."""
    return MultimodalImage(tuple((name, Grey(value)) for name, value in values.items()))
