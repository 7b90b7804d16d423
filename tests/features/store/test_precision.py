"""In which type a feature is kept, and what cannot be."""

import pytest
import torch

from mlff_cli.errors import UserError
from mlff_cli.features.pooling import MAPS, POOLINGS
from mlff_cli.features.store.precision import as_kept


@pytest.mark.parametrize("kind", POOLINGS)
def test_every_pooling_that_keeps_places_is_half_precision(kind):
    maps = torch.randn(2, 3, 64, 64)
    column = POOLINGS[kind](maps)
    larger = POOLINGS[kind](torch.randn(2, 3, 128, 128))
    assert (kind in MAPS) is (larger.shape != column.shape)
    kept = as_kept(f"deep/{kind}", column, torch.float32)
    assert kept.dtype == (torch.float16 if kind in MAPS else torch.float32)
    assert as_kept(f"deep/{kind}", column, torch.float16).dtype == torch.float16


def test_values_that_are_no_numbers_are_kept_and_larger_ones_refused():
    strange = torch.tensor([[[[float("inf"), float("nan"), 65504.0]]]])
    assert as_kept("a/map", strange, torch.float32).isfinite().tolist() == [
        [[[False, False, True]]]
    ]
    with pytest.raises(UserError, match=r"'a/map' has values above 65,504.*fusion=conv1x1"):
        as_kept("a/map", torch.full((1, 1, 1, 1), -65600.0), torch.float32)
    with pytest.raises(UserError, match=r"features\.dtype=float16 cannot hold values of 'a/max'"):
        as_kept("a/max", torch.full((1, 1), 65600.0), torch.float16)
