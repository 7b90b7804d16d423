"""The deepest level alone: what a fusion is measured against."""

from collections.abc import Iterable, Sequence

from torch import Tensor

from mlff_cli.backbones.levels import LevelInfo
from mlff_cli.features.pooling import LevelInput
from mlff_cli.fusion.base import FusionLayer, Standardisation


class DeepestLevel(FusionLayer):
    """The average-pooled deepest level, standardised; nothing in it trains."""

    def __init__(self, levels: Sequence[LevelInfo]) -> None:
        super().__init__()
        self.inputs = (LevelInput(levels[-1].name, "mean"),)
        self.width = levels[-1].channels
        self.scaling = Standardisation(self.width)

    def take_constants(self, batches: Iterable[Sequence[Tensor]]) -> None:
        """Take the constants of the standardisation from batches [(B, C)]."""
        self.scaling.fit(batches, lambda inputs: inputs[0])

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Return the deepest level (B, C)."""
        descriptor: Tensor = self.scaling(inputs[0])
        return descriptor
