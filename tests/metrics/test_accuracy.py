import numpy as np
import pytest

from mlff_cli.metrics.accuracy import accuracy


def test_accuracy_counts_rows_and_not_batches():
    # 64 rows right, a last batch of 2 wrong: the mean over the batches would be 0.5.
    scores = np.zeros((66, 2))
    scores[:, 0] = 1
    targets = np.array([0] * 64 + [1] * 2)
    assert accuracy(scores, targets) == 64 / 66


def test_accuracy_gives_equal_scores_to_the_first():
    assert accuracy(np.zeros((4, 3)), np.array([0, 0, 1, 2])) == 0.5


@pytest.mark.filterwarnings("error")
def test_without_rows_there_is_no_value():
    assert np.isnan(accuracy(np.zeros((0, 2)), np.zeros(0, dtype=int)))


def test_of_a_single_class_there_is_no_value():
    assert np.isnan(accuracy(np.ones((4, 1)), np.zeros(4, dtype=int)))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_scores_that_are_not_finite_are_refused(bad):
    with pytest.raises(ValueError, match="finite; 1 rows are not, the first is 1"):
        accuracy(np.array([[0.1, 0.9], [bad, 0.5]]), np.array([0, 1]))


def test_targets_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="between 0 and 2"):
        accuracy(np.zeros((2, 3)), np.array([0, 3]))
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        accuracy(np.zeros((2, 3)), np.array([0]))
