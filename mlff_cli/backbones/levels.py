"""What a backbone says of itself without being built."""

from collections.abc import Sequence
from dataclasses import dataclass

Size = int | tuple[int, int]
"""Of the images that a network sees, in pixels: the side of a square, or height and width."""


def as_size(given: int | Sequence[int]) -> Size:
    """Return a size; that of a square is its side, however it was given."""
    if isinstance(given, int):
        return given
    height, width = given
    return height if height == width else (height, width)


def sides(size: Size) -> tuple[int, int]:
    """Return height and width."""
    return (size, size) if isinstance(size, int) else size


@dataclass(frozen=True)
class LevelInfo:
    """A depth of the backbone at which features are taken."""

    name: str
    channels: int
    stride: int


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes the network's input: of this size, scaled to [0, 1], normalised."""

    size: Size
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
