import json
import pickle
import tracemalloc
from dataclasses import replace

import pytest
import torch
from safetensors.numpy import load_file
from store_samples import LEVELS, NAMES, SPACE, columns_of, everything, filled, keys_of, shards_of

from mlff_cli.backbones.levels import LevelInfo
from mlff_cli.errors import UserError
from mlff_cli.features.store.disk import FeatureStore, MissingRowsError
from mlff_cli.features.store.maintenance import prune_store
from mlff_cli.features.store.shards import Shard


def same(tensors, numbers, names=NAMES, **arguments):
    expected = columns_of(numbers, **arguments)
    return all(torch.equal(t, expected[n]) for t, n in zip(tensors, names, strict=True))


def test_rows_come_back_in_any_order_and_repeated(tmp_path):
    store = filled(tmp_path, range(50))
    store.insert(keys_of(range(50, 80)), columns_of(range(50, 80)))
    wanted = [79, 3, 50, 3, 3, 0, 49]
    for reader in (store, FeatureStore(tmp_path, SPACE)):
        assert same(everything(reader.rows(keys_of(wanted), NAMES)), wanted)
        assert same(everything(reader.rows(keys_of(wanted), NAMES[::-1])), wanted, NAMES[::-1])


def test_missing_names_the_positions_of_unknown_rows(tmp_path):
    store = FeatureStore(tmp_path, SPACE)
    assert store.missing(keys_of([1, 2]), NAMES) == [0, 1]
    assert not any(tmp_path.iterdir()), "asking writes nothing"
    store.insert(keys_of(range(5)), columns_of(range(5)))
    assert store.missing(keys_of([7, 4, 8, 0, 7]), NAMES) == [0, 2, 4]


def test_a_row_is_missing_while_it_lacks_one_name(tmp_path):
    store = filled(tmp_path, range(4), NAMES)
    more = [*NAMES, "deep/grid"]
    assert store.missing(keys_of(range(4)), more) == [0, 1, 2, 3]
    store.insert(keys_of([2]), {"deep/grid": torch.ones(1, 3, 4, 4)})
    assert store.missing(keys_of(range(4)), more) == [0, 1, 3]
    assert store.missing(keys_of(range(4)), NAMES) == []
    grid, maximum = everything(store.rows(keys_of([2, 2]), ["deep/grid", "deep/max"]))
    assert torch.equal(grid, torch.ones(2, 3, 4, 4))
    assert torch.equal(maximum, columns_of([2, 2])["deep/max"])


def test_reading_unknown_rows_says_what_to_do(tmp_path):
    store = filled(tmp_path, range(4))
    with pytest.raises(MissingRowsError, match=r"1 of 2 rows of deep/max.*start the command again"):
        everything(store.rows(keys_of([1, 9]), ["deep/max"]))
    with pytest.raises(MissingRowsError, match="deep/grid"):
        everything(store.rows(keys_of([1]), ["deep/grid"]))


def test_rows_of_another_process_are_seen_without_reopening(tmp_path):
    reader = FeatureStore(tmp_path, SPACE)
    filled(tmp_path, range(4))
    assert same(everything(reader.rows(keys_of([3]), NAMES)), [3])
    assert reader.missing(keys_of([3]), NAMES) == []


def test_doubled_rows_are_harmless(tmp_path):
    store = filled(tmp_path, [0, 1, 1, 0])
    store.insert(keys_of([1, 2]), columns_of([1, 2]))
    store.insert(keys_of([1, 2]), columns_of([1, 2]))
    assert same(everything(store.rows(keys_of([0, 1, 2]), NAMES)), [0, 1, 2])


def test_zero_rows(tmp_path):
    store = FeatureStore(tmp_path, SPACE)
    assert store.missing([], NAMES) == []
    store.insert([], columns_of([]))
    assert not any(tmp_path.iterdir())
    assert [len(tensor) for tensor in everything(store.rows([], NAMES))] == [0, 0]
    store.insert(keys_of([1]), columns_of([1]))
    assert [tensor.shape for tensor in everything(store.rows([], NAMES))] == [(0, 8), (0, 8)]
    assert store.missing(keys_of([1, 5]), []) == []
    assert everything(store.rows(keys_of([1]), [])) == []


