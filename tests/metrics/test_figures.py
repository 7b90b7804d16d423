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
    figures,
    final_average,
    forgetting,
    forward_transfer,
    learning,
)
from mlff_cli.metrics.registry import by_name

NAN = float("nan")
NONE_UNSEEN = np.ma.zeros((4, 0))
NEVER = np.ma.array([[NAN]] * 4)
"""Where nothing is scored together."""
MAP, ERROR = by_name("mAP"), by_name("mae dx")
# Rows: untrained, then after experiences 1 to 3.
WORKED = np.ma.array(
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
    ).map(np.ma.array)


def values_of(metric, scores, unseen=NONE_UNSEEN, together=NEVER):
    found = figures(metric, scores, unseen, together)
    return {name: figured.value for name, figured in found.items()}


def test_worked_matrix():
    assert learning(WORKED).value == pytest.approx((0.80 + 0.70 + 0.95) / 3)
    assert final_average(WORKED).value == pytest.approx((0.60 + 0.75 + 0.95) / 3)
    assert average_incremental(WORKED).value == pytest.approx((0.80 + 0.80 + 2.30 / 3) / 3)
    # The best of experience 1 before the end is 0.90, after experience 2.
    assert forgetting(WORKED).value == pytest.approx(((0.90 - 0.60) + (0.70 - 0.75)) / 2)
    assert backward_transfer(WORKED).value == pytest.approx(((0.60 - 0.80) + (0.75 - 0.70)) / 2)
    assert forward_transfer(WORKED).value == pytest.approx(((0.40 - 0.20) + (0.50 - 0.30)) / 2)


def test_forgetting_is_negative_where_later_experiences_helped():
    better = np.ma.array([[0.0, 0.0, 0.0], [0.5, 0.0, 0.0], [0.6, 0.5, 0.0], [0.9, 0.7, 0.8]])
    assert forgetting(better).value == pytest.approx(-((0.9 - 0.6) + (0.7 - 0.5)) / 2)


def test_backward_transfer_is_divided_by_the_experiences_before_the_last():
    scores = np.ma.array([[0.0, 0.0], [0.9, 0.0], [0.5, 0.8]])
    assert backward_transfer(scores).value == pytest.approx(-0.4)


@given(matrices(2, 2))
def test_of_two_experiences_forgetting_is_minus_backward_transfer(scores):
    assert forgetting(scores).value == -backward_transfer(scores).value


@given(matrices(2))
def test_forgetting_is_at_least_minus_backward_transfer(scores):
    assert forgetting(scores).value >= -backward_transfer(scores).value - 1e-12


@given(matrices())
def test_scores_above_the_diagonal_only_move_forward_transfer(scores):
    other = scores.copy()
    for trained in range(len(scores)):
        other[trained, trained:] = NAN
    for title, figure in FIGURES.items():
        if title != "forward transfer" and figure.of == "learned":
            assert figure.function(other).value == pytest.approx(
                figure.function(scores).value, nan_ok=True
            )
    assert np.isnan(forward_transfer(other).value)


