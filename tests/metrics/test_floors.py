import math
from itertools import permutations

import numpy as np
import pytest

from mlff_cli.metrics.floors import constant_errors, constant_map, majority, random_map
from mlff_cli.metrics.mean_average_precision import average_precision, mean_average_precision


def labelled(text):
    return [(letter,) for letter in text]


def test_majority_is_that_of_training():
    assert majority(labelled("aaab"), labelled("abbb")) == 0.25
    assert majority([("a", "b"), ("a", "b"), ("a",)], [("a",), ("a", "b")]) == 0.5
    assert math.isnan(majority([], labelled("a"))) and math.isnan(majority(labelled("a"), []))


def test_a_constant_score_is_worth_the_shares_of_the_classes():
    scored = labelled("aaabbc")
    targets = np.array([0, 0, 0, 1, 1, 2])
    assert constant_map(scored) == pytest.approx(1 / 3)
    assert constant_map(scored) == pytest.approx(mean_average_precision(np.zeros((6, 3)), targets))


def test_random_scores_are_worth_the_mean_over_all_orders():
    scored = labelled("aabbb")
    orders = list(permutations(range(5)))
    expected = []
    for letter in "ab":
        positive = np.array([labels == (letter,) for labels in scored])
        expected.append(np.mean([average_precision(np.array(o, float), positive) for o in orders]))
    assert random_map(scored) == pytest.approx(np.mean(expected))


def test_a_class_that_all_or_none_have_cannot_be_ranked():
    assert math.isnan(random_map(labelled("aaa"))) and math.isnan(constant_map([]))
    assert constant_map([("a", "b"), ("a",)]) == 0.5


def test_the_errors_of_the_training_median_are_told_apart():
    trained = np.array([[0.0, 3.0], [1.0, 3.0], [8.0, 4.0]])
    scored = np.array([[2.0, 3.0], [5.0, 4.0]])
    assert constant_errors(trained, scored).tolist() == [2.5, 0.5]
