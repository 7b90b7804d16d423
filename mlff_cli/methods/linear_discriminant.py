"""Linear discriminant analysis from sums: one covariance for all classes, shrunk, equal priors."""

import torch
from torch import Tensor

NEVER = -1e9
"""The discriminant of a class without images; far below any other, and finite."""

NO_SPREAD = 1e-12
"""Share of the mean square length below which a spread is nothing but rounding."""


def discriminants(counts: Tensor, sums: Tensor, outer: Tensor) -> tuple[Tensor, Tensor]:
    """Return weight (C, D) and bias (C,) of the linear discriminants w x + b of all classes.

    With the mean m_c of a class, the mean m of these means, u_c = m_c - m and the shrunk
    covariance S within classes: w_c = S^-1 u_c, b_c = -w_c (m + u_c / 2). That is the usual
    S^-1 m_c and -m_c S^-1 m_c / 2 less what all classes share, which softmax does not see and in
    which single precision would lose digits.

    Args:
        counts: (C,) Images of each class; 0 for one that was not seen yet.
        sums: (C, D) Sums of their descriptors.
        outer: (D, D) The sum of the outer products of all of them.
    """
    seen = counts > 0
    n, s = counts[seen], sums[seen]
    means = s / n[:, None]
    within = outer - means.T @ s
    factor = torch.linalg.cholesky(_covariance(within, outer, n.sum()))
    centre = means.mean(dim=0)
    centred = means - centre
    solved = torch.cholesky_solve(centred.T, factor).T
    weight, bias = torch.zeros_like(sums), torch.full_like(counts, NEVER)
    weight[seen] = solved
    bias[seen] = -(solved * (centre + centred / 2)).sum(dim=1)
    return weight, bias


def oas(covariance: Tensor, count: Tensor) -> Tensor:
    """Return the share of the identity in a covariance (D, D) of `count` rows, from 0 to 1.

    Oracle approximating shrinkage (Chen et al. 2010, arXiv 0907.4698, formula 23), in the form
    of scikit-learn.
    """
    width = len(covariance)
    square = covariance.diagonal().mean() ** 2
    alpha = covariance.square().mean()
    share = (alpha + square) / ((count + 1) * (alpha - square / width))
    return torch.nan_to_num(share, nan=1.0, posinf=1.0).clamp(max=1.0)


def _covariance(within: Tensor, outer: Tensor, count: Tensor) -> Tensor:
    """Return the shrunk covariance (D, D); the identity where every image is its class's mean."""
    identity = torch.eye(len(within), dtype=within.dtype, device=within.device)
    if within.trace() <= NO_SPREAD * outer.trace():
        return identity
    covariance = (within + within.T) / (2 * count)
    share = oas(covariance, count)
    return (1 - share) * covariance + share * covariance.diagonal().mean() * identity
