"""How far products lie from each other, told by the statistics of their training images."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mlff_cli.heads.nearest import Nearest
from mlff_cli.heads.novelty import Novelty

AXES = 8
"""Directions of the means of all levels whose variance is kept of each product."""


def sketch(rows: Tensor) -> Novelty:
    """Return mean and covariance of the level descriptors (N, U) of a product's images."""
    none = rows.new_empty(0, rows.shape[1])
    classes = [torch.zeros(len(part), dtype=torch.int64) for part in (rows, none)]
    return Novelty.fitted((rows, classes[0]), (none, classes[1]), axes=AXES)


def distances(products: Sequence[Novelty]) -> Tensor:
    """Return the distance (P, P) of the means of products, in deviations.

    Mahalanobis', by the mean of their covariances: the variation within products is the measure of
    what lies between them.
    """
    if not products:
        return torch.empty(0, 0)
    whitened = Nearest.of(products).means
    return torch.cdist(whitened, whitened, compute_mode="donot_use_mm_for_euclid_dist")
