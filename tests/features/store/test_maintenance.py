import os
import time
from dataclasses import replace

import pytest
import torch
from store_samples import NAMES, SPACE, columns_of, everything, filled, flip, keys_of, shards_of

from mlff_cli.errors import UserError
from mlff_cli.features.store.disk import FeatureStore
from mlff_cli.features.store.maintenance import list_spaces, prune_store, verify_store
from mlff_cli.features.store.spaces import FORMAT_VERSION


def size(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def right(store, numbers, names=NAMES):
    expected = columns_of(numbers)
    rows = everything(store.rows(keys_of(numbers), names))
    return all(torch.equal(r, expected[n]) for r, n in zip(rows, names, strict=True))


def test_a_store_that_is_not_there_is_empty(tmp_path):
    assert list_spaces(tmp_path / "none") == []
    assert verify_store(tmp_path / "none") == []


def test_listing_counts_rows_once(tmp_path):
    store = filled(tmp_path, range(30))
    store.insert(keys_of(range(20, 40)), columns_of(range(20, 40)))
    filled(tmp_path, range(5), dtype="float16")
    (store.path / "other-1-ab.tmp").write_bytes(b"123")
    (store.path / "0.safetensors.damaged").write_bytes(b"12345")
    summaries = {summary.dtype: summary for summary in list_spaces(tmp_path)}
    full = summaries["float32"]
    assert (full.path, full.description, full.format) == (store.path, "toy", FORMAT_VERSION)
    assert (full.rows, full.shards, full.damaged, full.temporary) == (40, 2, 1, 1)
    assert full.inputs == NAMES
    assert full.bytes == size(store.path)
    assert summaries["float16"].rows == 5


def test_listing_tells_what_maps_take(tmp_path):
    store = filled(tmp_path, range(30))
    assert list_spaces(tmp_path)[0].map_bytes == 0
    store.insert(keys_of(range(4)), {"deep/map": torch.zeros(4, 5, 3, 3)})
    assert list_spaces(tmp_path)[0].map_bytes == 4 * 5 * 3 * 3 * 2


def test_listing_tells_of_other_formats_and_lost_descriptions(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("mlff_cli.features.store.spaces.FORMAT_VERSION", 0)
        filled(tmp_path, range(3))
    (old,) = list_spaces(tmp_path)
    assert (old.format, old.rows, old.description) == (0, 0, "toy")
    prune_store(tmp_path, old_formats=True)
    (filled(tmp_path, range(3)).path / "space.json").write_text("")
    (unknown,) = list_spaces(tmp_path)
    assert (unknown.format, unknown.rows) == (None, 3)


def test_verifying_finds_every_damaged_file_and_sets_it_aside(tmp_path):
    store = filled(tmp_path, range(30))
    store.insert(keys_of(range(30, 60)), columns_of(range(30, 60)))
    store.insert(keys_of(range(60, 90)), columns_of(range(60, 90)))
    assert verify_store(tmp_path) == []
    first, second, _ = shards_of(store)
    flip(first, first.stat().st_size - 1)
    flip(second, 20)
    (store.path / "space.json").write_text("{}")
    reports = []
    problems = verify_store(tmp_path, lambda done, total: reports.append((done, total)))
    assert [problem.path for problem in problems] == [store.path / "space.json", first, second]
    assert [problem.rows for problem in problems] == [None, 30, None]
    assert reports[-1][0] == reports[-1][1] > 0
    assert len(reports) == 3
    assert len(shards_of(store)) == 1
    assert [problem.path.name for problem in verify_store(tmp_path)] == ["space.json"]
    assert list_spaces(tmp_path)[0].damaged == 2
    before = size(tmp_path)
    assert prune_store(tmp_path, damaged=True) == before - size(tmp_path) > 0
    assert list_spaces(tmp_path)[0].damaged == 0


def test_pruning_nothing_deletes_nothing(tmp_path):
    store = filled(tmp_path, range(3))
    (store.path / "0.safetensors.damaged").write_bytes(b"12345")
    before = size(tmp_path)
    assert prune_store(tmp_path) == 0
    assert size(tmp_path) == before


def test_temporary_files_go_when_nobody_writes_them(tmp_path):
    store = filled(tmp_path, range(3))
    young, old = store.path / "elsewhere-1-ab.tmp", store.path / "elsewhere-2-cd.tmp"
    for path in (young, old):
        path.write_bytes(b"1234")
    os.utime(old, (time.time() - 7200,) * 2)
    assert prune_store(tmp_path, temporary=True) == 4
    assert (young.exists(), old.exists()) == (True, False)


def test_other_formats_go_and_the_store_opens_again(tmp_path, monkeypatch):
    current = filled(tmp_path, range(3)).path
    with monkeypatch.context() as patch:
        patch.setattr("mlff_cli.features.store.spaces.FORMAT_VERSION", 0)
        patch.setattr("mlff_cli.features.store.disk.refuse_other_formats", lambda _: None)
        old = filled(tmp_path, range(3)).path
    with pytest.raises(UserError, match="mlff features prune"):
        FeatureStore(tmp_path, SPACE)
    before = size(tmp_path)
    assert prune_store(tmp_path, old_formats=True) == before - size(tmp_path) > 0
    assert not old.exists()
    assert FeatureStore(tmp_path, SPACE).path == current
    assert right(FeatureStore(tmp_path, SPACE), range(3))


def test_a_space_goes_by_the_beginning_of_its_name(tmp_path):
    first = filled(tmp_path, range(3)).path
    second = filled(tmp_path, range(3), dtype="float16").path
    for beginning in ("", "xyz"):
        with pytest.raises(UserError, match=first.name):
            prune_store(tmp_path, spaces=[beginning])
    assert prune_store(tmp_path, spaces=[first.name[:12]]) > 0
    assert not first.exists()
    assert second.exists()


def test_a_deleted_space_can_be_written_by_a_run_that_had_it_open(tmp_path):
    store = filled(tmp_path, range(3))
    prune_store(tmp_path, spaces=[store.path.name])
    assert store.missing(keys_of(range(3)), NAMES) == [0, 1, 2]
    store.insert(keys_of(range(3)), columns_of(range(3)))
    assert FeatureStore(tmp_path, replace(SPACE, levels=None)).levels == SPACE.levels


def test_merging_keeps_each_row_once_and_readers_go_on(tmp_path):
    store = filled(tmp_path, range(10))
    for start in range(0, 60, 5):
        store.insert(keys_of(range(start, start + 10)), columns_of(range(start, start + 10)))
    reader = FeatureStore(tmp_path, SPACE)
    assert reader.missing(keys_of(range(65)), NAMES) == []
    before = size(tmp_path)
    assert prune_store(tmp_path, duplicates=True) == before - size(tmp_path) > 0
    assert len(shards_of(store)) == 1
    assert right(reader, range(65))
    assert list_spaces(tmp_path)[0].rows == 65
    assert prune_store(tmp_path, duplicates=True) == 0


def test_merging_overlapping_features(tmp_path):
    store = filled(tmp_path, range(10))
    store.insert(keys_of(range(5, 15)), {"deep/max": columns_of(range(5, 15))["deep/max"]})
    third = {**columns_of(range(8, 20)), "deep/grid": torch.ones(12, 2, 4, 4)}
    del third["deep/max"]
    store.insert(keys_of(range(8, 20)), third)
    prune_store(tmp_path, duplicates=True)
    store = FeatureStore(tmp_path, SPACE)
    assert right(store, range(15), ["deep/max"])
    assert right(store, range(20), ["shallow/mean"])
    assert store.missing(keys_of(range(20)), ["deep/grid"]) == [*range(8)]
    assert store.missing(keys_of(range(20)), ["deep/max"]) == [*range(15, 20)]


def test_merging_features_of_which_one_stands_in_both_kinds_of_shards(tmp_path):
    store = FeatureStore(tmp_path, SPACE)
    columns = columns_of(range(12), ["a/mean", "b/mean", "c/mean"])
    for start in range(0, 12, 3):
        rows = slice(start, start + 3)
        for names in (["a/mean", "b/mean"], ["b/mean", "c/mean"]):
            part = {name: columns[name][rows] for name in names}
            store.insert(keys_of(range(start, start + 3)), part)
    assert len(shards_of(store)) == 8
    prune_store(tmp_path, duplicates=True)
    assert len(shards_of(store)) == 2
    for name, rows in zip(
        columns, everything(store.rows(keys_of(range(12)), [*columns])), strict=True
    ):
        assert torch.equal(rows, columns[name])


def test_merging_loses_only_what_was_damaged(tmp_path, caplog):
    store = filled(tmp_path, range(10))
    store.insert(keys_of(range(10, 30)), columns_of(range(10, 30)))
    store.insert(keys_of(range(30, 60)), columns_of(range(30, 60)))
    largest = max(shards_of(store), key=lambda path: path.stat().st_size)
    flip(largest, largest.stat().st_size - 1)
    prune_store(tmp_path, duplicates=True)
    assert str(largest) in caplog.text
    store = FeatureStore(tmp_path, SPACE)
    assert store.missing(keys_of(range(60)), NAMES) == [*range(30, 60)]
    assert right(store, range(30))


def test_pruning_keeps_foreign_files(tmp_path):
    store = filled(tmp_path, range(3))
    foreign = [tmp_path / "photo.tmp", tmp_path / "notes" / "a.damaged"]
    foreign[1].parent.mkdir()
    for path in foreign:
        path.write_text("mine")
        os.utime(path, (0, 0))
    prune_store(
        tmp_path,
        damaged=True,
        temporary=True,
        old_formats=True,
        spaces=[store.path.name],
        duplicates=True,
    )
    assert [path.read_text() for path in foreign] == ["mine", "mine"]
    assert not store.path.exists()
