"""Ridge regression from sums, and what each penalty costs on held-out images."""

import torch
from torch import Tensor

from mlff_cli.methods.sums import Sums

PENALTIES = tuple(10 ** (halves / 2) for halves in range(-12, 7))
"""The grid, two steps to a power of ten; for descriptors whose length is about 1."""


def ridge(sums: Sums, penalty: float) -> tuple[Tensor, Tensor]:
    """Return weight (O, D) and bias (O,) that minimise |y - W x - b|^2 + penalty |W|^2.

    The bias is not penalised: W = C (S + penalty I)^-1 with the centred sums S of x x^T and C of
    y x^T, solved by Cholesky.
    """
    scatter, cross = _centred(sums)
    one = torch.eye(len(scatter), dtype=scatter.dtype, device=scatter.device)
    regular = scatter + penalty * one
    weight = torch.cholesky_solve(cross.T, torch.linalg.cholesky(regular)).T
    return weight, (sums.output_counts - weight @ sums.total) / sums.count


def held_out_errors(sums: Sums, descriptors: Tensor, targets: Tensor, spread: Tensor) -> Tensor:
    """Return the squared errors (P,) that the ridge of each penalty makes on other images.

    They are in units of the spread, so that outputs weigh alike, and add up over experiences.

    Args:
        sums: What the ridge is solved from, 1 image or more.
        descriptors: (M, D) Of the other images.
        targets: (M, O) Their targets.
        spread: (O,) Variance of each output; outputs where it is 0 do not count.
    """
    scatter, cross = _centred(sums)
    values, vectors = torch.linalg.eigh(scatter)  # once for all penalties
    turned = (descriptors - sums.total / sums.count) @ vectors  # (M, D)
    wanted = targets - sums.output_counts / sums.count  # (M, O)
    answers = vectors.T @ cross.T  # (D, O)
    counted = spread > 0
    errors = [
        (turned / (values.clamp(min=0) + penalty) @ answers - wanted).square().sum(dim=0)
        for penalty in PENALTIES
    ]
    return (torch.stack(errors)[:, counted] / spread[counted]).sum(dim=1)


def cheapest(errors: Tensor) -> int:
    """Return the place in `PENALTIES` of the least errors (P,); the middle one without any."""
    return int(errors.argmin()) if bool(errors.any()) else len(PENALTIES) // 2


def is_at_edge(place: int) -> bool:
    """Return whether a penalty is the first or last of its grid: the best one may lie beyond."""
    return place in (0, len(PENALTIES) - 1)


def _centred(sums: Sums) -> tuple[Tensor, Tensor]:
    """Return the sums of x x^T (D, D) and of y x^T (O, D) about the means of x and y."""
    mean = sums.total / sums.count
    scatter = sums.outer - torch.outer(mean, sums.total)
    cross = sums.output_totals - torch.outer(sums.output_counts, mean)
    return (scatter + scatter.T) / 2, cross
