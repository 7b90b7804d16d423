import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlff_cli.metrics.figures import (
    FIGURES,
    average_incremental,
    backward_transfer,
    definition,
    delta,
    figures,
    final_average,
    forgetting,
    forward_transfer,
    learning,
)

NAN = float("nan")
NONE_UNSEEN = np.zeros((4, 0))
# Rows: untrained, then after experiences 1 to 3.
WORKED = np.array(
    [
        [0.10, 0.20, 0.30],
        [0.80, 0.40, 0.30],
        [0.90, 0.70, 0.50],
        [0.60, 0.75, 0.95],
    ]
)


def matrices(least=1, most=6):
    sizes = st.integers(least, most)
    return sizes.flatmap(
        lambda t: hnp.arrays(np.float64, (t + 1, t), elements=st.floats(0, 1, width=16))
    )


def test_worked_matrix():
    assert learning(WORKED) == pytest.approx((0.80 + 0.70 + 0.95) / 3)
    assert final_average(WORKED) == pytest.approx((0.60 + 0.75 + 0.95) / 3)
    assert average_incremental(WORKED) == pytest.approx((0.80 + 0.80 + 2.30 / 3) / 3)
    # The best of experience 1 before the end is 0.90, after experience 2.
    assert forgetting(WORKED) == pytest.approx(((0.90 - 0.60) + (0.70 - 0.75)) / 2)
    assert backward_transfer(WORKED) == pytest.approx(((0.60 - 0.80) + (0.75 - 0.70)) / 2)
    assert forward_transfer(WORKED) == pytest.approx(((0.40 - 0.20) + (0.50 - 0.30)) / 2)


def test_forgetting_is_negative_where_later_experiences_helped():
    better = np.array([[0.0, 0.0, 0.0], [0.5, 0.0, 0.0], [0.6, 0.5, 0.0], [0.9, 0.7, 0.8]])
    assert forgetting(better) == pytest.approx(-((0.9 - 0.6) + (0.7 - 0.5)) / 2)


def test_backward_transfer_is_divided_by_the_experiences_before_the_last():
    scores = np.array([[0.0, 0.0], [0.9, 0.0], [0.5, 0.8]])
    assert backward_transfer(scores) == pytest.approx(-0.4)


@given(matrices(2, 2))
def test_of_two_experiences_forgetting_is_minus_backward_transfer(scores):
    assert forgetting(scores) == -backward_transfer(scores)


@given(matrices(2))
def test_forgetting_is_at_least_minus_backward_transfer(scores):
    assert forgetting(scores) >= -backward_transfer(scores) - 1e-12


@given(matrices())
def test_scores_above_the_diagonal_only_move_forward_transfer(scores):
    other = scores.copy()
    for trained in range(len(scores)):
        other[trained, trained:] = NAN
    for title, figure in FIGURES.items():
        if title != "forward transfer" and not figure.unseen:
            assert figure.function(other) == pytest.approx(figure.function(scores), nan_ok=True)
    assert np.isnan(forward_transfer(other))


def test_one_experience_has_nothing_to_forget():
    scores = np.array([[0.2], [0.9]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = figures("mAP", scores, np.zeros((2, 0)))
    assert values["learning"] == values["final average"] == values["average incremental"] == 0.9
    for title in ("forgetting", "backward transfer", "forward transfer", "unseen"):
        assert np.isnan(values[title])


def test_joint_training_has_its_last_row_alone():
    scores = np.full((4, 3), NAN)
    scores[-1] = [0.7, 0.8, 0.9]
    values = figures("accuracy", scores, NONE_UNSEEN)
    assert values["final average"] == pytest.approx(0.8)
    assert all(np.isnan(values[title]) for title in values if title != "final average")


def test_a_score_that_was_not_computed_blanks_what_needs_it_and_is_never_zero():
    scores = WORKED.copy()
    scores[3, 1] = NAN
    values = figures("mAP", scores, NONE_UNSEEN)
    assert values["learning"] == pytest.approx(learning(WORKED))
    assert values["forward transfer"] == pytest.approx(forward_transfer(WORKED))
    for title in ("final average", "average incremental", "forgetting", "backward transfer"):
        assert np.isnan(values[title])


def test_unseen_is_read_after_the_last_training():
    unseen = np.array([[0.1, 0.1], [0.2, 0.3], [0.3, 0.2], [0.6, 0.8]])
    assert figures("mAP", WORKED, unseen)["unseen"] == pytest.approx(0.7)


def test_an_error_that_grew_is_positive_forgetting():
    errors = np.array([[9.0, 9.0, 9.0], [2.0, 9.0, 9.0], [1.0, 3.0, 9.0], [4.0, 2.5, 1.0]])
    values = figures("mae dx", errors, errors[:, :1])
    assert values["learning"] == pytest.approx(2.0)
    assert values["final average"] == pytest.approx(2.5)
    assert values["unseen"] == 4.0
    # Experience 1 was at best 1.0 and ended at 4.0; experience 2 went from 3.0 to 2.5.
    assert values["forgetting"] == pytest.approx((3.0 - 0.5) / 2)
    assert values["backward transfer"] == pytest.approx((-2.0 + 0.5) / 2)
    assert "minus the error" in definition("forgetting", "mae dx")
    assert "minus the error" not in definition("forgetting", "mAP")


def test_delta_is_positive_where_the_method_forgets_less():
    assert delta(0.05, 0.02) == pytest.approx(0.03)
