import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from mlff_cli.metrics.ranking import auroc, aurocs, average_precisions, ranked

ROWS = st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(1, 4)), min_size=2)


@given(ROWS)
def test_weighted_images_count_as_often_as_they_weigh(rows):
    scores, positive, weights = map(np.array, zip(*rows, strict=True))
    if positive.all() or not positive.any():
        return
    kinds = ranked(scores, positive, weights[np.newaxis].astype(float))
    repeated = np.repeat(positive, weights), np.repeat(scores, weights)
    assert average_precisions(kinds)[0] == pytest.approx(average_precision_score(*repeated))
    assert aurocs(kinds)[0] == pytest.approx(roc_auc_score(*repeated))


def test_a_sample_that_lacks_a_kind_has_no_value():
    kinds = ranked(np.array([0.1, 0.9]), np.array([False, True]), np.array([[1.0, 0], [0, 2]]))
    assert np.isnan(aurocs(kinds)).all()
    assert np.isnan(average_precisions(kinds)[0])
    assert average_precisions(kinds)[1] == 1.0


def test_equal_scores_are_worth_a_half():
    assert auroc(np.zeros(4), np.array([True, False, False, True])) == 0.5
    assert np.isnan(auroc(np.zeros(0), np.zeros(0, bool)))
