"""What every head is."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mlff_cli.tasks.record import Record


class Head(nn.Module, ABC):
    """Descriptor in, outputs out; knows its loss, its scores, its targets and its metrics.

    A subclass takes the descriptor's width, the number of outputs and the keys of its YAML.

    Attributes:
        metrics: What its scores are measured by: names of files in metrics/.
    """

    def __init__(
        self, width: int, outputs: int, *, hidden: int, metrics: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self.metrics = tuple(metrics)
        self.hidden = (
            nn.Sequential(nn.Linear(width, hidden), nn.BatchNorm1d(hidden), nn.ReLU())
            if hidden
            else nn.Identity()
        )
        self.output = nn.Linear(hidden or width, outputs)

    def forward(self, descriptor: Tensor) -> Tensor:
        """Map descriptors (B, D) to outputs (B, O)."""
        # A single row has no variance: it is normalised by what was seen so far.
        single = self.training and len(descriptor) == 1
        self.hidden.train(self.training and not single)
        outputs: Tensor = self.output(self.hidden(descriptor))
        return outputs

    def grow(self, outputs: int) -> None:
        """Append outputs up to the number given; those there keep their weights."""
        old = self.output
        if outputs <= old.out_features:
            return
        new = nn.Linear(old.in_features, outputs).to(old.weight.device)
        with torch.no_grad():
            new.weight[: old.out_features] = old.weight
            new.bias[: old.out_features] = old.bias
        self.output = new

    def fit(self, targets: Tensor) -> None:
        """Set what is not trained from the targets of the first experience that it reads."""

    @abstractmethod
    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss over a batch."""

    @abstractmethod
    def scores(self, outputs: Tensor) -> Tensor:
        """Turn outputs (B, O) into what metrics take: probabilities or numbers in their units."""

    @staticmethod
    @abstractmethod
    def targets(records: Sequence[Record], outputs: Sequence[str]) -> Tensor:
        """Return the records' targets, outputs named in order.

        Raises:
            UserError: A record has a label that is no output, or lacks a target.
        """
