import errno
import random
from pathlib import Path

import pytest
import torch
from store_samples import NAMES, SPACE, columns_of, everything, filled, flip, keys_of, shards_of

from mlff_cli.errors import UserError
from mlff_cli.features.store import shards
from mlff_cli.features.store.disk import FeatureStore, MissingRowsError
from mlff_cli.features.store.maintenance import verify_store
from mlff_cli.features.store.merge import merge_shards
from mlff_cli.features.store.shard_header import ShardDamageError
from mlff_cli.features.store.shards import Shard


def repaired(store, numbers):
    """Compute again what is missing; whether all rows are right then."""
    lost = [numbers[position] for position in store.missing(keys_of(numbers), NAMES)]
    store.insert(keys_of(lost), columns_of(lost))
    expected = columns_of(numbers)
    rows = everything(FeatureStore(store.path.parent, SPACE).rows(keys_of(numbers), NAMES))
    return all(torch.equal(r, expected[n]) for r, n in zip(rows, NAMES, strict=True))


def test_every_single_byte_of_a_shard_counts(tmp_path):
    (path,) = shards_of(filled(tmp_path, range(5), width=4))
    content = path.read_bytes()
    random.seed(0)
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 1 << random.randrange(8)
        path.write_bytes(damaged)
        with pytest.raises(ShardDamageError):
            shard = Shard.open(path)
            shard.verify(shard.blocks)
    path.write_bytes(content)
    Shard.open(path).verify(NAMES)


@pytest.mark.parametrize("seed", range(12))
def test_flipped_bytes_are_noticed_said_and_computed_again(tmp_path, caplog, seed):
    store = filled(tmp_path, range(40))
    store.insert(keys_of(range(40, 90)), columns_of(range(40, 90)))
    random.seed(seed)
    path = random.choice(shards_of(store))
    flip(path, random.randrange(path.stat().st_size), random.randrange(1, 256))
    store = FeatureStore(tmp_path, SPACE)
    lost = store.missing(keys_of(range(90)), NAMES)
    assert lost in ([*range(40)], [*range(40, 90)])
    assert str(path) in caplog.text
    assert "computed again" in caplog.text
    assert not path.exists()
    assert path.with_name(path.name + ".damaged").exists()
    assert repaired(store, range(90))


def test_the_rows_lost_are_counted(tmp_path, caplog):
    store = filled(tmp_path, range(40))
    (path,) = shards_of(store)
    flip(path, path.stat().st_size - 1)
    assert len(store.missing(keys_of(range(40)), NAMES)) == 40
    assert "'shallow/mean' does not match its checksum; its 40 rows are" in caplog.text


@pytest.mark.parametrize("keep", [0, 1, 7, 8, 9, 200, 700, -1])
def test_truncated_and_lengthened_files_are_noticed(tmp_path, caplog, keep):
    store = filled(tmp_path, range(30))
    (path,) = shards_of(store)
    content = path.read_bytes()
    path.write_bytes(content[:keep] if keep >= 0 else content + b"\0")
    store = FeatureStore(tmp_path, SPACE)
    assert store.missing(keys_of(range(30)), NAMES) == [*range(30)]
    assert str(path) in caplog.text
    assert repaired(store, range(30))


def test_a_damaged_feature_costs_nothing_until_it_is_asked_for(tmp_path):
    store = filled(tmp_path, range(30))
    (path,) = shards_of(store)
    flip(path, path.stat().st_size - 1)  # in shallow/mean, which comes last
    assert store.missing(keys_of(range(30)), ["deep/max"]) == []
    assert path.exists()
    assert store.missing(keys_of(range(30)), ["shallow/mean"]) == [*range(30)]


def test_rows_that_stand_elsewhere_too_are_not_lost(tmp_path):
    store = filled(tmp_path, range(30))
    store.insert(keys_of(range(20, 50)), columns_of(range(20, 50)))
    first = min(shards_of(store), key=lambda path: path.stat().st_size)
    flip(first, first.stat().st_size - 1)
    store = FeatureStore(tmp_path, SPACE)
    lost = store.missing(keys_of(range(50)), NAMES)
    assert lost in ([*range(20)], [*range(30, 50)])
    assert repaired(store, range(50))


