"""The 1x1 form: a convolution per level, learned level weights, global average pooling.

Multi-Level Feature Fusion for Continual Learning in Visual Quality Inspection, arXiv 2601.00725.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from mlff_cli.backbones.levels import LevelInfo
from mlff_cli.features.columns import side_by_side
from mlff_cli.features.pooling import LevelInput, cells
from mlff_cli.fusion.base import FusionLayer, Standardisation


class Conv1x1Fusion(FusionLayer):
    """Descriptor = sum over levels of w_l * pool(conv1x1_l(x_l)).

    A 1x1 convolution and an average over positions commute, GAP(W x + b) = W GAP(x) + b, so the
    convolution is applied to pooled vectors, with the same result and no map to keep. Other ways
    of pooling than the mean have a convolution of their own each. All convolutions lie side by
    side in one matrix, and since the w_l add up to 1, one bias stands for those of all levels.
    """

    level_of: Tensor

    def __init__(self, levels: Sequence[LevelInfo], *, width: int, pooling: Sequence[str]) -> None:
        super().__init__()
        self.names = [level.name for level in levels]
        self.width = width
        self.inputs = tuple(LevelInput(level.name, name) for level in levels for name in pooling)
        per_level = [[level.channels * cells(name) for name in pooling] for level in levels]
        counts = [count for level in per_level for count in level]
        self.scaling = Standardisation(sum(counts))
        self.convolutions = nn.Linear(sum(counts), width)
        for own in torch.split(self.convolutions.weight, counts, dim=1):
            nn.init.uniform_(own, -(own.shape[1] ** -0.5), own.shape[1] ** -0.5)  # as nn.Conv2d
        owner = torch.arange(len(levels)).repeat_interleave(torch.tensor([*map(sum, per_level)]))
        self.register_buffer("level_of", owner, persistent=False)
        self.level_logits = nn.Parameter(torch.zeros(len(levels)))

    def take_constants(self, batches: Iterable[Sequence[Tensor]]) -> None:
        """Take the constants of the standardisation from batches, one (B, C_l, ...) per input."""
        self.scaling.fit(batches, _side_by_side)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Fuse one tensor (B, C_l, ...) per level and pooling into (B, width)."""
        # The features of a batch are fewer numbers than the matrix.
        weights = self.level_logits.softmax(0)[self.level_of]
        fused: Tensor = self.convolutions(self.scaling(_side_by_side(inputs)) * weights)
        return fused

    def level_weights(self) -> dict[str, float]:
        """Return the learned weight of each level; they add up to 1."""
        weights = self.level_logits.detach().softmax(0).tolist()
        return dict(zip(self.names, weights, strict=True))


def _side_by_side(inputs: Sequence[Tensor]) -> Tensor:
    return side_by_side([features.flatten(1) for features in inputs])
