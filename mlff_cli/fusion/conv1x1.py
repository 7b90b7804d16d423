"""The 1x1 form: a convolution per level, learned level weights, global average pooling.

Multi-Level Feature Fusion for Continual Learning in Visual Quality Inspection, arXiv 2601.00725.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mlff_cli.backbones.levels import LevelInfo
from mlff_cli.features.statistics import LevelInput, statistic
from mlff_cli.fusion.base import FusionLayer, Standardisation


class Conv1x1Fusion(FusionLayer):
    """Descriptor = sum over levels of w_l * pool(conv1x1_l(x_l)).

    A 1x1 convolution and an average over positions commute, GAP(W x + b) = W GAP(x) + b, so the
    convolution is applied to pooled vectors, with the same result and no map to keep. Further
    statistics than the mean have a convolution of their own each.
    """

    def __init__(
        self,
        levels: Sequence[LevelInfo],
        *,
        width: int,
        statistics: Sequence[str],
        dropout: float,
    ) -> None:
        super().__init__(dropout)
        for name in statistics:
            statistic(name)
        self.names = [level.name for level in levels]
        self.width = width
        self.inputs = tuple(LevelInput(level.name, name) for level in levels for name in statistics)
        channels = [level.channels for level in levels for _ in statistics]
        self.scaling = nn.ModuleList(Standardisation(count) for count in channels)
        self.convolutions = nn.ModuleList(nn.Linear(count, width) for count in channels)
        self.level_logits = nn.Parameter(torch.zeros(len(levels)))

    def fit(self, inputs: Sequence[Tensor]) -> None:
        """Take the constants of the standardisation from features, one (N, C_l) per input."""
        for scaling, features in zip(self.scaling, inputs, strict=True):
            assert isinstance(scaling, Standardisation)
            scaling.fit(features)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Fuse one tensor (B, C_l) per level and statistic into (B, width)."""
        weights = self.level_logits.softmax(0)
        per_level = len(self.inputs) // len(self.names)
        fused = torch.zeros((), device=inputs[0].device)
        for index, features in enumerate(inputs):
            convolved = self.convolutions[index](self.scaling[index](features))
            fused = fused + weights[index // per_level] * convolved
        return fused

    def level_weights(self) -> dict[str, float]:
        """Return the learned weight of each level; they add up to 1."""
        weights = self.level_logits.detach().softmax(0).tolist()
        return dict(zip(self.names, weights, strict=True))
