"""Multi-Level Feature Fusion, arXiv 2601.00725: frozen backbone, fusion and new head train."""

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor
from torch.nn import functional as F

from mlff_cli.fusion.base import FusionLayer
from mlff_cli.methods.base import Context
from mlff_cli.methods.on_features import TrainedOnFeatures
from mlff_cli.methods.training import Penalty


class MultiLevelFeatureFusion(TrainedOnFeatures):
    """The head's loss, and optionally one that holds the fused descriptor where it was.

    `distillation` weighs the mean squared error between the descriptor and what the fusion layer
    gave before this experience. Where each head has a fusion layer of its own there is nothing to
    hold: those of old products do not change.
    """

    own_fusion = True

    def __init__(
        self,
        context: Context,
        *,
        epochs: int,
        batch_size: int,
        learning_rate: float,
        weight_decay: float,
        dropout: float,
        distillation: float,
    ) -> None:
        super().__init__(
            context,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            dropout=dropout,
        )
        self.distillation = distillation

    def penalty(self, fusion: FusionLayer) -> Penalty | None:
        """Return the pull towards the descriptor of before; a new fusion layer has no before."""
        if self.distillation == 0 or not bool(fusion.fitted):
            return None
        previous = deepcopy(fusion).eval()

        def drift(descriptor: Tensor, inputs: Sequence[Tensor]) -> Tensor:
            with torch.no_grad():
                before = previous(inputs)
            return self.distillation * F.mse_loss(descriptor, before)

        return drift
