"""Drift: how far images are from those that were trained on, against chance."""

import pytest
import torch

from mlff_cli.runs.adapting import drift_of


@pytest.mark.parametrize("count", [20, 200])
def test_images_of_the_same_kind_are_below_the_floor_or_near_it(count):
    rows = torch.randn(400, 30, generator=torch.Generator().manual_seed(count)).double()
    distance, floor = drift_of(rows[:200], rows[200 : 200 + count])
    assert distance < 1.6 * floor


def test_other_images_are_above_it():
    rows = torch.randn(300, 30, generator=torch.Generator().manual_seed(0)).double()
    distance, floor = drift_of(rows[:200], rows[200:] + 0.5)
    assert distance > 2 * floor
    assert distance == pytest.approx(0.5, abs=0.15)


def test_fewer_images_have_a_higher_floor():
    rows = torch.randn(300, 30, generator=torch.Generator().manual_seed(0)).double()
    assert drift_of(rows, rows[:20])[1] > 2 * drift_of(rows, rows[:200])[1]


def test_a_channel_that_never_varies_is_left_out():
    rows = torch.randn(100, 3, generator=torch.Generator().manual_seed(0)).double()
    rows[:, 0] = 1.0
    assert all(map(torch.isfinite, map(torch.tensor, drift_of(rows[:50], rows[50:]))))
