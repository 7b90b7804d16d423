"""What the data sets have in common whose images are drawn."""

import hashlib

import numpy as np
from numpy.random import Generator

from mlff_cli.errors import UserError


def random_of(*parts: object) -> Generator:
    """Return a generator of random numbers that depends on the parts alone."""
    key = "/".join(str(part) for part in parts)
    return np.random.default_rng(int.from_bytes(hashlib.sha256(key.encode()).digest()[:16], "big"))


def check_size(image_size: object) -> None:
    """Raise `UserError` where drawn images cannot have that side."""
    if not isinstance(image_size, int):
        raise UserError(
            f"data.image_size={image_size}: images that are drawn are square; give one number"
        )
    if not 32 <= image_size <= 1024:
        raise UserError(f"data.image_size={image_size}: expected 32 to 1024 pixels")


def check_counts(**counts: int) -> None:
    """Raise `UserError` where one of these keys is below 1."""
    for key, value in counts.items():
        if value < 1:
            raise UserError(f"data.{key}={value}: expected at least 1")
