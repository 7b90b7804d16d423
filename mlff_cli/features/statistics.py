"""Summaries of a level's map that fusion layers read, and the store keeps."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from mlff_cli.errors import UserError, nearest


@dataclass(frozen=True)
class LevelInput:
    """One input of a fusion layer: a statistic of a level."""

    level: str
    statistic: str

    @property
    def name(self) -> str:
        """The key under which the store keeps it."""
        return f"{self.level}/{self.statistic}"


def _deviation(maps: Tensor) -> Tensor:
    # Two-pass and uncorrected: a level of 1x1 gives 0 and not NaN.
    return torch.var(maps.float(), dim=(2, 3), unbiased=False).sqrt()


STATISTICS: dict[str, Callable[[Tensor], Tensor]] = {
    "mean": lambda maps: maps.float().mean(dim=(2, 3)),
    "max": lambda maps: maps.float().amax(dim=(2, 3)),
    "deviation": _deviation,
    "grid": lambda maps: F.adaptive_avg_pool2d(maps.float(), 4),
    "map": lambda maps: maps.float(),
}
"""Maps (B, C, H, W) to (B, C) for mean, max, deviation; (B, C, 4, 4) for grid; maps unchanged."""

STANDARD = ("mean", "max", "deviation")
"""Kept for every image, so that another fusion layer finds them stored."""


def statistic(name: str) -> Callable[[Tensor], Tensor]:
    """Return the function of that name.

    Raises:
        UserError: There is none; the message gives the nearest names.
    """
    if name not in STATISTICS:
        raise UserError(f"fusion.statistics: '{name}' is unknown; {nearest(name, STATISTICS)}")
    return STATISTICS[name]
