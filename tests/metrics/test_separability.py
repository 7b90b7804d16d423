"""Nearest neighbours and LogME of features, before anything is trained."""

import numpy as np
import pytest
from scipy.optimize import minimize

from mlff_cli.metrics.separability import inner_products, logme, neighbours

ALONE = np.arange(40)


def one_hot(classes, count):
    return np.eye(count)[np.asarray(classes)]


def features(shift, classes=4, images=40, channels=12, seed=0):
    rows = np.random.default_rng(seed).normal(size=(images, channels))
    targets = one_hot(np.arange(images) % classes, classes)
    rows[:, :classes] += shift * targets
    return rows, targets


def evidence(rows, targets):
    """The largest log evidence by a search, of the formula as the paper has it."""
    count, width = rows.shape

    def negative(logarithms, y):
        alpha, beta = np.exp(logarithms)
        matrix = alpha * np.eye(width) + beta * rows.T @ rows
        mean = beta * np.linalg.solve(matrix, rows.T @ y)
        residual = np.square(rows @ mean - y).sum()
        return -0.5 * (
            count * np.log(beta / (2 * np.pi)) + width * np.log(alpha)
            - beta * residual - alpha * mean @ mean - np.linalg.slogdet(matrix)[1]
        )  # fmt: skip

    found = [minimize(negative, [0, 0], (y,), method="Nelder-Mead").fun for y in targets.T]
    return -np.mean(found) / count


@pytest.mark.parametrize(("images", "channels"), [(40, 12), (20, 30)])
def test_logme_is_the_largest_evidence_of_a_linear_model(images, channels):
    rows, targets = features(2.0, images=images, channels=channels)
    scaled = (rows - rows.mean(axis=0)) / rows.std(axis=0) / np.sqrt(channels)
    # Without their mean N numbers are N - 1: along axes that are all at right angles to it.
    axes = np.linalg.svd(np.ones((1, images)))[2][1:]
    expected = evidence(axes @ scaled, axes @ targets)
    assert logme(inner_products(rows), targets) == pytest.approx(expected, abs=1e-4)


def test_what_tells_classes_apart_scores_higher_by_both():
    products = {shift: inner_products(features(shift)[0]) for shift in (0, 1, 4)}
    targets = features(0)[1]
    by_neighbours = [neighbours(p, targets, ALONE).score for p in products.values()]
    by_evidence = [logme(p, targets) for p in products.values()]
    assert by_neighbours == sorted(by_neighbours) and by_evidence == sorted(by_evidence)
    assert by_neighbours[0] < 0.5
    assert by_neighbours[-1] > 0.85


def test_a_neighbour_of_the_same_piece_does_not_count():
    rows, targets = features(0, images=20)
    twice, labels = np.repeat(rows, 2, axis=0), np.repeat(targets, 2, axis=0)
    products = inner_products(twice)
    assert neighbours(products, labels, np.arange(40)).score == 1.0
    assert neighbours(products, labels, np.repeat(np.arange(20), 2)).score < 0.6


def test_every_class_weighs_alike_and_chance_is_one_in_as_many_as_there_are():
    classes = [0] * 36 + [1] * 4
    found = neighbours(np.eye(40), one_hot(classes, 3), ALONE)  # all equally far: the first
    assert found.score == pytest.approx(0.5)
    assert found.floor == 0.5  # the third class has no image
    assert 0 <= found.error < 0.1


def test_numbers_are_right_by_the_share_of_the_floors_error_that_is_saved():
    numbers = np.linspace(0, 10, 40)[:, None]
    near = neighbours(inner_products(numbers), numbers, ALONE, numbers=True)
    assert near.floor == 0 and near.score > 0.85
    noise = np.random.default_rng(0).normal(size=(40, 3))
    assert neighbours(inner_products(noise), numbers, ALONE, numbers=True).score < 0.3


def test_several_labels_count_for_themselves():
    labels = np.stack([np.arange(40) % 2, np.ones(40)], axis=1)
    found = neighbours(inner_products(labels[:, :1]), labels, ALONE)
    assert found.score == 1.0 and found.floor == pytest.approx(0.75)


def test_nothing_is_known_where_nothing_varies():
    products = inner_products(np.ones((40, 3)))
    assert not products.any()
    assert np.isnan(logme(products, one_hot(np.arange(40) % 2, 2)))
    assert np.isnan(logme(np.eye(40), np.ones((40, 1))))


def test_images_of_a_single_piece_have_no_neighbour():
    rows, targets = features(4)
    assert neighbours(inner_products(rows), targets, np.zeros(40, int)).score == 0
