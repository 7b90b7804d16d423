"""What every fusion layer is."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mlff_cli.features.pooling import LevelInput


class FusionLayer(nn.Module, ABC):
    """Levels in, descriptor out; knows nothing of experiences.

    A subclass takes the levels (a tuple of `LevelInfo`) and the keys of its YAML.

    Attributes:
        inputs: What it reads, in the order in which `forward` takes it.
        width: Channels of the descriptor.
        dropout: What the descriptor passes on its way to a head, in training.
    """

    inputs: tuple[LevelInput, ...]
    width: int
    dropout: nn.Module

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)

    @abstractmethod
    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Fuse one tensor (B, C_l) per input into a descriptor (B, width)."""

    def fit(self, inputs: Sequence[Tensor]) -> None:
        """Set what is not trained from the first experience's features, one (N, C_l) per input."""

    def level_weights(self) -> dict[str, float]:
        """Return the share of each level in the descriptor; empty if the layer learns none."""
        return {}


class Standardisation(nn.Module):
    """Shifts and scales each channel by constants: levels differ in scale by orders of magnitude.

    The constants are taken once, from the first experience, and never follow the data: what an
    old head reads must not move because a new product arrived.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("std", torch.ones(channels))

    def fit(self, features: Tensor) -> None:
        """Take mean and standard deviation per channel from features (N, C)."""
        self.mean.copy_(features.mean(dim=0))
        # A channel that never varies is left alone instead of being blown up.
        deviation = features.std(dim=0, unbiased=False)
        self.std.copy_(torch.where(deviation > 1e-6, deviation, torch.ones_like(deviation)))

    def forward(self, features: Tensor) -> Tensor:
        """Standardise features (B, C)."""
        return (features - self.mean) / self.std
