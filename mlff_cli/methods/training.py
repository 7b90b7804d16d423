"""Training on parts: what is described alike and read by different heads, a batch at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlff_cli.heads.base import Head
from mlff_cli.methods.base import Journal
from mlff_cli.methods.epochs import run_epochs
from mlff_cli.methods.optimiser import Optimisation
from mlff_cli.system.device import Device


class Examples(Protocol):
    """Examples by position: `Columns` of features, or images."""

    def __getitem__(self, positions: Tensor, /) -> list[Tensor]:
        """Return one tensor (B, ...) per input, of the examples at positions (B,)."""
        ...


Taken = tuple[Examples, Tensor]
"""Examples of one part, and the positions (B_p,) of those that are in a batch."""

Penalty = Callable[[Tensor, Sequence[Taken]], Tensor]
"""Descriptors (B, D) and what they describe, part after part, to what is added to the loss."""


@dataclass(frozen=True)
class Part:
    """What one head learns from.

    Attributes:
        examples: What an epoch (from 1) trains on; N examples.
        targets: (N, ...), on the device.
    """

    head: Head
    examples: Callable[[int], Examples]
    targets: Tensor


@dataclass(frozen=True)
class Settings(Optimisation):
    """How is trained: the keys that the YAML of every method that trains has.

    Attributes:
        dropout: Share of the descriptor's channels left out at random.
    """

    dropout: float


def train(
    describe: nn.Module,
    parts: Sequence[Part],
    settings: Settings,
    *,
    device: Device,
    journal: Journal,
    seed_of: Callable[[int], int],
    title: str,
    penalty: Penalty | None = None,
    rehearsed: Sequence[Part] = (),
    threads: int | None = None,
) -> None:
    """Train a module that makes descriptors, and the heads of all parts, together.

    A batch holds examples of all parts as they come; each is read by the head of its own part.
    One part is one experience, many are joint training. What is rehearsed makes half of each
    batch, drawn at random from all of it.

    Args:
        describe: Maps one tensor (B, ...) per input to descriptors (B, D).
        parts: Heads, and what they learn from.
        settings: Epochs, batches, optimiser and dropout.
        device: Where, and in which precision.
        journal: Keeps what a resumed run needs.
        seed_of: Epoch to seed.
        title: What the progress bar says.
        penalty: Added to the loss of the heads.
        rehearsed: What was learned before, as far as it is kept.
        threads: Of the processor; None: as many as there are.

    Raises:
        DivergedError: The loss or a weight is no finite number.
    """
    everything = [*parts, *rehearsed]
    new, old = (sum(len(part.targets) for part in some) for some in (parts, rehearsed))
    objective = Objective(describe, everything, settings.dropout, device.device, penalty)

    def loss(positions: Tensor, epoch: int) -> Tensor:
        if old:
            positions = torch.cat([positions, torch.randint(new, new + old, positions.shape)])
        return objective.loss(positions, epoch)

    run_epochs(
        [describe, *dict.fromkeys(part.head for part in everything)],
        loss,
        count=new,
        settings=replace(settings, batch_size=max(1, settings.batch_size // 2))
        if old
        else settings,
        seed_of=seed_of,
        device=device,
        journal=journal,
        title=title,
        threads=threads,
    )


@dataclass(frozen=True)
class Objective:
    """The loss of batches whose examples belong to several parts."""

    describe: nn.Module
    parts: Sequence[Part]
    dropout: float
    device: torch.device
    penalty: Penalty | None

    def loss(self, positions: Tensor, epoch: int) -> Tensor:
        """Return the mean loss of the examples at positions (B,) of all parts in a row."""
        shares = [
            (part, own)
            for part, own in zip(self.parts, self._shares(positions), strict=True)
            if len(own)
        ]
        taken = [(part.examples(epoch), own) for part, own in shares]
        descriptor = self.describe(self._inputs(taken))  # (B, D)
        read = F.dropout(descriptor, self.dropout)
        losses = [
            _weighed(part.head.loss(part.head(rows), part.targets[own]), len(own) / len(positions))
            for (part, own), rows in zip(
                shares, torch.split(read, [len(own) for _, own in shares]), strict=True
            )
        ]
        if self.penalty is not None:
            losses.append(self.penalty(descriptor, taken))
        return losses[0] if len(losses) == 1 else torch.stack(losses).sum()

    def _shares(self, positions: Tensor) -> list[Tensor]:
        """Return which examples of each part stand at positions (B,) of all parts in a row."""
        if len(self.parts) == 1:
            return [positions]
        ends = accumulate((len(part.targets) for part in self.parts), initial=0)
        return [
            positions[(positions >= start) & (positions < end)] - start
            for start, end in pairwise(ends)
        ]

    def _inputs(self, taken: Sequence[Taken]) -> list[Tensor]:
        """Return one tensor (B, ...) per input, part after part."""
        parts = [
            [column.to(self.device, non_blocking=True) for column in examples[own]]
            for examples, own in taken
        ]
        return [_joined(columns) for columns in zip(*parts, strict=True)]


def _weighed(loss: Tensor, share: float) -> Tensor:
    return loss if share == 1 else loss * share


def _joined(columns: Sequence[Tensor]) -> Tensor:
    return columns[0] if len(columns) == 1 else torch.cat(list(columns))
