"""Brings the features of a new domain to where those of an old one lie, without labels."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

CONSTANT = 1e-6
"""Standard deviation up to which a channel counts as one that never varies."""


@dataclass(frozen=True)
class Statistics:
    """What is known of the channels of an input, over all images and places.

    Attributes:
        mean: (C,).
        deviation: (C,), 1 where a channel never varies.
        correlation: (C, C), of channels to each other.
    """

    mean: Tensor
    deviation: Tensor
    correlation: Tensor


@dataclass(frozen=True)
class Transform:
    """Maps the features of the new domain: `rotation` ((x - shift) / scale) * source scale + mean.

    Attributes:
        source: Where features are brought to.
        target: Where they come from.
        rotation: (C, C), of standardised channels.
    """

    source: Statistics
    target: Statistics
    rotation: Tensor


def statistics_of(batches: Iterable[Sequence[Tensor]]) -> list[Statistics]:
    """Return the statistics of each input of a fusion layer, in double precision.

    Args:
        batches: One tensor (B, C_l, ...) per input; gone through once.
    """
    count: list[int] = []
    first: list[Tensor] = []
    second: list[Tensor] = []
    for inputs in batches:
        rows = [part.cpu().double().movedim(1, -1).flatten(0, -2) for part in inputs]
        count = count or [0] * len(rows)
        first = first or [row.new_zeros(row.shape[1]) for row in rows]
        second = second or [row.new_zeros(row.shape[1], row.shape[1]) for row in rows]
        for place, row in enumerate(rows):
            count[place] += len(row)
            first[place] += row.sum(dim=0)
            second[place] += row.T @ row
    return [_statistics(*sums) for sums in zip(count, first, second, strict=True)]


def _statistics(count: int, first: Tensor, second: Tensor) -> Statistics:
    mean = first / count
    covariance = second / count - torch.outer(mean, mean)
    deviation = covariance.diagonal().clamp_min(0).sqrt()
    varies = deviation > CONSTANT
    deviation = torch.where(varies, deviation, torch.ones_like(deviation))
    correlation = covariance / torch.outer(deviation, deviation)
    correlation = correlation * torch.outer(varies, varies)
    return Statistics(mean, deviation, correlation)


def standardising(source: Statistics, target: Statistics) -> Transform:
    """Return what gives every channel of the target the mean and the deviation of the source."""
    return Transform(source, target, torch.eye(len(source.mean), dtype=torch.float64))


def coral(source: Statistics, target: Statistics) -> Transform:
    """Return what gives the target the correlations of the source as well: CORAL.

    Sun, Feng and Saenko 2016 (arXiv 1511.05547): whitened by the covariance of the target,
    coloured by that of the source, the identity added to both.
    """
    identity = torch.eye(len(source.mean), dtype=torch.float64)
    colour = _power(source.correlation + identity, 0.5)
    whiten = _power(target.correlation + identity, -0.5)
    return Transform(source, target, colour @ whiten)


def _power(matrix: Tensor, exponent: float) -> Tensor:
    """Return a power of a symmetric positive matrix (C, C)."""
    values, vectors = torch.linalg.eigh(matrix)
    found: Tensor = (vectors * values.clamp_min(CONSTANT) ** exponent) @ vectors.T
    return found


WAYS = {"standardise": standardising, "coral": coral}
"""How features are aligned, by name."""


@dataclass(frozen=True)
class Absorbed:
    """Constants and weights (O, C) that read new features as the old ones read aligned ones."""

    mean: Tensor
    deviation: Tensor
    weight: Tensor


def absorbed(transform: Transform, mean: Tensor, deviation: Tensor, weight: Tensor) -> Absorbed:
    """Put a transform into what follows it: a standardisation, and a linear layer without bias.

    Args:
        transform: Comes before the standardisation.
        mean: (C,), of the standardisation.
        deviation: (C,), of it.
        weight: (O, C), of the linear layer.
    """
    source, target, rotation = transform.source, transform.target, transform.rotation
    old_mean, old_deviation = mean.double(), deviation.double()
    kept = old_deviation / source.deviation
    back = torch.linalg.solve(rotation, (source.mean - old_mean) / source.deviation)
    return Absorbed(
        (target.mean - back * target.deviation).to(mean.dtype),
        (kept * target.deviation).to(deviation.dtype),
        ((weight.double() / kept) @ rotation * kept).to(weight.dtype),
    )
