"""Is a method as good as another? Paired tests on the differences of runs with the same seeds."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Verdict = Literal["equivalent", "better", "worse", "not decided"]
Scores = NDArray[np.float64]

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

    Two one-sided paired t-tests (Schuirmann 1987): one rejects "worse by the margin or more", the
    other "better by the margin or more". Both rejected at `level`: "equivalent". Else "better" or
    "worse" where the two-sided paired t-test finds a difference at `level`, else "not decided", as
    always with fewer than two pairs. A pair of which a score is nan is left out.

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
    pairs = np.array([method, baseline], np.float64)  # (2, N)
    left, right = pairs[:, np.isfinite(pairs).all(axis=0)]
    mean = float((left - right).mean()) if len(left) else math.nan
    if len(left) < 2:
        return Comparison("not decided", mean, math.nan, math.nan, math.nan)
    equivalence = max(
        _p_value(left + margin, right, "greater"), _p_value(left - margin, right, "less")
    )
    difference = _p_value(left, right, "two-sided")
    verdict: Verdict = "not decided"
    if equivalence < level:
        verdict = "equivalent"
    elif difference < level:
        verdict = "better" if mean > 0 else "worse"
    return Comparison(verdict, mean, _deviation(left - right), equivalence, difference)


def _p_value(
    left: Scores, right: Scores, alternative: Literal["greater", "less", "two-sided"]
) -> float:
    """Return the p-value of the paired t-test; without any spread what its limit is.

    That is 0 or 1 as the mean lies, and at a mean of 0 that of t = 0: 1/2, two-sided 1.
    """
    from scipy.stats import ttest_rel

    mean = float((left - right).mean())
    # Equal differences spread by rounding alone.
    if _deviation(left - right) >= 1e-12:
        return float(ttest_rel(left, right, alternative=alternative).pvalue)
    if abs(mean) < 1e-12:
        return 1.0 if alternative == "two-sided" else 0.5
    as_claimed = {"greater": mean > 0, "less": mean < 0, "two-sided": True}
    return 0.0 if as_claimed[alternative] else 1.0


def _deviation(differences: Scores) -> float:
    return float(differences.std(ddof=1))
