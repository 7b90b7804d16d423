"""The discriminant is scikit-learn's; classes of nothing, of one image, and one class alone."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.covariance import oas as oas_of_sklearn
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from mlff_cli.methods.linear_discriminant import NEVER, discriminants, oas


def drawn(seed, rows=30, width=6, classes=3):
    """Return descriptors about their class's mean, and their classes; each class has images."""
    generator = np.random.default_rng(seed)
    labels = np.r_[np.arange(classes), generator.integers(0, classes, rows - classes)]
    means = generator.normal(size=(classes, width))
    scales = generator.uniform(0.1, 2.0, size=width)
    return means[labels] + scales * generator.normal(size=(rows, width)), labels


def solved(descriptors, labels, classes=3):
    rows = torch.from_numpy(descriptors)
    indicators = torch.eye(classes, dtype=torch.float64)[torch.from_numpy(labels)]
    return discriminants(indicators.sum(dim=0), indicators.T @ rows, rows.T @ rows)


def probabilities(rows, weight, bias):
    return (torch.from_numpy(rows) @ weight.T + bias).softmax(dim=1).numpy()


@given(st.integers(0, 10_000), st.integers(2, 60), st.integers(2, 12))
def test_the_shrinkage_is_that_of_scikit_learn(seed, rows, width):
    data = np.random.default_rng(seed).normal(size=(rows, width)) * np.linspace(0.1, 3, width)
    covariance = data.T @ data / rows
    expected, share = oas_of_sklearn(data, assume_centered=True)
    assert float(oas(torch.from_numpy(covariance), torch.tensor(rows))) == pytest.approx(
        share, rel=1e-9
    )
    identity = covariance.trace() / width * np.eye(width)
    np.testing.assert_allclose((1 - share) * covariance + share * identity, expected, rtol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_probabilities_are_those_of_scikit_learn_with_the_same_covariance(seed):
    descriptors, labels = drawn(seed)
    means = np.array([descriptors[labels == c].mean(axis=0) for c in range(3)])

    class Shrunk:
        def fit(self, _):
            self.covariance_ = oas_of_sklearn(descriptors - means[labels], assume_centered=True)[0]
            return self

    # Its own within-class covariance is a mean of per-class ones, weighted by the priors.
    reference = LinearDiscriminantAnalysis(
        solver="lsqr", covariance_estimator=Shrunk(), priors=[1 / 3] * 3
    ).fit(descriptors, labels)
    found = probabilities(descriptors, *solved(descriptors, labels))
    np.testing.assert_allclose(found, reference.predict_proba(descriptors), atol=1e-9)


def test_the_oas_of_no_spread_is_one():
    assert float(oas(torch.zeros(3, 3, dtype=torch.float64), torch.tensor(1))) == 1
    assert float(oas(torch.eye(3, dtype=torch.float64), torch.tensor(5))) == 1


def test_one_image_a_class_is_the_nearest_image():
    descriptors = np.random.default_rng(0).normal(size=(3, 50))
    found = probabilities(descriptors, *solved(descriptors, np.arange(3)))
    assert (found.argmax(axis=1) == np.arange(3)).all() and found.max(axis=1).min() > 0.99


def test_fewer_images_than_channels_are_told_apart():
    descriptors, labels = drawn(1, rows=12, width=200)
    weight, bias = solved(descriptors, labels)
    assert torch.isfinite(weight).all()
    assert (probabilities(descriptors, weight, bias).argmax(axis=1) == labels).mean() > 0.9


def test_a_class_that_was_not_seen_yet_is_never_the_answer():
    descriptors, labels = drawn(2, classes=2)
    weight, bias = solved(descriptors, labels, classes=3)
    assert float(bias[2]) == NEVER and not weight[2].any()
    found = probabilities(descriptors, weight, bias)
    assert (found[:, 2] == 0).all()
    np.testing.assert_allclose(
        found[:, :2], probabilities(descriptors, *solved(descriptors, labels, classes=2))
    )


def test_a_single_class_is_always_the_answer():
    descriptors, labels = drawn(3, classes=1)
    weight, bias = solved(descriptors, labels, classes=1)
    assert not weight.any() and not bias.any()


def test_priors_are_equal_however_many_images_a_class_has():
    descriptors, labels = drawn(4, rows=40, classes=2)
    many = np.r_[labels, np.zeros(400, dtype=int)]
    mean = np.repeat(descriptors[labels == 0].mean(axis=0)[None], 400, axis=0)
    weight, bias = solved(np.r_[descriptors, mean], many, classes=2)
    middle = (descriptors[labels == 0].mean(axis=0) + descriptors[labels == 1].mean(axis=0)) / 2
    assert probabilities(middle[None], weight, bias)[0] == pytest.approx([0.5, 0.5])
