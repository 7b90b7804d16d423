"""Images that are drawn when they are asked for."""

import hashlib
import json
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class GeneratedImage:
    """An image source that draws its pixels from parameters alone.

    Attributes:
        generator: A module of `mlff_cli.data` with `draw(**parameters) -> uint8 (H, W, 3)` and
            `DRAWING_VERSION`. The name comes from code only, never from a file.
        parameters: Keyword arguments of `draw`, as pairs.
    """

    generator: str
    parameters: tuple[tuple[str, int | float | str], ...]

    def _module(self) -> ModuleType:
        return import_module(f"mlff_cli.data.{self.generator}")

    def identity(self) -> str:
        """Return the sha256 of generator, drawing version and parameters (their order is free)."""
        content = [self.generator, self._module().DRAWING_VERSION, dict(self.parameters)]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def load(self) -> NDArray[np.uint8]:
        """Draw the image."""
        pixels: NDArray[np.uint8] = self._module().draw(**dict(self.parameters))
        return pixels
