"""How sure a score is: exact bounds of shares, and bootstrap intervals of anything else."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.05
"""Probability that an interval, or a bound, does not hold the true value."""

RESAMPLES, CELLS = 1000, 2_000_000
"""Bootstrap samples that are drawn, fewer where they would take more than so many weights."""

FEWEST_RESAMPLES = 200

Weights = NDArray[np.float64]
"""(B, N): how often each of N images is in each of B bootstrap samples."""


class Interval(NamedTuple):
    """Lower and upper end; nan where there is none."""

    low: float
    high: float


NONE = Interval(float("nan"), float("nan"))


def clopper_pearson(count: int, total: int) -> Interval:
    """Return the exact 95 % interval of a share (Clopper and Pearson 1934); of none of none nan."""
    return Interval(lower_bound(count, total, LEVEL / 2), upper_bound(count, total, LEVEL / 2))


def upper_bound(count: int, total: int, level: float = LEVEL) -> float:
    """Return what a share lies below with certainty 1 - level, having seen `count` of `total`.

    With a count of 0 that is 1 - level ** (1 / total).
    """
    from scipy.special import betaincinv

    if not total:
        return float("nan")
    return 1.0 if count == total else float(betaincinv(count + 1, total - count, 1 - level))


def lower_bound(count: int, total: int, level: float = LEVEL) -> float:
    """Return what a share lies above with certainty 1 - level, having seen `count` of `total`."""
    from scipy.special import betaincinv

    if not total:
        return float("nan")
    return 0.0 if count == 0 else float(betaincinv(count, total - count + 1, level))


def needed_for(bound: float, level: float = LEVEL) -> int:
    """Return how many images without any miss bound the share of misses at `bound` (above 0)."""
    return int(np.ceil(np.log(level) / np.log1p(-bound))) if bound < 1 else 1


def resampled(groups: Sequence[str], seed: int = 0) -> Weights:
    """Return bootstrap weights (B, N): whole groups are drawn, with replacement, as many as are.

    Images of one group (exposures of one tile) are no independent witnesses (Field and Welsh 2007,
    cluster bootstrap). The same groups and seed give the same weights.

    Args:
        groups: Of each image; "" stands for itself.
        seed: Of the draws.
    """
    named = [group or f"\0{place}" for place, group in enumerate(groups)]
    names, group_of = np.unique(named, return_inverse=True)
    count = len(names)
    samples = int(np.clip(CELLS // max(1, len(groups)), FEWEST_RESAMPLES, RESAMPLES))
    random = np.random.default_rng(seed)
    drawn = random.multinomial(count, np.full(count, 1 / count), size=samples)
    return drawn[:, group_of].astype(np.float64)


def percentiles(values: NDArray[np.float64]) -> Interval:
    """Return the 95 % percentile interval (Efron 1979) of the values of bootstrap samples (B,).

    A sample without a value, nan, is left out.
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return NONE
    low, high = np.quantile(known, [LEVEL / 2, 1 - LEVEL / 2])
    return Interval(float(low), float(high))
