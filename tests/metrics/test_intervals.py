import numpy as np
import pytest
from scipy.stats import beta, binomtest

from mlff_cli.metrics.intervals import (
    clopper_pearson,
    lower_bound,
    needed_for,
    percentiles,
    resampled,
    upper_bound,
)


@pytest.mark.parametrize(
    ("count", "total"),
    [(0, 12), (3, 12), (12, 12), (1, 1), (150, 300), (2, 10**6), (10**6 - 2, 10**6), (600, 1007)],
)
def test_shares_have_the_exact_interval(count, total):
    low, high = clopper_pearson(count, total)
    exact = binomtest(count, total).proportion_ci(0.95, "exact")
    assert (low, high) == pytest.approx((exact.low, exact.high))
    if count:  # which is exact where a share is tiny as well
        assert low == pytest.approx(beta.ppf(0.025, count, total - count + 1), rel=1e-9, abs=0)


def test_no_miss_bounds_the_rate():
    for count in (12, 59, 299):
        assert upper_bound(0, count) == pytest.approx(1 - 0.05 ** (1 / count))
    assert [needed_for(bound) for bound in (0.05, 0.02, 0.01)] == [59, 149, 299]
    assert upper_bound(0, 59) < 0.05 < upper_bound(0, 58)
    assert lower_bound(12, 12) == pytest.approx(beta.ppf(0.05, 12, 1))


def test_nothing_seen_says_nothing():
    assert np.isnan(clopper_pearson(0, 0)).all()
    assert np.isnan(percentiles(np.array([np.nan]))).all()


def test_groups_are_drawn_as_a_whole():
    weights = resampled(["a", "a", "", "", "b"])
    assert weights.shape == (1000, 5)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 2] != weights[:, 3]).any()
    groups = weights[:, [0, 2, 3, 4]]
    assert (groups.sum(axis=1) == 4).all()
    assert (resampled(["a", "a", "", "", "b"]) == weights).all()


def test_a_large_set_is_drawn_less_often():
    assert resampled([""] * 20_000).shape == (200, 20_000)


def test_the_bootstrap_interval_of_a_mean_is_that_of_theory():
    values = np.random.default_rng(0).normal(5, 2, 400)
    weights = resampled([""] * 400)
    low, high = percentiles(weights @ values / weights.sum(axis=1))
    half = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.03)
