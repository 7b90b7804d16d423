"""What every fusion layer is."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from mlff_cli.features.pooling import LevelInput
from mlff_cli.fusion.alignment import Transform


class FusionLayer(nn.Module, ABC):
    """Levels in, descriptor out; knows nothing of experiences.

    A subclass takes the levels (a tuple of `LevelInfo`) and the keys of its YAML.

    Attributes:
        inputs: What it reads, in the order in which `forward` takes it.
        width: Channels of the descriptor.
        fitted: Whether its constants are taken; part of its state.
        has_places: Whether `where` tells what each place adds.
        can_align: Whether `align` can be asked for.
    """

    has_places: ClassVar[bool] = False
    can_align: ClassVar[bool] = False
    inputs: tuple[LevelInput, ...]
    width: int
    fitted: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("fitted", torch.tensor(False))

    @abstractmethod
    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Fuse one tensor (B, C_l, ...) per input into a descriptor (B, width)."""

    def descriptors(self, batches: Iterable[Sequence[Tensor]]) -> Tensor:
        """Return the descriptors (N, width) of batches of one (B, C_l, ...) per input."""
        device = self.fitted.device
        return torch.cat([self([column.to(device) for column in inputs]) for inputs in batches])

    def fit(self, batches: Iterable[Sequence[Tensor]]) -> None:
        """Take the constants, once: they never follow the data.

        What an old head reads must not move because a new product arrived.

        Args:
            batches: One (B, C_l, ...) per input; gone through as often as there are passes.
        """
        if not bool(self.fitted):
            self.take_constants(batches)
            self.fitted.fill_(True)

    def take_constants(self, batches: Iterable[Sequence[Tensor]]) -> None:
        """Set what never trains from features; most layers override it or have nothing to set."""

    def where(self, inputs: Sequence[Tensor], weights: Tensor) -> Tensor:
        """Return what each place adds to a weighted sum of the descriptor, if it `has_places`.

        Args:
            inputs: As `forward` takes them.
            weights: (B, width), of the channels of the descriptor.

        Returns:
            (B, H, W), on the grid where levels meet.
        """
        raise NotImplementedError

    def align(self, transforms: Sequence[Transform]) -> None:
        """Read inputs from now on as if they had gone through transforms, if it `can_align`.

        Args:
            transforms: One for each input.
        """
        raise NotImplementedError

    def level_weights(self) -> dict[str, float]:
        """Return the share of each level in the descriptor; empty if the layer learns none."""
        return {}


class Standardisation(nn.Module):
    """Shifts and scales each channel by constants: the scales of levels are orders apart."""

    mean: Tensor
    std: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("std", torch.ones(channels))

    def fit(
        self, batches: Iterable[Sequence[Tensor]], rows: Callable[[Sequence[Tensor]], Tensor]
    ) -> None:
        """Take mean and standard deviation per channel, in two passes of double precision.

        Args:
            batches: The inputs of a fusion layer; gone through twice.
            rows: Makes of the inputs of a batch what is standardised (B, C, ...).
        """
        fit_together([self], batches, lambda inputs: [rows(inputs)])

    def set_constants(self, mean: Tensor, variance: Tensor) -> None:
        """Take mean and variance (C,)."""
        deviation = variance.sqrt()
        self.mean.copy_(mean)
        # A channel that never varies is left alone instead of being blown up.
        self.std.copy_(torch.where(deviation > 1e-6, deviation, torch.ones_like(deviation)))

    def forward(self, features: Tensor) -> Tensor:
        """Standardise features (B, C, ...)."""
        return (features - _by_channel(self.mean, features)) / _by_channel(self.std, features)


def fit_together(
    scalings: Sequence[Standardisation],
    batches: Iterable[Sequence[Tensor]],
    parts: Callable[[Sequence[Tensor]], Sequence[Tensor]] = list,
) -> None:
    """Let several standardisations take their constants in the same two passes.

    Args:
        scalings: One for each part.
        batches: The inputs of a fusion layer; gone through twice.
        parts: Makes of the inputs of a batch what is standardised: one (B, C, ...) each.
    """
    means = [Average() for _ in scalings]
    for inputs in batches:
        for mean, values in zip(means, parts(inputs), strict=True):
            mean.add(values.cpu().double())
    if not all(mean.count for mean in means):
        return
    variances = [Average() for _ in scalings]
    for inputs in batches:
        for variance, mean, values in zip(variances, means, parts(inputs), strict=True):
            variance.add((values.cpu().double() - _by_channel(mean.value, values)) ** 2)
    for scaling, mean, variance in zip(scalings, means, variances, strict=True):
        scaling.set_constants(mean.value, variance.value)


class Average:
    """The mean of each channel over what was added."""

    def __init__(self) -> None:
        self.count, self.total = 0, torch.zeros((), dtype=torch.float64)

    def add(self, values: Tensor) -> None:
        """Count values (B, C, ...) of double precision."""
        self.count += values.numel() // values.shape[1]
        self.total = self.total + values.sum(dim=[0, *range(2, values.ndim)])

    @property
    def value(self) -> Tensor:
        """The mean (C,) of what was added; something must have been."""
        return self.total / self.count


def _by_channel(constants: Tensor, features: Tensor) -> Tensor:
    """Return constants (C,) in the shape that meets features (B, C, ...) channel by channel."""
    return constants.view(-1, *(1,) * (features.ndim - 2))
