"""Which of several kinds an image is of, told by what is known of each kind alone."""

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlff_cli.heads.novelty import Novelty


class Nearest(nn.Module):
    """Distances to the means of kinds, by the covariance that they have in common.

    The rule of Fisher's linear discriminant. By the covariance of each kind alone whatever varies
    most would draw the images of all others to itself.

    Attributes:
        whitening: (D, D), the inverse of the lower root of the mean covariance.
        means: (P, D), of the kinds, whitened.
    """

    whitening: Tensor
    means: Tensor

    def __init__(self, whitening: Tensor, means: Tensor) -> None:
        super().__init__()
        self.register_buffer("whitening", whitening)
        self.register_buffer("means", means @ whitening.T)

    @classmethod
    def of(cls, kinds: Sequence[Novelty]) -> Self:
        """Make one of P kinds, each of a single class."""
        root = torch.linalg.cholesky(sum(map(_covariance, kinds)) / len(kinds))
        one = torch.eye(len(root), dtype=root.dtype, device=root.device)
        whitening = torch.linalg.solve_triangular(root, one, upper=False)
        return cls(whitening.float(), torch.cat([kind.means for kind in kinds]))

    def forward(self, descriptors: Tensor) -> Tensor:
        """Return the squared distance (B, P) of descriptors (B, D) to each kind."""
        rows = F.normalize(descriptors.float()) @ self.whitening.T
        # By differences: what an image is told must not depend on how many are told it at once.
        exact = "donot_use_mm_for_euclid_dist"
        return torch.cdist(rows, self.means, compute_mode=exact).square()


def _covariance(kind: Novelty) -> Tensor:
    """Return the covariance (D, D) that its distances go by."""
    axes, rest = kind.axes.double(), kind.rest.double()
    beyond = axes * (kind.variances.double() - rest)
    one = torch.eye(len(axes), dtype=axes.dtype, device=axes.device)
    return beyond @ axes.T + rest * one
