"""The ridge is scikit-learn's, its errors are those of every penalty by itself."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from mlff_cli.methods.ridge import PENALTIES, cheapest, held_out_errors, is_at_edge, ridge
from mlff_cli.methods.sums import Sums

NOTHING = torch.zeros(len(PENALTIES), dtype=torch.float64)


def drawn(seed=0, rows=40, width=8, outputs=2, noise=0.1):
    generator = torch.Generator().manual_seed(seed)
    descriptors = torch.randn(rows, width, generator=generator, dtype=torch.float64) / width**0.5
    truth = torch.randn(width, outputs, generator=torch.Generator().manual_seed(9)).double()
    noisy = noise * torch.randn(rows, outputs, generator=generator, dtype=torch.float64)
    return descriptors, descriptors @ truth + 3 + noisy


@pytest.mark.parametrize("penalty", [1e-6, 0.1, 30.0])
def test_weight_and_bias_are_those_of_scikit_learn(penalty):
    descriptors, targets = drawn()
    weight, bias = ridge(Sums.of(descriptors, targets, NOTHING), penalty)
    reference = Ridge(alpha=penalty).fit(descriptors, targets)
    np.testing.assert_allclose(weight, reference.coef_, rtol=1e-6)
    np.testing.assert_allclose(bias, reference.intercept_, rtol=1e-6)


def test_errors_are_those_of_each_penalty_in_units_of_the_spread():
    descriptors, targets = drawn()
    others, wanted = drawn(1, rows=7)
    spread = torch.tensor([2.0, 0.0], dtype=torch.float64)  # the second one does not count
    sums = Sums.of(descriptors, targets, NOTHING)
    errors = held_out_errors(sums, others, wanted, spread)
    for place in (0, 9, 18):
        weight, bias = ridge(sums, PENALTIES[place])
        left = (others @ weight.T + bias - wanted)[:, 0].square().sum() / 2
        assert float(errors[place]) == pytest.approx(float(left), rel=1e-6)


def test_more_channels_than_images():
    descriptors, targets = drawn(rows=5, width=30)
    sums = Sums.of(descriptors, targets, NOTHING)
    spread = targets.var(dim=0, correction=0)
    assert torch.isfinite(held_out_errors(sums, descriptors, targets, spread)).all()
    assert all(torch.isfinite(part).all() for part in ridge(sums, PENALTIES[0]))


def test_noise_asks_for_a_larger_penalty():
    chosen = []
    for noise in (0.01, 0.5, 20.0):
        descriptors, targets = drawn(noise=noise)
        others, wanted = drawn(1, noise=noise)
        sums = Sums.of(descriptors, targets, NOTHING)
        chosen.append(cheapest(held_out_errors(sums, others, wanted, targets.var(dim=0))))
    assert chosen == sorted(chosen) and chosen[0] < chosen[-1]


def test_the_least_errors_and_the_edges_of_the_grid():
    assert not is_at_edge(cheapest(NOTHING)) and PENALTIES[cheapest(NOTHING)] < 1
    falling = torch.arange(len(PENALTIES), 0, -1)
    assert cheapest(falling) == len(PENALTIES) - 1 and is_at_edge(cheapest(falling))
    assert cheapest(falling.flip(0)) == 0 and is_at_edge(0)
