"""Is a method as good as another? Paired tests on the differences of runs with the same seeds."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

Verdict = Literal["equivalent", "better", "worse", "not decided"]

MARGIN = 0.005
"""Half a percentage point: what the paper calls the same accuracy."""

LEVEL = 0.05
"""Probability of error of each verdict."""


class Comparison(NamedTuple):
    """The verdict and what it rests on; nan where it cannot be computed.

    Attributes:
        verdict: Of the method over the baseline.
        mean: Of the differences, method minus baseline.
        deviation: Of the differences (N - 1).
        equivalence_p: The larger p-value of the two one-sided tests.
        difference_p: The p-value of the two-sided paired t-test that there is no difference.
    """

    verdict: Verdict
    mean: float
    deviation: float
    equivalence_p: float
    difference_p: float


def compare(
    method: Sequence[float],
    baseline: Sequence[float],
    margin: float = MARGIN,
    level: float = LEVEL,
) -> Comparison:
    """Compare scores of two methods, of which more is better, pair by pair.

    Two one-sided t-tests (Schuirmann 1987) with d the mean of the N differences, s their standard
    deviation (N - 1) and e = s / sqrt(N): t = (d + margin) / e rejects "worse by the margin or
    more", t = (d - margin) / e "better by the margin or more", with N - 1 degrees of freedom. Both
    rejected at `level`: "equivalent". Else "better" or "worse" where the two-sided paired t-test
    (t = d / e) finds a difference at `level`, else "not decided", as always with fewer than two
    pairs.

    Args:
        method: Scores, one for each seed.
        baseline: Scores with the same seeds, in the same order.
        margin: Differences smaller than this do not matter.
        level: Probability of error.

    Raises:
        ValueError: There are not as many scores of one as of the other.
    """
    if len(method) != len(baseline):
        raise ValueError(f"{len(method)} scores cannot be paired with {len(baseline)}")
    differences = np.array(method, np.float64) - np.array(baseline, np.float64)
    count = len(differences)
    mean = float(differences.mean()) if count else math.nan
    if count < 2 or not np.isfinite(differences).all():
        return Comparison("not decided", mean, math.nan, math.nan, math.nan)
    deviation = float(differences.std(ddof=1))
    error = deviation / math.sqrt(count)
    equivalence = max(_above(mean + margin, error, count), _above(margin - mean, error, count))
    difference = min(1.0, 2 * _above(abs(mean), error, count))
    verdict: Verdict = "not decided"
    if equivalence < level:
        verdict = "equivalent"
    elif difference < level:
        verdict = "better" if mean > 0 else "worse"
    return Comparison(verdict, mean, deviation, equivalence, difference)


def _above(value: float, error: float, count: int) -> float:
    """Return the p-value of "the true value is at most 0"; without spread 0, 1, or 1/2 at 0."""
    from scipy.stats import t

    # Equal scores differ by rounding alone.
    if error < 1e-12:
        return 0.5 if abs(value) < 1e-12 else float(value < 0)
    return float(t.sf(value / error, count - 1))
