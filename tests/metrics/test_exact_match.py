import numpy as np
import pytest

from mlff_cli.metrics.exact_match import exact_match


def test_exact_match_wants_every_label_of_a_row():
    scores = np.array([[0.5, 0.1], [0.9, 0.9], [0.0, 0.0]])
    indicators = np.array([[1, 0], [1, 0], [0, 0]])
    assert exact_match(scores, indicators) == 2 / 3
    assert exact_match(scores, indicators, threshold=0.95) == 1 / 3


def test_a_wrong_label_that_a_head_learned_later_counts():
    scores = np.array([[0.9, 0.1, 0.2], [0.1, 0.9, 0.8]])
    assert exact_match(scores, np.eye(2)) == 0.5


@pytest.mark.filterwarnings("error")
def test_without_rows_there_is_no_value():
    assert np.isnan(exact_match(np.zeros((0, 2)), np.zeros((0, 2))))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="finite"):
        exact_match(np.full((2, 2), np.nan), np.eye(2))
    with pytest.raises(ValueError, match="0 or 1"):
        exact_match(np.zeros((2, 3)), np.full((2, 3), 2))
