"""What every head is."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from mlff_cli.tasks.record import Record


class Head(nn.Module, ABC):
    """Descriptor in, logits out; knows its loss, scores and targets, and names its metrics.

    A subclass takes the descriptor's width, the names of its outputs and the keys of its YAML.

    Attributes:
        answers: What of a record it is trained on: its labels, or its numbers.
        exclusive: Whether exactly one of its outputs is right; targets are then places (N,).
        outputs: The names that it answers with, in the order of the logits.
        metrics: What its scores are measured by: names of files in metrics/.
        fitted: Whether its constants are taken; part of its state.
    """

    answers: ClassVar[Literal["labels", "targets"]] = "labels"
    exclusive: ClassVar[bool] = False
    fitted: Tensor

    def __init__(
        self, width: int, outputs: Sequence[str], *, hidden: int, metrics: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self.metrics = tuple(metrics)
        self.outputs = tuple(outputs)
        self.register_buffer("fitted", torch.tensor(False))
        self.hidden = (
            nn.Sequential(nn.Linear(width, hidden), nn.BatchNorm1d(hidden), nn.ReLU())
            if hidden
            else nn.Identity()
        )
        self.linear = nn.Linear(hidden or width, len(self.outputs))

    @property
    def n_outputs(self) -> int:
        """The number of logits."""
        return len(self.outputs)

    @property
    def is_linear(self) -> bool:
        """Whether it has no hidden layer."""
        return isinstance(self.hidden, nn.Identity)

    def forward(self, descriptor: Tensor) -> Tensor:
        """Map descriptors (B, D) to logits (B, O)."""
        # A single row has no variance: it is normalised by what was seen so far.
        single = self.training and len(descriptor) == 1
        self.hidden.train(self.training and not single)
        logits: Tensor = self.linear(self.hidden(descriptor))
        return logits

    def grow(self, outputs: Sequence[str]) -> None:
        """Append the outputs that are new; those there keep their place and their weights."""
        new = [name for name in outputs if name not in self.outputs]
        if not new:
            return
        old = self.linear
        self.outputs = (*self.outputs, *new)
        self.linear = nn.Linear(old.in_features, self.n_outputs).to(old.weight.device)
        with torch.no_grad():
            self.linear.weight[: old.out_features] = old.weight
            self.linear.bias[: old.out_features] = old.bias

    def fit(self, targets: Tensor) -> None:
        """Take the constants, once, from the first targets that it reads; weigh these targets.

        Called before each training, with all targets (N, ...) that are learned then.
        """
        if not bool(self.fitted):
            self.take_constants(targets)
            self.fitted.fill_(True)
        self.weigh(targets)

    def take_constants(self, targets: Tensor) -> None:
        """Set what never trains from targets (N, ...); most heads have nothing to set."""

    def weigh(self, *shares: Tensor) -> None:
        """Set how much targets count in the loss; in most heads all count alike.

        Of each of several shares, targets (N, ...), equally many are learned from.
        """

    @torch.no_grad()
    def take_fit(self, weight: Tensor, bias: Tensor) -> None:
        """Set the linear layer by a fit of the targets, weight (O, D) and bias (O,).

        A head whose scores are not its logits overrides it, such that the scores are the fit's.
        """
        self.linear.weight.copy_(weight)
        self.linear.bias.copy_(bias)

    @abstractmethod
    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss over a batch."""

    @abstractmethod
    def scores(self, logits: Tensor) -> Tensor:
        """Turn logits (B, O) into what metrics take: probabilities or numbers in their units."""

    @staticmethod
    @abstractmethod
    def targets(records: Sequence[Record], outputs: Sequence[str]) -> Tensor:
        """Return the records' targets, outputs named in order.

        Raises:
            UserError: A record has a label that is no output, or lacks a target.
        """