def test_damage_is_noticed_when_nobody_asked_what_is_missing(tmp_path, caplog):
    store = filled(tmp_path, range(30))
    (path,) = shards_of(store)
    flip(path, path.stat().st_size - 1)
    with pytest.raises(MissingRowsError, match="30 of 30 rows"):
        everything(store.rows(keys_of(range(30)), NAMES))
    assert str(path) in caplog.text


def test_a_file_cut_off_after_it_was_checked_is_noticed(tmp_path, caplog):
    store = filled(tmp_path, range(30))
    assert store.missing(keys_of(range(30)), NAMES) == []
    (path,) = shards_of(store)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(MissingRowsError):
        everything(store.rows(keys_of(range(30)), NAMES))
    assert "bytes long instead of" in caplog.text
    assert repaired(store, range(30))


def test_a_store_deleted_while_it_is_read_is_said(tmp_path):
    store = filled(tmp_path, range(30))
    assert store.missing(keys_of(range(30)), NAMES) == []
    for path in shards_of(store):
        path.unlink()
    with pytest.raises(MissingRowsError, match="start the command again"):
        everything(store.rows(keys_of(range(30)), NAMES))


def test_a_damaged_shard_that_cannot_be_renamed_is_passed_over(tmp_path, monkeypatch, caplog):
    store = filled(tmp_path, range(30))
    (path,) = shards_of(store)
    flip(path, path.stat().st_size - 1)

    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.replace", refuse)
        for _ in range(3):
            assert store.missing(keys_of(range(30)), NAMES) == [*range(30)]
    assert caplog.text.count("computed again") == 1
    assert repaired(store, range(30))  # the new shard has the damaged one's name
    assert store.missing(keys_of(range(30)), NAMES) == []


def test_a_sector_that_cannot_be_read_is_damage(tmp_path, monkeypatch, caplog):
    store = filled(tmp_path, range(30))

    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("mlff_cli.features.store.shards._checksum", fail)
        assert store.missing(keys_of(range(30)), NAMES) == [*range(30)]
    assert "the disk cannot read it" in caplog.text
    assert repaired(store, range(30))


def test_a_shard_that_another_machine_deletes_meanwhile_is_no_damage(tmp_path, monkeypatch):
    store = filled(tmp_path, range(30))
    checksum = shards._checksum

    def merged_meanwhile(file, block):
        monkeypatch.setattr(shards, "_checksum", checksum)
        merge_shards(store.path)
        raise OSError(errno.ESTALE, "Stale file handle")

    FeatureStore(tmp_path, SPACE).insert(keys_of(range(20, 40)), columns_of(range(20, 40)))
    monkeypatch.setattr(shards, "_checksum", merged_meanwhile)
    assert store.missing(keys_of(range(41)), NAMES) == [40]
    assert not list(store.path.glob("*.damaged"))


def test_a_shard_that_must_not_be_read_is_no_damage(tmp_path, monkeypatch):
    (path,) = shards_of(filled(tmp_path, range(30)))
    opened = Path.open

    def refuse(file, *arguments, **named):
        if file == path:
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(file, *arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        with pytest.raises(UserError, match=f"{path.name}.*make it readable"):
            FeatureStore(tmp_path, SPACE)
        assert [problem.path for problem in verify_store(tmp_path)] == [path]
    assert path.exists()


def test_foreign_files_are_left_alone(tmp_path, caplog):
    store = filled(tmp_path, range(3))
    foreign = [store.path / "model.safetensors", store.path / "notes.txt", tmp_path / "x.tmp"]
    for path in foreign:
        path.write_text("not ours")
    assert FeatureStore(tmp_path, SPACE).missing(keys_of(range(3)), NAMES) == []
    assert [path.read_text() for path in foreign] == ["not ours"] * 3
    assert not caplog.text
