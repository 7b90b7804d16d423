"""Any number of labels per image."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from mlff_cli.errors import UserError
from mlff_cli.heads.base import Head
from mlff_cli.tasks.record import Record


class MultiLabel(Head):
    """A sigmoid per label, trained by binary cross-entropy."""

    def take_fit(self, weight: Tensor, bias: Tensor) -> None:
        """Set the linear layer by a fit p = w x + b of indicators.

        The logit is 4 (p - 1/2): where the sigmoid is steepest it gives p, and 1/2 for 1/2.
        """
        super().take_fit(4 * weight, 4 * (bias - 0.5))

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the binary cross-entropy of logits (B, L) with indicators (B, L)."""
        return F.binary_cross_entropy_with_logits(logits.float(), targets)

    def scores(self, logits: Tensor) -> Tensor:
        """Return label probabilities (B, L)."""
        return logits.float().sigmoid()

    @staticmethod
    def targets(records: Sequence[Record], outputs: Sequence[str]) -> Tensor:
        """Return indicators (N, L), float32."""
        places = {name: place for place, name in enumerate(outputs)}
        indicators = torch.zeros(len(records), len(outputs))
        for row, record in enumerate(records):
            for label in record.labels:
                if label not in places:
                    raise UserError(
                        f"'{record.name}': label '{label}' is none of this head's "
                        f"({', '.join(outputs)})"
                    )
                indicators[row, places[label]] = 1.0
        return indicators
