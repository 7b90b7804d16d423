"""The deepest level alone: what a fusion is measured against."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from mlff_cli.backbones.levels import LevelInfo
from mlff_cli.features.pooling import LevelInput
from mlff_cli.fusion.base import FusionLayer, Standardisation
from mlff_cli.tasks.modalities import SEPARATOR


class DeepestLevel(FusionLayer):
    """The average-pooled deepest level, standardised; nothing in it trains."""

    def __init__(self, levels: Sequence[LevelInfo]) -> None:
        super().__init__()
        # Of several images of a part, the deepest level of each: they stand depth by depth.
        deepest = {level.name.partition(SEPARATOR)[0]: level for level in levels}
        last = deepest.values() if SEPARATOR in levels[-1].name else levels[-1:]
        self.inputs = tuple(LevelInput(level.name, "mean") for level in last)
        self.width = sum(level.channels for level in last)
        self.scaling = Standardisation(self.width)

    def take_constants(self, batches: Iterable[Sequence[Tensor]]) -> None:
        """Take the constants of the standardisation from batches [(B, C)]."""
        self.scaling.fit(batches, lambda inputs: torch.cat(list(inputs), dim=1))

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Return the deepest level (B, C)."""
        descriptor: Tensor = self.scaling(torch.cat(list(inputs), dim=1))
        return descriptor
