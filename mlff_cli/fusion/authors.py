"""The authors' published layer: pool first, then Linear, BatchNorm1d, ReLU per level; concatenate.

ICCMA 2025, doi 10.1109/ICCMA67641.2025.11369688: ResNet-50, four levels, pooled by maximum,
maximum, average, average.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mlff_cli.backbones.levels import LevelInfo
from mlff_cli.errors import UserError
from mlff_cli.features.pooling import LevelInput
from mlff_cli.fusion.base import FusionLayer


class AuthorsFusion(FusionLayer):
    """One block per level, concatenated; the shallow half max-pooled, the deep half averaged."""

    def __init__(self, levels: Sequence[LevelInfo], *, width: int) -> None:
        super().__init__()
        share = width // len(levels)
        if share == 0:
            raise UserError(
                f"fusion.width: {width} channels cannot be shared among {len(levels)} levels; "
                f"give at least {len(levels)}"
            )
        shallow = len(levels) // 2
        self.inputs = tuple(
            LevelInput(level.name, "max" if index < shallow else "mean")
            for index, level in enumerate(levels)
        )
        self.width = share * len(levels)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Linear(level.channels, share), nn.BatchNorm1d(share), nn.ReLU())
            for level in levels
        )

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Fuse one tensor (B, C_l) per level into (B, width)."""
        # A single row has no variance: it is normalised by what was seen so far.
        self.blocks.train(self.training and len(inputs[0]) > 1)
        return torch.cat(
            [block(level) for block, level in zip(self.blocks, inputs, strict=True)], dim=1
        )
