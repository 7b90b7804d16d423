import pytest
import torch
from store_samples import everything

from mlff_cli.errors import UserError
from mlff_cli.features.store.memory import MemoryStore


def test_rows_come_back_in_the_order_asked_for():
    store = MemoryStore()
    store.insert(["a", "b", "c"], {"x": torch.arange(6.0).view(3, 2), "y": torch.ones(3, 1)})
    x, y = everything(store.rows(["c", "a", "c"], ["x", "y"]))
    assert x.tolist() == [[4, 5], [0, 1], [4, 5]]
    assert y.shape == (3, 1)


def test_a_row_is_missing_until_it_has_every_name():
    store = MemoryStore()
    store.insert(["a", "b"], {"x": torch.zeros(2, 1)})
    store.insert(["b"], {"y": torch.zeros(1, 1)})
    assert store.missing(["a", "b", "c"], ["x"]) == [2]
    assert store.missing(["a", "b", "c"], ["x", "y"]) == [0, 2]
    assert store.missing([], ["x"]) == []


def test_a_later_row_takes_the_place_of_an_earlier():
    store = MemoryStore()
    store.insert(["a"], {"x": torch.zeros(1, 2)})
    store.insert(["a"], {"x": torch.ones(1, 2)})
    assert everything(store.rows(["a"], ["x"]))[0].tolist() == [[1, 1]]


def test_as_many_rows_as_keys_are_expected():
    with pytest.raises(ValueError, match=r"shorter|longer"):
        MemoryStore().insert(["a", "b"], {"x": torch.zeros(3, 2)})


def test_maps_are_rounded_as_on_disk_and_others_are_left():
    store, maps, means = MemoryStore(), torch.randn(2, 3, 4, 4), torch.randn(2, 3)
    store.insert(["a", "b"], {"deep/map": maps, "deep/mean": means})
    kept, plain = everything(store.rows(["a", "b"], ["deep/map", "deep/mean"]))
    assert torch.equal(kept, maps.half()) and torch.equal(plain, means)
    with pytest.raises(UserError, match=r"'deep/cell2_max'.*65,504"):
        store.insert(["a"], {"deep/cell2_max": torch.full((1, 2, 2, 2), 1e6)})
