"""How sure a score is: exact bounds of shares, and bootstrap intervals of anything else."""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.05
"""Probability that an interval, or a bound, does not hold the true value."""

RESAMPLES, CELLS = 1000, 2_000_000
"""Bootstrap samples that are drawn, fewer where they would take more than so many weights."""

FEWEST_RESAMPLES = 200

HALVINGS = 52
"""Of an interval from 0 until its ends differ by rounding alone."""

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
    return 1 - lower_bound(total - count, total, level)


@lru_cache
def lower_bound(count: int, total: int, level: float = LEVEL) -> float:
    """Return what a share lies above with certainty 1 - level, having seen `count` of `total`.

    It is the share of which so many or more are seen with probability `level`, found by halving.
    `scipy.special` has it ready, and takes longer to import than a whole report.
    """
    if not total or not count:
        return 0.0 if total else float("nan")
    # Terms further than 20 √total from the mean are below exp(-800) (Hoeffding 1963).
    seen = np.arange(count, min(total, count + 20 * math.isqrt(total) + 20) + 1, dtype=np.float64)
    first = math.lgamma(total + 1) - math.lgamma(count + 1) - math.lgamma(total - count + 1)
    choices = first + np.append(0, np.cumsum(np.log((total - seen[:-1]) / seen[1:])))
    low, high = 0.0, count / total
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        logarithms = choices + seen * math.log(middle) + (total - seen) * math.log1p(-middle)
        low, high = (low, middle) if np.exp(logarithms).sum() > level else (middle, high)
    return high


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
