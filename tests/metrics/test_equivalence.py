import math

import numpy as np
import pytest
from scipy import stats

from mlff_cli.metrics.equivalence import compare


def test_p_values_worked_by_hand():
    # Differences 0.001, 0.002, 0.003: mean 0.002, deviation 0.001, error 0.001 / sqrt(3).
    # t = 0.007 / 0.00057735 = 12.1244 and -0.003 / 0.00057735 = -5.19615; with two degrees of
    # freedom P(T > t) = (1 - t / sqrt(2 + t^2)) / 2.
    found = compare([0.901, 0.902, 0.903], [0.9, 0.9, 0.9])
    assert found.mean == pytest.approx(0.002) and found.deviation == pytest.approx(0.001)
    upper = (1 - 5.196152 / math.sqrt(2 + 5.196152**2)) / 2
    assert found.equivalence_p == pytest.approx(upper, rel=1e-5) == pytest.approx(0.01755, abs=1e-4)
    two_sided = 1 - 3.464102 / math.sqrt(2 + 3.464102**2)
    assert found.difference_p == pytest.approx(two_sided, rel=1e-5)
    assert found.verdict == "equivalent"


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("count", [2, 3, 10])
def test_the_tests_are_scipys(seed, count):
    random = np.random.default_rng(seed)
    baseline = random.uniform(0.7, 0.9, count)
    method = baseline + random.normal(0.001, 0.004, count)
    found = compare(list(method), list(baseline), margin=0.005)
    low = stats.ttest_1samp(method - baseline, -0.005, alternative="greater").pvalue
    high = stats.ttest_1samp(method - baseline, 0.005, alternative="less").pvalue
    assert found.equivalence_p == pytest.approx(max(low, high))
    assert found.difference_p == pytest.approx(stats.ttest_rel(method, baseline).pvalue)


@pytest.mark.parametrize(
    ("differences", "verdict"),
    [
        ([0.020, 0.021, 0.022], "better"),
        ([-0.020, -0.021, -0.022], "worse"),
        ([0.0001, -0.0001, 0.0], "equivalent"),
        ([0.03, -0.03, 0.01], "not decided"),
        ([0.004, 0.0041, 0.0042], "equivalent"),
        ([0.0055, 0.0056, 0.0057], "better"),
        ([0.0, 0.0, 0.0], "equivalent"),
        ([0.01, 0.01, 0.01], "better"),
        ([-0.01, -0.01], "worse"),
        ([0.005, 0.005, 0.005], "better"),
    ],
)
def test_verdicts(differences, verdict):
    assert compare([0.5 + d for d in differences], [0.5] * len(differences)).verdict == verdict


@pytest.mark.parametrize("scores", [[], [0.9], [0.9, math.nan], [math.nan, math.nan, math.nan]])
def test_too_few_pairs_decide_nothing(scores):
    found = compare(scores, [0.5] * len(scores))
    assert found.verdict == "not decided" and math.isnan(found.equivalence_p)


def test_pairs_without_a_value_are_left_out():
    method, baseline = [0.52, math.nan, 0.521, 0.6, 0.522], [0.5, 0.5, 0.5, math.nan, 0.5]
    assert compare(method, baseline) == compare([0.52, 0.521, 0.522], [0.5, 0.5, 0.5])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("difference", "equivalence_p", "difference_p"),
    [(0.0, 0.0, 1.0), (0.01, 1.0, 0.0), (-0.01, 1.0, 0.0), (0.005, 0.5, 0.0)],
)
def test_p_values_without_spread_are_those_of_certainty(difference, equivalence_p, difference_p):
    found = compare([0.5 + difference] * 3, [0.5] * 3)
    assert (found.equivalence_p, found.difference_p) == (equivalence_p, difference_p)


def test_the_margin_and_the_level_count():
    method, baseline = [0.51, 0.512, 0.514], [0.5, 0.5, 0.5]
    assert compare(method, baseline).verdict == "better"
    assert compare(method, baseline, margin=0.02).verdict == "equivalent"
    assert compare(method, baseline, margin=0.02, level=1e-4).verdict == "not decided"


def test_scores_must_pair():
    with pytest.raises(ValueError, match="2 scores cannot be paired with 1"):
        compare([0.1, 0.2], [0.1])