def test_many_rows_make_several_files(tmp_path):
    store = filled(tmp_path, range(9000), width=2)
    assert len(shards_of(store)) == 3
    wanted = list(range(8999, -1, -1))
    assert same(
        everything(FeatureStore(tmp_path, SPACE).rows(keys_of(wanted), NAMES)), wanted, width=2
    )


def test_large_rows_make_small_shards(tmp_path, monkeypatch):
    monkeypatch.setattr("mlff_cli.features.store.shards._BYTES_PER_SHARD", 1000)
    store = filled(tmp_path, range(20), ["a/grid"], width=100)
    assert [p.stat().st_size < 2000 for p in shards_of(store)] == [True] * 10
    (rows,) = everything(store.rows(keys_of([19, 0]), ["a/grid"]))
    assert torch.equal(rows, columns_of([19, 0], ["a/grid"], 100)["a/grid"])


def test_half_precision_is_rounded_once_and_kept_apart(tmp_path):
    values = torch.randn(6, 5) * 100
    store = FeatureStore(tmp_path, SPACE, dtype="float16")
    store.insert(keys_of(range(6)), {"deep/max": values})
    (half,) = everything(store.rows(keys_of(range(6)), ["deep/max"]))
    assert half.dtype == torch.float16
    assert torch.equal(half, values.half())
    assert FeatureStore(tmp_path, SPACE).missing(keys_of(range(6)), ["deep/max"]) == [*range(6)]


def test_half_precision_refuses_what_it_cannot_hold(tmp_path):
    store = FeatureStore(tmp_path, SPACE, dtype="float16")
    with pytest.raises(UserError, match=r"'deep/max' above 65,504.*float32"):
        store.insert(keys_of([0]), {"deep/max": torch.tensor([[70000.0]])})
    store.insert(keys_of([0]), {"deep/max": torch.tensor([[float("inf"), float("nan")]])})


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("kind", ["map", "cell4_max", "cell2_min"])
def test_maps_are_half_precision_in_any_store(dtype, kind, tmp_path):
    values = torch.randn(6, 5, 4, 4) * 100
    store = FeatureStore(tmp_path, SPACE, dtype=dtype)
    store.insert(keys_of(range(6)), {f"deep/{kind}": values, "deep/max": values.amax((2, 3))})
    for reader in (store, FeatureStore(tmp_path, SPACE, dtype=dtype)):
        maps, pooled = everything(reader.rows(keys_of(range(6)), [f"deep/{kind}", "deep/max"]))
        assert torch.equal(maps, values.half()) and maps.dtype == torch.float16
        assert pooled.dtype == getattr(torch, dtype)


def test_a_map_whose_values_half_precision_cannot_hold_is_refused(tmp_path):
    store = FeatureStore(tmp_path, SPACE)
    with pytest.raises(UserError, match=r"'deep/map'.*65,504.*fusion=conv1x1"):
        store.insert(keys_of([0]), {"deep/map": torch.full((1, 2, 3, 3), 70000.0)})


def test_a_damaged_map_is_found_and_computed_again(tmp_path):
    store = FeatureStore(tmp_path, SPACE)
    store.insert(keys_of(range(3)), {"deep/map": torch.randn(3, 5, 4, 4)})
    (shard,) = shards_of(store)
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    assert FeatureStore(tmp_path, SPACE).missing(keys_of(range(3)), ["deep/map"]) == [0, 1, 2]


def test_unknown_type_is_a_user_error(tmp_path):
    with pytest.raises(UserError, match=r"features.dtype: 'float61'.*float16"):
        FeatureStore(tmp_path, SPACE, dtype="float61")


@pytest.mark.parametrize(
    "columns",
    [{"keys": torch.ones(2, 3)}, {"a/mean": torch.ones(3, 3)}, {"a/mean": torch.tensor(1.0)}],
)
def test_wrong_columns_are_refused(tmp_path, columns):
    with pytest.raises(ValueError, match="expected <level>/<pooling> of 2 rows"):
        FeatureStore(tmp_path, SPACE).insert(keys_of(range(2)), columns)


