"""What a backbone says of itself without being built."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LevelInfo:
    """A depth of the backbone at which features are taken."""

    name: str
    channels: int
    stride: int


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes the network's input: squared to `size`, scaled to [0, 1], normalised."""

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
