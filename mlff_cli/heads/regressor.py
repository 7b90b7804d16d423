"""Numbers per image: offsets, angles, sizes."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from mlff_cli.errors import UserError
from mlff_cli.heads.base import Head
from mlff_cli.tasks.record import Record


class Regressor(Head):
    """Targets scaled by the mean and spread of the first experience, smooth L1 loss."""

    answers = "targets"
    mean: Tensor
    spread: Tensor

    def __init__(
        self, width: int, outputs: Sequence[str], *, hidden: int, metrics: Sequence[str] = ()
    ) -> None:
        super().__init__(width, outputs, hidden=hidden, metrics=metrics)
        self.register_buffer("mean", torch.zeros(self.n_outputs))
        self.register_buffer("spread", torch.ones(self.n_outputs))

    def take_constants(self, targets: Tensor) -> None:
        """Take mean and standard deviation per target from (N, T)."""
        self.mean.copy_(targets.mean(dim=0))
        spread = targets.std(dim=0, unbiased=False)
        self.spread.copy_(torch.where(spread > 1e-6, spread, torch.ones_like(spread)))

    def take_fit(self, weight: Tensor, bias: Tensor) -> None:
        """Set the linear layer by a fit of targets in their own units."""
        mean, spread = self.mean.to(bias), self.spread.to(bias)
        super().take_fit(weight / spread[:, None], (bias - mean) / spread)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the smooth L1 loss between logits (B, T) and scaled targets (B, T)."""
        return F.smooth_l1_loss(logits.float(), (targets - self.mean) / self.spread)

    def scores(self, logits: Tensor) -> Tensor:
        """Return numbers (B, T) in the targets' own units."""
        return logits.float() * self.spread + self.mean

    @staticmethod
    def targets(records: Sequence[Record], outputs: Sequence[str]) -> Tensor:
        """Return targets (N, T), float32."""
        for record in records:
            if len(record.targets) != len(outputs):
                raise UserError(
                    f"'{record.name}' has {len(record.targets)} targets; head=regressor expects "
                    f"{len(outputs)} ({', '.join(outputs) or 'this data set names none'})"
                )
        return torch.tensor([record.targets for record in records], dtype=torch.float32)