@pytest.mark.parametrize("key", ["", "00", "0" * 31, "g" * 32])
def test_wrong_keys_are_refused(tmp_path, key):
    with pytest.raises(ValueError, match="hex"):
        FeatureStore(tmp_path, SPACE).missing([key], NAMES)


def test_any_layout_and_gradient_of_a_tensor_is_stored(tmp_path):
    store = FeatureStore(tmp_path, SPACE)
    column = torch.arange(12.0, requires_grad=True).reshape(4, 3).T.double()
    store.insert(keys_of(range(3)), {"a/mean": column})
    (stored,) = everything(store.rows(keys_of(range(3)), ["a/mean"]))
    assert torch.equal(stored, column.detach().float())


def test_levels_are_known_without_a_backbone(tmp_path):
    unbuilt = replace(SPACE, levels=None)
    store = FeatureStore(tmp_path, unbuilt)
    assert store.levels is None
    store.levels = LEVELS
    store.insert(keys_of([0]), columns_of([0]))
    assert FeatureStore(tmp_path, unbuilt).levels == LEVELS
    about = json.loads((store.path / "space.json").read_text())
    assert (about["description"], about["fingerprint"]) == ("toy", SPACE.fingerprint)


def test_other_levels_under_one_fingerprint_are_refused(tmp_path):
    filled(tmp_path, [0])
    other = replace(SPACE, levels=(LevelInfo("other", 8, 4),))
    with pytest.raises(UserError, match=r"shallow, deep.*other.*mlff features prune"):
        FeatureStore(tmp_path, other)


def test_files_are_plain_safetensors(tmp_path):
    (path,) = shards_of(filled(tmp_path, range(7)))
    tensors = load_file(path)
    assert sorted(tensors) == ["deep/max", "keys", "shallow/mean"]
    assert [bytes(key).hex() for key in tensors["keys"]] == keys_of(range(7))
    assert torch.equal(torch.from_numpy(tensors["deep/max"]), columns_of(range(7))["deep/max"])


def test_only_the_rows_asked_for_enter_memory(tmp_path):
    store = FeatureStore(tmp_path, SPACE)
    store.insert(keys_of(range(1000)), {"a/map": torch.zeros(1000, 16, 32, 32)})
    store = FeatureStore(tmp_path, SPACE)
    tracemalloc.start()
    try:
        assert store.missing(keys_of(range(5)), ["a/map"]) == []
        everything(store.rows(keys_of([1, 500, 999]), ["a/map"]))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20 < shards_of(store)[0].stat().st_size


def test_rows_are_found_at_once_and_read_when_they_are_taken(tmp_path, monkeypatch):
    store = filled(tmp_path, range(100))
    taken = []
    original = Shard.take

    def watched(self, names, rows):
        taken.append(len(rows))
        return original(self, names, rows)

    monkeypatch.setattr(Shard, "take", watched)
    rows = store.rows(keys_of(range(99, -1, -1)), NAMES)
    assert (len(rows), rows.shapes, taken) == (100, [(8,), (8,)], [])
    assert same(rows.take(torch.tensor([0, 98, 0])), [99, 1, 99])
    assert taken == [3]


def test_rows_whose_shards_were_merged_since_are_found_again(tmp_path):
    store = filled(tmp_path, range(10))
    store.insert(keys_of(range(5, 15)), columns_of(range(5, 15)))
    rows = store.rows(keys_of(range(15)), NAMES)
    before = shards_of(store)
    prune_store(tmp_path, duplicates=True)
    assert not set(shards_of(store)) & set(before)
    assert same(everything(rows), range(15))


def test_a_store_travels_to_worker_processes(tmp_path):
    store = filled(tmp_path, range(4))
    assert same(everything(pickle.loads(pickle.dumps(store)).rows(keys_of([2]), NAMES)), [2])


def test_a_file_in_the_folders_place_is_said(tmp_path):
    (tmp_path / "store").write_text("")
    with pytest.raises(UserError, match=r"paths\.features="):
        FeatureStore(tmp_path / "store", SPACE)
