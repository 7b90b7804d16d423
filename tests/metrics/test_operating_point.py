import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlff_cli.metrics.operating_point import (
    decisions,
    threshold_for_escape,
    threshold_for_overkill,
)

SCORES = np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.9])
DEFECTIVE = np.array([False, False, True, False, True, True])


def test_the_highest_threshold_that_catches_all():
    threshold = threshold_for_escape(SCORES, DEFECTIVE, 0.02)
    assert threshold == 0.25
    found = decisions(SCORES, DEFECTIVE, threshold)
    assert (found.escaped, found.defective, found.rejected, found.good) == (0, 3, 1, 3)
    assert found.escape_bound == pytest.approx(1 - 0.05 ** (1 / 3))
    assert threshold_for_escape(SCORES, DEFECTIVE, 0.4) == 0.5


def test_the_lowest_threshold_that_rejects_none():
    assert threshold_for_overkill(SCORES, DEFECTIVE, 0.0) == 0.5
    assert threshold_for_overkill(SCORES, DEFECTIVE, 0.34) == 0.25


def test_three_of_150_are_two_percent():
    scores, flags = np.linspace(0, 1, 151), np.arange(151) > 0
    assert decisions(scores, flags, threshold_for_escape(scores, flags, 0.02)).escaped == 3


def test_certain_scores_leave_room_on_either_side():
    scores, flags = np.array([1.0, 1.0]), np.array([False, True])
    assert decisions(scores, flags, threshold_for_overkill(scores, flags, 0.0)).rejected == 0
    assert decisions(0 * scores, flags, threshold_for_escape(0 * scores, flags, 0.0)).escaped == 0


@given(
    st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), min_size=2),
    st.floats(0, 1, exclude_max=True),
)
def test_the_limit_is_held_and_the_next_image_would_break_it(rows, most):
    scores, flags = np.array([score for score, _ in rows]), np.array([flag for _, flag in rows])
    if flags.all() or not flags.any():
        return
    threshold = threshold_for_escape(scores, flags, most)
    assert decisions(scores, flags, threshold).escape <= most + 1e-9
    caught = scores[flags & (scores >= threshold)]
    assert decisions(scores, flags, np.nextafter(caught.min(), 2)).escape > most
    threshold = threshold_for_overkill(scores, flags, most)
    assert decisions(scores, flags, threshold).overkill <= most + 1e-9


def test_without_images_of_a_kind_there_is_no_rate():
    found = decisions(np.array([0.4]), np.array([True]), 0.5)
    assert found.escape == 1.0
    assert np.isnan(found.overkill)
    assert np.isnan(found.overkill_bound)
