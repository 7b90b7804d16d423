"""The means of all levels, each of length 1: what closed-form methods read. Nothing trains."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from mlff_cli.backbones.levels import LevelInfo
from mlff_cli.features.pooling import mean_inputs
from mlff_cli.fusion.base import FusionLayer


class NormalisedMeans(FusionLayer):
    """L2-normalised means side by side, or random features of them.

    It takes no constants from data: the descriptor of an image depends on that image alone, and
    sums of descriptors on no order. Random features are relu(P x), P drawn by the run's seed
    (McDonnell et al. 2023, RanPAC, arXiv 2307.02251); with P of variance 2/R they keep, in the
    mean, the length of x.
    """

    projection: Tensor

    def __init__(self, levels: Sequence[LevelInfo], *, random_features: int) -> None:
        super().__init__()
        self.inputs = tuple(mean_inputs(levels))
        channels = sum(level.channels for level in levels)
        self.width = random_features or channels
        # Without random features there is none to keep: (0, D).
        scale = (2 / max(1, random_features)) ** 0.5
        self.register_buffer("projection", scale * torch.randn(random_features, channels))

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Map one tensor (B, C_l) per level to (B, D), or to (B, R) random features."""
        means = torch.cat([F.normalize(level, dim=1) for level in inputs], dim=1)  # (B, D)
        if not len(self.projection):
            return means
        return (means @ self.projection.T).relu()  # (B, R)
