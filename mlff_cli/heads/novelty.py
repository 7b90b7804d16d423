"""How unlike its training images an image is, told by what the network sees in it."""

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

AXES = 32
"""Directions whose variance is told apart at most; all others share one."""


class Novelty(nn.Module):
    """Conformal p-values of belonging to each class of the training images.

    The distance is Mahalanobis' of the L2-normalised descriptor to the mean of a class (Lee et al.
    2018, arXiv 1807.03888). Classes share one covariance, that of probabilistic principal
    components (Tipping and Bishop 1999): the variance of `axes`, and one for all other directions.
    The p-value of a distance is (1 + how many of M validation images lie at least as far from
    their own class) / (1 + M): with so few that it cannot fall to a limit nothing is ever novel.

    Attributes:
        means: (C, D), of the normalised descriptors of each class.
        axes: (D, K), orthonormal.
        variances: (K,), along the axes.
        rest: (), the variance along all other directions.
        distances: (M,), of validation images to their own class, ascending.
    """

    means: Tensor
    axes: Tensor
    variances: Tensor
    rest: Tensor
    distances: Tensor

    PARTS = ("means", "axes", "variances", "rest", "distances")

    def __init__(
        self, means: Tensor, axes: Tensor, variances: Tensor, rest: Tensor, distances: Tensor
    ) -> None:
        super().__init__()
        for name, part in zip(self.PARTS, (means, axes, variances, rest, distances), strict=True):
            self.register_buffer(name, part)

    @classmethod
    def fitted(
        cls,
        training: tuple[Tensor, Tensor],
        validation: tuple[Tensor, Tensor],
        *,
        axes: int = AXES,
    ) -> Self:
        """Fit means and covariance to training images, the p-values to validation images.

        Args:
            training: Descriptors (N, D) and classes (N,) from 0, each with an image.
            validation: Descriptors (M, D) and classes (M,), none that is not in training.
            axes: Directions whose variance is told apart, where there are images enough.
        """
        rows, classes = F.normalize(training[0].double()), training[1]
        count = int(classes.max()) + 1
        means = torch.stack([rows[classes == place].mean(dim=0) for place in range(count)])
        means = _rounded(means)
        spread = rows - means[classes]
        width = spread.shape[1]
        kept = max(0, min(axes, (len(rows) - count) // 2, width - 1))
        directions = _rounded(_principal(spread, kept))
        along, off = _along_and_off(spread, directions)
        rest = (off.square().sum() / len(rows) / (width - kept)).clamp_min(1e-12)
        variances = along.square().mean(dim=0).maximum(rest)
        found = cls(
            means.float(), directions.float(), variances.float(), rest.float(), torch.empty(0)
        )
        own = found.distances_of(validation[0].float())
        found.distances = own.gather(1, validation[1][:, None]).flatten().sort().values
        return found

    def distances_of(self, descriptors: Tensor) -> Tensor:
        """Return the squared distance (B, C) of descriptors (B, D) to the mean of each class."""
        apart = F.normalize(descriptors.float())[:, None] - self.means  # (B, C, D)
        along, off = _along_and_off(apart, self.axes)
        return (along.square() / self.variances).sum(dim=2) + off.square().sum(dim=2) / self.rest

    def p_values(self, distances: Tensor) -> Tensor:
        """Return the p-value (B, C) of distances (B, C)."""
        farther = (self.distances >= distances[..., None]).sum(dim=-1)  # (B, C)
        return (1 + farther) / (1 + len(self.distances))

    def forward(self, descriptors: Tensor) -> Tensor:
        """Return the p-value (B, C) of descriptors (B, D) for each class."""
        return self.p_values(self.distances_of(descriptors))

    def parts(self) -> dict[str, Tensor]:
        """Return what it consists of by name, as `of_parts` takes it."""
        return {name: getattr(self, name) for name in self.PARTS}

    @classmethod
    def of_parts(cls, parts: dict[str, Tensor]) -> Self:
        """Make one of its parts.

        Raises:
            KeyError: One is missing.
        """
        return cls(*(parts[name].float() for name in cls.PARTS))


def level_descriptor(levels: Sequence[Tensor]) -> Tensor:
    """Return one descriptor (B, sum of C_l) of the means (B, C_l) of all levels.

    Every level weighs alike. Nothing in it is trained: it is the same for every product.
    """
    return torch.cat([F.normalize(level) for level in levels], dim=1)


def joint_descriptor(descriptors: Tensor, levels: Tensor) -> Tensor:
    """Return what novelty is told by (B, D + U).

    What a head reads (B, D) is trained to tell known classes apart, and may see nothing of another
    one; the means of all levels (B, U) see it, though not as clearly what the head was trained on.
    """
    return torch.cat([F.normalize(descriptors.float()), F.normalize(levels.float())], dim=1)


def _principal(spread: Tensor, count: int) -> Tensor:
    """Return the directions (D, K) in which rows (N, D) vary most about 0."""
    if not count:
        return spread.new_empty(spread.shape[1], 0)
    if len(spread) < spread.shape[1]:  # the smaller of two products that tell the same
        own = torch.linalg.eigh(spread @ spread.T).eigenvectors[:, -count:]
        return F.normalize(spread.T @ own, dim=0)
    directions: Tensor = torch.linalg.eigh(spread.T @ spread).eigenvectors  # smallest first
    return directions[:, -count:]


def _along_and_off(rows: Tensor, axes: Tensor) -> tuple[Tensor, Tensor]:
    """Return rows (..., D) along axes (..., K), and what of them lies in no axis (..., D).

    The latter is not the difference of two squares: it may be a millionth of either.
    """
    along = rows @ axes
    return along, rows - along @ axes.T


def _rounded(values: Tensor) -> Tensor:
    """Return values as half precision keeps them: so files of either precision say the same."""
    return values.half().to(values.dtype)
