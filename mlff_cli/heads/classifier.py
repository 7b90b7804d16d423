"""One class per image."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from mlff_cli.errors import UserError
from mlff_cli.heads.base import Head
from mlff_cli.tasks.record import Record


class Classifier(Head):
    """Softmax over classes, trained by cross-entropy."""

    exclusive = True
    weights: Tensor | None

    def __init__(
        self,
        width: int,
        outputs: Sequence[str],
        *,
        hidden: int,
        label_smoothing: float,
        class_weights: Literal["none", "balanced"] = "none",
        metrics: Sequence[str] = (),
    ) -> None:
        super().__init__(width, outputs, hidden=hidden, metrics=metrics)
        self.label_smoothing = label_smoothing
        self.balanced = class_weights == "balanced"
        # Of the experience that is learned: no part of the state.
        self.register_buffer("weights", None, persistent=False)

    def weigh(self, *shares: Tensor) -> None:
        """Let every class among class indices (N,) weigh alike, if asked to.

        Of one share that is N / (classes N_c); of several their mean frequencies count.
        """
        if self.balanced:
            parts = [own.bincount(minlength=self.n_outputs) / len(own) for own in shares]
            frequencies = torch.stack(parts).mean(dim=0)
            weights = 1 / (frequencies.count_nonzero() * frequencies)
            self.weights = weights.where(frequencies > 0, 0.0)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the cross-entropy of logits (B, C) with class indices (B,)."""
        return F.cross_entropy(
            logits.float(), targets, self.weights, label_smoothing=self.label_smoothing
        )

    def scores(self, logits: Tensor) -> Tensor:
        """Return class probabilities (B, C)."""
        return logits.float().softmax(dim=1)

    @staticmethod
    def targets(records: Sequence[Record], outputs: Sequence[str]) -> Tensor:
        """Return class indices (N,), int64."""
        places = {name: place for place, name in enumerate(outputs)}
        for record in records:
            if len(record.labels) != 1:
                raise UserError(
                    f"'{record.name}' has {len(record.labels)} labels; head=classifier takes one "
                    "per image (head=multi_label takes any number, head=regressor takes targets)"
                )
            if record.labels[0] not in places:
                raise UserError(
                    f"'{record.name}': class '{record.labels[0]}' is none of this head's "
                    f"({', '.join(outputs)})"
                )
        return torch.tensor([places[record.labels[0]] for record in records], dtype=torch.int64)