def test_one_experience_has_nothing_to_forget():
    scores = np.ma.array([[0.2], [0.9]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = values_of(MAP, scores, np.ma.zeros((2, 0)))
    assert values["learning"] == values["final average"] == values["average incremental"] == 0.9
    for title in ("forgetting", "backward transfer", "forward transfer", "unseen"):
        assert np.isnan(values[title])


def test_all_classes_so_far_are_scored_together():
    together = np.ma.array([[NAN], [0.9], [0.7], [0.5]])
    values = values_of(MAP, WORKED, together=together)
    assert values["together, final"] == 0.5
    assert values["together, average"] == pytest.approx((0.9 + 0.7 + 0.5) / 3)
    alone = np.ma.array([[NAN], [NAN], [0.7], [0.5]], mask=[[0], [1], [0], [0]])
    # A single class cannot be ranked: the average is over the steps that have a value.
    assert values_of(MAP, WORKED, together=alone)["together, average"] == pytest.approx(0.6)
    for title in ("together, final", "together, average"):
        assert np.isnan(values_of(MAP, WORKED)[title])


def test_joint_training_has_its_last_row_alone():
    scores = np.ma.array(np.full((4, 3), NAN))
    scores[-1] = [0.7, 0.8, 0.9]
    values = values_of(by_name("accuracy"), scores)
    assert values["final average"] == pytest.approx(0.8)
    assert all(np.isnan(values[title]) for title in values if title != "final average")


def test_a_cell_that_was_never_scored_blanks_what_needs_it_and_is_never_zero():
    scores = WORKED.copy()
    scores[3, 1] = NAN
    values = values_of(MAP, scores)
    assert values["learning"] == pytest.approx(learning(WORKED).value)
    assert values["forward transfer"] == pytest.approx(forward_transfer(WORKED).value)
    for title in ("final average", "average incremental", "forgetting", "backward transfer"):
        assert np.isnan(values[title])


def test_unseen_is_read_after_the_last_training():
    unseen = np.ma.array([[0.1, 0.1], [0.2, 0.3], [0.3, 0.2], [0.6, 0.8]])
    assert values_of(MAP, WORKED, unseen)["unseen"] == pytest.approx(0.7)


def test_an_error_that_grew_is_positive_forgetting():
    errors = np.ma.array([[9.0, 9.0, 9.0], [2.0, 9.0, 9.0], [1.0, 3.0, 9.0], [4.0, 2.5, 1.0]])
    values = values_of(ERROR, errors, errors[:, :1])
    assert values["learning"] == pytest.approx(2.0)
    assert values["final average"] == pytest.approx(2.5)
    assert values["unseen"] == 4.0
    # Experience 1 was at best 1.0 and ended at 4.0; experience 2 went from 3.0 to 2.5.
    assert values["forgetting"] == pytest.approx((3.0 - 0.5) / 2)
    assert values["backward transfer"] == pytest.approx((-2.0 + 0.5) / 2)
    assert "minus the error" in definition("forgetting", ERROR)
    assert "minus the error" not in definition("forgetting", MAP)


def without_value(scores, experience):
    """An experience that is scored and never has a value."""
    mask = np.zeros(scores.shape, bool)
    mask[:, experience] = True
    return np.ma.array(scores, mask=mask)


@pytest.mark.filterwarnings("error")
def test_an_experience_without_a_value_is_left_out_and_named():
    found = figures(MAP, without_value(WORKED, 1), NONE_UNSEEN, NEVER)
    assert found["learning"] == (pytest.approx((0.80 + 0.95) / 2), (1,))
    assert found["final average"] == (pytest.approx((0.60 + 0.95) / 2), (1,))
    assert found["average incremental"] == (
        pytest.approx((0.80 + 0.90 + (0.60 + 0.95) / 2) / 3),
        (1,),
    )
    assert found["forgetting"] == (pytest.approx(0.90 - 0.60), (1,))
    assert found["backward transfer"] == (pytest.approx(0.60 - 0.80), (1,))
    assert found["forward transfer"] == (pytest.approx(0.50 - 0.30), (1,))


@given(matrices(2), st.data())
def test_leaving_an_experience_out_gives_the_figures_of_the_others(scores, data):
    experience = data.draw(st.integers(0, scores.shape[1] - 1))
    left = without_value(scores, experience)
    for figure, terms in ((learning, np.diagonal(scores, -1)), (final_average, scores[-1])):
        assert figure(left) == (pytest.approx(np.delete(terms, experience).mean()), (experience,))


def test_a_first_experience_without_a_value_blanks_no_average():
    found = average_incremental(without_value(WORKED, 0))
    assert found == (pytest.approx((0.70 + (0.75 + 0.95) / 2) / 2), (0,))


def test_where_no_experience_has_a_value_no_figure_has_one():
    found = figures(
        MAP, np.ma.array(WORKED, mask=True), np.ma.array(WORKED[:, :2], mask=True), NEVER
    )
    assert all(np.isnan(figured.value) for figured in found.values())
    assert found["learning"].left_out == found["average incremental"].left_out == (0, 1, 2)
    assert found["forgetting"].left_out == (0, 1) and found["forward transfer"].left_out == (1, 2)
    assert found["unseen"].left_out == (0, 1)


def test_joint_training_leaves_out_what_has_no_value_and_stays_undefined_elsewhere():
    scores = np.ma.array(np.full((4, 3), NAN))
    scores[-1] = [0.7, 0.8, 0.9]
    scores[-1, 2] = np.ma.masked
    found = figures(MAP, scores, NONE_UNSEEN, NEVER)
    assert found["final average"] == (pytest.approx(0.75), (2,))
    for title in ("learning", "average incremental", "forgetting", "backward transfer"):
        assert np.isnan(found[title].value) and found[title].left_out == ()
