"""Sums over images from which a linear layer is solved: those of experiences simply add up."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Sums:
    """Sums over the images of an experience, float64 on the CPU; x (D,) describes an image.

    Attributes:
        moments: (1 + D, 1 + D) of z z^T, z = (1, x): count, sums and outer products.
        outputs: (O, 1 + D) of y z for each output: of a class, count and sum of its images.
        errors: (P,) What each penalty of the ridge costs on held-out images; 0 where none did.
    """

    moments: Tensor
    outputs: Tensor
    errors: Tensor

    @classmethod
    def of(cls, descriptors: Tensor, targets: Tensor, errors: Tensor) -> "Sums":
        """Return the sums of descriptors (N, D) with targets (N, O), both float64."""
        rows = F.pad(descriptors, (1, 0), value=1.0)  # (N, 1 + D)
        # Output by output: in one product the bits of a row would depend on how many there are.
        outputs = [(target[:, None] * rows).sum(dim=0) for target in targets.T]
        return cls(rows.T @ rows, torch.stack(outputs), errors)

    @property
    def count(self) -> Tensor:
        """The number of images."""
        return self.moments[0, 0]

    @property
    def total(self) -> Tensor:
        """The sum of their descriptors (D,)."""
        return self.moments[0, 1:]

    @property
    def outer(self) -> Tensor:
        """The sum of their outer products (D, D)."""
        return self.moments[1:, 1:]

    @property
    def output_counts(self) -> Tensor:
        """The sum of each output's targets (O,): of a class, the number of its images."""
        return self.outputs[:, 0]

    @property
    def output_totals(self) -> Tensor:
        """The sum of descriptors times target (O, D): of a class, the sum of its images."""
        return self.outputs[:, 1:]

    def having(self, places: Sequence[int]) -> "Sums":
        """Return the sums with the outputs at these places only, in this order."""
        return replace(self, outputs=self.outputs[list(places)])


def added(parts: Sequence[Sums], outputs: int) -> Sums:
    """Return the sum of parts, one or more, added from the first to the last.

    A head that grew since had fewer outputs then: images of before have none of the later ones.
    """
    first, *others = (replace(part, outputs=_padded(part.outputs, outputs)) for part in parts)
    for part in others:
        first = Sums(
            first.moments + part.moments, first.outputs + part.outputs, first.errors + part.errors
        )
    return first


def _padded(rows: Tensor, count: int) -> Tensor:
    return F.pad(rows, (0, 0, 0, count - len(rows)))
