"""Images that are in memory: from a camera, a notebook, another program."""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlff_cli.errors import UserError
from mlff_cli.images.decoding import WIDEST, ImageProblem, pixels_of


@dataclass(frozen=True, eq=False)
class GivenImage:
    """An image without a file. Its methods raise `UserError` that names it and the trouble.

    Attributes:
        name: How answers and messages call it.
        picture: What was given.
        bits: Of the range that 16-bit values are scaled from.
    """

    name: str
    picture: Image.Image
    bits: int = WIDEST

    def __str__(self) -> str:
        return self.name

    @property
    def is_wide(self) -> bool:
        """Whether it has 16 bits."""
        return self.picture.mode.startswith("I")

    def scaled_from(self, bits: int) -> "GivenImage":
        """Return it with its values scaled from another range."""
        return replace(self, bits=bits)

    def identity(self) -> str:
        """Return the hash (64 hex digits) of what `load` returns."""
        shape = "x".join(map(str, self._pixels.shape))
        return hashlib.sha256(f"given {shape} ".encode() + self._pixels.tobytes()).hexdigest()

    def load(self) -> NDArray[np.uint8]:
        """Return the pixels, RGB, uint8 (H, W, 3), upright, at the image's own size."""
        return self._pixels

    @cached_property
    def _pixels(self) -> NDArray[np.uint8]:
        try:
            return pixels_of(self.picture, self.bits)
        except ImageProblem as problem:
            raise UserError(f"{self.name}: {problem}") from problem


def given_image(name: str, image: Any) -> GivenImage:
    """Return a picture of Pillow, or an array, as an image.

    Arrays are grey (H, W) of uint8 or uint16, or RGB (H, W, 3) of uint8.

    Raises:
        UserError: It is neither of them.
    """
    if isinstance(image, Image.Image):
        return GivenImage(name, image)
    array = np.asarray(image)
    grey, rgb = array.ndim == 2, array.ndim == 3 and array.shape[2] == 3
    if (array.dtype == np.uint8 and (grey or rgb)) or (array.dtype == np.uint16 and grey):
        return GivenImage(name, Image.fromarray(np.ascontiguousarray(array)))
    raise UserError(
        f"{name}: is {array.dtype} of shape {tuple(array.shape)}; give uint8 (H, W, 3) in RGB "
        "order with values from 0 to 255, uint8 or uint16 (H, W), a picture of Pillow, or a path"
    )
