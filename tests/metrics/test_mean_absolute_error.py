import numpy as np
import pytest

from mlff_cli.metrics.mean_absolute_error import absolute_errors, mean_absolute_error


def test_of_each_target_and_in_all():
    outputs, targets = np.array([[1.0, 10.0], [3.0, -10.0]]), np.array([[0.0, 10.0], [1.0, 0.0]])
    assert absolute_errors(outputs, targets).tolist() == [1.5, 5.0]
    assert mean_absolute_error(outputs, targets) == 3.25


def test_half_precision_does_not_overflow():
    outputs = np.full((4, 1), 60000, dtype=np.float16)
    assert mean_absolute_error(outputs, -outputs) == 120000


@pytest.mark.filterwarnings("error")
def test_without_rows_there_is_no_value():
    errors = absolute_errors(np.zeros((0, 2)), np.zeros((0, 2)))
    assert np.isnan(errors).all() and errors.shape == (2,)
    assert np.isnan(mean_absolute_error(np.zeros((0, 2)), np.zeros((0, 2))))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="outputs must be finite; 1 rows"):
        mean_absolute_error(np.array([[0.1], [np.inf]]), np.zeros((2, 1)))
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        mean_absolute_error(np.zeros((2, 3)), np.zeros((2, 1)))
