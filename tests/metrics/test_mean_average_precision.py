import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlff_cli.metrics.mean_average_precision import average_precision, mean_average_precision


@st.composite
def ranked(draw):
    """Scores and truth of one class; few distinct scores, so that many are equal."""
    n = draw(st.integers(1, 60))
    positive = draw(hnp.arrays(bool, n).filter(lambda p: p.any()))
    elements = draw(
        st.sampled_from(
            [
                st.sampled_from([0.0, -0.0, 0.25, 1.0]),
                st.just(0.5),
                st.floats(-1e6, 1e6, width=32),
                st.floats(0, 1, width=32),
            ]
        )
    )
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    return draw(hnp.arrays(dtype, n, elements=elements)), positive


@settings(max_examples=300)
@given(ranked())
def test_average_precision_is_that_of_scikit_learn_bit_by_bit(case):
    from sklearn.metrics import average_precision_score

    scores, positive = case
    assert average_precision(scores, positive) == average_precision_score(positive, scores)


@settings(max_examples=100)
@given(st.integers(0, 2**32 - 1), st.integers(2, 5), st.integers(0, 3))
def test_mean_average_precision_is_the_macro_mean_of_scikit_learn(seed, classes, decimals):
    from sklearn.metrics import average_precision_score

    random = np.random.default_rng(seed)
    targets = np.concatenate([np.arange(classes), random.integers(0, classes, 30)])
    scores = random.random((len(targets), classes)).round(decimals)
    indicators = np.eye(classes)[targets]
    assert mean_average_precision(scores, targets) == pytest.approx(
        average_precision_score(indicators, scores, average="macro"), abs=1e-15
    )


def test_average_precision_by_hand():
    # Ranked: yes, no, yes -> (1/1 + 2/3) / 2.
    assert average_precision(np.array([0.9, 0.8, 0.1]), np.array([True, False, True])) == (
        pytest.approx(5 / 6)
    )
    # All equal: precision is the share of positives, whatever the order of the rows.
    assert average_precision(np.zeros(4), np.array([False, False, False, True])) == 0.25


@given(ranked(), st.randoms(use_true_random=False))
def test_average_precision_does_not_depend_on_the_order_of_rows(case, random):
    scores, positive = case
    order = np.array(random.sample(range(len(scores)), len(scores)))
    assert average_precision(scores[order], positive[order]) == average_precision(scores, positive)


def test_absent_class_is_left_out_and_the_rest_counted():
    scores = np.array([[0.9, 0.1, 0.5], [0.8, 0.2, 0.5], [0.1, 0.7, 0.5]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert mean_average_precision(scores, np.array([0, 0, 1])) == 1.0


def test_two_classes_count_both_columns():
    # Column 0 ranks its one row last of three (1/3), column 1 ranks its two rows 1st and 3rd.
    scores = np.array([[0.1, 0.5], [0.2, 0.9], [0.3, 0.1]])
    value = mean_average_precision(scores, np.array([0, 1, 1]))
    assert value == pytest.approx((1 / 3 + (1 + 2 / 3) / 2) / 2)


@pytest.mark.parametrize("targets", [[], [1], [1, 1, 1]])
def test_fewer_than_two_classes_are_not_computed(targets):
    scores = np.random.default_rng(0).random((len(targets), 3))
    assert np.isnan(mean_average_precision(scores, np.array(targets, dtype=int)))


def test_multilabel_leaves_out_labels_that_none_or_all_have():
    scores = np.array([[0.9, 0.1, 0.3], [0.2, 0.8, 0.2], [0.3, 0.4, 0.1]])
    indicators = np.array([[0, 0, 1], [1, 0, 1], [1, 0, 1]])
    value = mean_average_precision(scores, indicators)
    assert value == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_class_indices_and_their_indicators_are_one_metric():
    random = np.random.default_rng(0)
    scores, targets = random.random((40, 4)), random.integers(0, 3, 40)
    indicators = np.eye(4)[targets]
    assert mean_average_precision(scores, targets) == mean_average_precision(scores, indicators)


def test_labels_that_a_head_learned_later_are_borne_by_no_row():
    scores = np.array([[0.9, 0.1, 0.2], [0.1, 0.9, 0.8]])
    assert mean_average_precision(scores, np.eye(2)) == 1.0


@pytest.mark.parametrize("targets", [np.array([0, 1]), np.eye(2)])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_finite_are_refused(bad, targets):
    with pytest.raises(ValueError, match="finite; 1 rows are not, the first is 1"):
        mean_average_precision(np.array([[0.1, 0.9], [bad, 0.5]]), targets)


def test_targets_that_do_not_fit_are_refused():
    scores = np.zeros((2, 3))
    with pytest.raises(ValueError, match="between 0 and 2"):
        mean_average_precision(scores, np.array([-1, 0]))
    with pytest.raises(ValueError, match="0 or 1"):
        mean_average_precision(scores, np.full((2, 3), 2))
    for shape in ((2, 4), (3, 3)):
        with pytest.raises(ValueError, match=r"scores are \(2, 3\) and indicators"):
            mean_average_precision(scores, np.zeros(shape))
