import numpy as np
import pytest
from predictions_for_tests import numbers, predictions

from mlff_cli.results.predictions import defect_scores, defective, good_class


def test_one_class_each():
    found = predictions("gps", [[0.5, 0.2, 0.3], [0.4, 0.4, 0.2], [0.1, 0.8, 0.1]])
    assert found.targets.tolist() == [0, 2, 1]
    assert found.predicted == [("good",), ("good",), ("scratch",)]
    assert found.bearing("pit").tolist() == [False, True, False]
    assert defect_scores(found, "good") == pytest.approx([0.5, 0.6, 0.9])
    assert defective(found, "good").tolist() == [False, True, True]


def test_any_number_of_labels():
    found = predictions(
        ["-", "sp", "p"],
        [[0.1, 0.2], [0.5, 0.9], [0.1, 0.4]],
        kind="labels",
        outputs=("scratch", "pit"),
    )
    assert found.targets.tolist() == [[False, False], [True, True], [False, True]]
    assert found.predicted == [(), ("scratch", "pit"), ()]
    assert good_class(("good",), found.outputs, "labels") == ""
    assert defective(found, "").tolist() == [False, True, True]
    assert defect_scores(found, "") == pytest.approx([0.2, 0.9, 0.4])


def test_good_may_be_a_label_of_its_own():
    outputs = ("good", "scratch")
    found = predictions(["g", "s"], [[0.9, 0.2], [0.1, 0.7]], kind="labels", outputs=outputs)
    assert good_class(("good",), outputs, "labels") == "good"
    assert defective(found, "good").tolist() == [False, True]
    assert defect_scores(found, "good") == pytest.approx([0.2, 0.7])


def test_numbers_have_no_good_class():
    found = numbers([[1.5], [-2.0]], [[1.0], [2.5]])
    assert found.targets.tolist() == [[1.5], [-2.0]]
    assert found.predicted == [("1.0",), ("2.5",)]
    assert good_class(("good",), ("dx",), "numbers") is None


def test_the_first_name_that_is_a_class_is_the_good_one():
    assert good_class(("fine", "free"), ("crack", "free"), "class") == "free"
    assert good_class(("good",), ("crack", "free"), "class") is None


def test_without_images_there_are_empty_arrays():
    found = predictions([])
    assert found.targets.shape == (0,)
    assert found.predicted == []
    assert predictions([], kind="labels").targets.shape == (0, 3)
    assert np.array(defective(found, "good")).shape == (0,)
