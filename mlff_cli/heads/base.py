"""What every head is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mlff_cli.tasks.record import Record


class Head(nn.Module, ABC):
    """Descriptor in, outputs out; knows its loss, its scores, its targets and its metrics.

    A subclass takes the descriptor's width, the number of outputs and the keys of its YAML.
    """

    answers: ClassVar[Literal["labels", "targets"]]
    """What of a record it answers with: its labels, or its numbers."""

    def __init__(self, width: int, outputs: int, *, hidden: int) -> None:
        super().__init__()
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

    @staticmethod
    @abstractmethod
    def metrics(
        scores: NDArray[np.float32], targets: NDArray[np.generic], outputs: Sequence[str]
    ) -> Mapping[str, float]:
        """Return each metric by name; nan where it cannot be computed."""
